"""Rules on the characters of one lyric line."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from unicodedata import east_asian_width

from core.lyrics.diagnostic import Diagnostic, Edit, Fix, Severity
from core.lyrics.parse import Line, Place, Span
from core.lyrics.tags import Dialect
from core.lyrics.wire import CONTROL, UNPRINTED

_PLAIN = re.compile(r"[A-Za-z0-9 ,.'!?\u4e00-\u9fff]*")
"""Lines no character rule has anything to say about."""
_OPEN = re.compile(r"(?P<bracket>\[[\[\s]*)(?=[^\]】］]*$|[^\[\]]*[】］])|[【［]\s*(?=[^\[\]【［]*[\]】］])")
"""Opens a line that was meant for a tag: never closed, or in brackets of another script."""
_TO_CLOSE = re.compile(r"([^\[\]【［】］]*)[\]】］]")
_FIRST_WORD = re.compile(r"([^\s\[\]:,.;]*)")
_BRACKETED = re.compile(r"\[([^\[\]]+)\]")
_SEPARATING = f"; \t{chr(0x3000)}"
_GAP = re.compile(r"(?<=[,，。、;；]) *(?=\S)|(?<=\S) +(?=\S)")

Rule = Callable[[Line, Dialect], Diagnostic | None]


@lru_cache(maxsize=8192)
def check_line(line: Line, dialect: Dialect, section: int | None) -> tuple[Diagnostic, ...]:
    """Every finding in one line; a broken tag hides the rest, because mending it changes the line."""
    found = _findings(line.text, line.column, dialect)
    return tuple(_moved(diagnostic, line.row, section) for diagnostic in found)


@lru_cache(maxsize=4096)
def _findings(text: str, column: int, dialect: Dialect) -> tuple[Diagnostic, ...]:
    """What is found in a line wherever it stands; kept, as an edit leaves most lines as they were."""
    line = Line(text, 0, column)
    found = []
    if not _PLAIN.fullmatch(text):
        for rule in _RULES:
            diagnostic = rule(line, dialect)
            if diagnostic:
                found.append(diagnostic)
            if diagnostic and rule is broken_tag:
                return tuple(found)
    if long := _long(line, dialect):
        found.append(long)
    return tuple(found)


def _moved(found: Diagnostic, row: int, section: int | None) -> Diagnostic:
    fix = found.fix
    if fix:
        fix = Fix(fix.title, tuple(Edit(_on(edit.span, row), edit.text) for edit in fix.edits))
    return Diagnostic(
        found.severity, found.rule, found.message, found.hint, _on(found.span, row), section, fix
    )


def _on(span: Span, row: int) -> Span:
    return Span(Place(row, span.start.column), Place(row, span.end.column))


def broken_tag(line: Line, dialect: Dialect) -> Diagnostic | None:
    """A tag that is not closed, or stands in other brackets than the engine's."""
    opened = _OPEN.match(line.text)
    if not opened:
        return None
    closed = _TO_CLOSE.match(line.text, opened.end())
    word = closed or _FIRST_WORD.match(line.text, opened.end())
    assert word is not None
    near = dialect.nearest(word[1])
    if not near and not opened["bracket"]:
        return None
    span = line.part(0, word.end())
    change = Edit(span, f"[{near.name}]") if near else Edit(line.part(0, opened.end()), "")
    return _finding(
        Severity.ERROR,
        "unclosed-tag",
        f"{line.text[: word.end()]} is not a tag between [ and ]",
        f"write [{near.name}]" if near else "close it with ], or delete the bracket",
        line,
        (0, word.end()),
        Fix(f"Write [{near.name}]" if near else "Delete the bracket", (change,)),
    )


def _control(line: Line, _dialect: Dialect) -> Diagnostic | None:
    token = CONTROL.search(line.text)
    if not token:
        return None
    bare = line.text
    while (less := CONTROL.sub("", bare)) != bare:
        bare = less
    return _finding(
        Severity.ERROR,
        "control-token",
        f"the engine reads {token[0]} as a command",
        "remove it",
        line,
        token.span(),
        Fix("Remove it", (Edit(line.span, bare),)),
    )


def _unprinted(line: Line, _dialect: Dialect) -> Diagnostic | None:
    found = UNPRINTED.search(line.text)
    if not found:
        return None
    return _finding(
        Severity.WARNING,
        "control-character",
        f"a control character (U+{ord(found[0]):04X}) is left out",
        "remove it",
        line,
        found.span(),
        Fix("Remove it", (Edit(line.span, UNPRINTED.sub("", line.text)),)),
    )


def _tag_inside(line: Line, dialect: Dialect) -> Diagnostic | None:
    found = [tag for tag in _BRACKETED.finditer(line.text) if dialect.tag(tag[1])]
    if not found:
        return None
    return _finding(
        Severity.ERROR,
        "tag-inside-line",
        f"{found[0][0]} stands inside a lyric line",
        "give it a line of its own",
        line,
        found[0].span(),
        Fix("Break the line", tuple(_break_before(line, tag.start()) for tag in found)),
    )


def _break_before(line: Line, column: int) -> Edit:
    """A line end instead of the blanks and semicolons in front of a column."""
    return Edit(line.part(len(line.text[:column].rstrip(_SEPARATING)), column), "\n")


def _brackets(line: Line, dialect: Dialect) -> Diagnostic | None:
    tags = {at for tag in _BRACKETED.finditer(line.text) if dialect.tag(tag[1]) for at in tag.span()}
    places = [
        at
        for at, char in enumerate(line.text)
        if (char == "[" and at not in tags) or (char == "]" and at + 1 not in tags)
    ]
    if not places:
        return None
    edits = tuple(Edit(line.part(at, at + 1), "(" if line.text[at] == "[" else ")") for at in places)
    return _finding(
        Severity.WARNING,
        "brackets",
        "square brackets are for tags; in lyrics they are sent as parentheses",
        "write ( )",
        line,
        (places[0], places[0] + 1),
        Fix("Change to parentheses", edits),
    )


def _marks(line: Line, dialect: Dialect) -> Diagnostic | None:
    places = dialect.marks(line.text)
    if not places:
        return None
    mark = line.text[places[0]]
    return _finding(
        Severity.WARNING,
        "full-width",
        f"the engine reads ASCII punctuation: {mark} is sent as {dialect.ascii(mark).replace(';', ',')}",
        "change the marks of this line",
        line,
        (places[0], places[0] + 1),
        Fix("Change to ASCII marks", (ascii_edit(line, places, dialect),)),
    )


def ascii_edit(line: Line, places: Sequence[int], dialect: Dialect) -> Edit:
    """The stretch with a line's marks, in ASCII.

    A full stop that ends the line goes, because the line's end says the same.
    `places` are those that `Dialect.marks` gives, one at least.
    """
    first, end = places[0], places[-1] + 1
    pieces, at = [], first
    for place in places:
        pieces += [line.text[at:place], dialect.ascii(line.text[place]).replace(";", ",")]
        at = place + 1
    text = "".join(pieces)
    stops = end == len(line.text) and dialect.ascii(line.text[-1]) == "."
    return Edit(line.part(first, end), text[:-1] if stops else text)


def _semicolon(line: Line, _dialect: Dialect) -> Diagnostic | None:
    text = line.text
    if ";" not in text:
        return None
    first = len(text) - len(text.lstrip(_SEPARATING))
    last = max(first, len(text.rstrip(_SEPARATING)))
    edits = [Edit(line.part(at, at + 1), ",") for at in range(first, last) if text[at] == ";"]
    edits += [Edit(line.part(*end), "") for end in ((0, first), (last, len(text))) if end[0] < end[1]]
    at = text.index(";")
    return _finding(
        Severity.WARNING,
        "semicolon",
        "a semicolon separates sections; in lyrics it is sent as a comma",
        "use a comma or start a new line",
        line,
        (at, at + 1),
        Fix("Replace it", tuple(edits)),
    )


def _long(line: Line, dialect: Dialect) -> Diagnostic | None:
    limit = dialect.line_width
    if len(line.text) * 2 <= limit or _cells(line.text) <= limit:
        return None
    edits = tuple(Edit(line.part(*gap), "\n") for gap in _breaks(line.text, limit))
    return _finding(
        Severity.HINT,
        "long-line",
        "a long line for one breath",
        "break it where the singer breathes",
        line,
        (0, len(line.text)),
        Fix("Break the line", edits) if edits else None,
    )


def _breaks(text: str, limit: int) -> tuple[tuple[int, int], ...]:
    """Gaps to break at so that every piece fits, behind commas if possible; none if a word is too long."""
    ends = [0, *accumulate(_cells(char) for char in text)]
    chosen: list[tuple[int, int]] = []
    start = 0
    comma: tuple[int, int] | None = None
    gap: tuple[int, int] | None = None
    for here in [found.span() for found in _GAP.finditer(text)] + [(len(text), len(text))]:
        while ends[here[0]] - ends[start] > limit:
            best = comma or gap
            if best is None:
                return ()
            chosen.append(best)
            start, comma = best[1], None
            gap = gap if gap and gap[0] > start else None
        gap = here
        comma = here if text[here[0] - 1] in ",，。、;；" else comma
    return tuple(chosen)


def _cells(text: str) -> int:
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _finding(
    severity: Severity,
    rule: str,
    message: str,
    hint: str,
    line: Line,
    part: tuple[int, int],
    fix: Fix | None,
) -> Diagnostic:
    return Diagnostic(severity, rule, message, hint, line.part(*part), None, fix)


_RULES: tuple[Rule, ...] = (_control, _unprinted, broken_tag, _tag_inside, _brackets, _marks, _semicolon)
