"""Mending everything at once: all fixes of a text, and all its marks the engine was not taught."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from core.lyrics.diagnostic import Diagnostic, Edit, Fix, Severity, apply_fix
from core.lyrics.line_rules import ascii_edit, broken_tag
from core.lyrics.parse import Span, parse
from core.lyrics.tags import Dialect

_ROUNDS = 200
"""A text whose fixes lead on to further fixes for longer than this is left as it is by then."""
_FIRST = (Severity.ERROR, Severity.WARNING, Severity.HINT)


def mend_all(text: str, judge: Callable[[str], Sequence[Diagnostic]]) -> tuple[str, tuple[str, ...]]:
    """The text after every fix that `judge` offers, and after those that these lead to; with what was done.

    Of two fixes that meet in a row the graver one comes first, then the one further left; the other waits for
    the next look at the text. Titles are told once each, as in `Change to [verse] ×2`.
    """
    made: Counter[str] = Counter()
    seen = {text}
    for _ in range(_ROUNDS):
        fixes = _apart(judge(text))
        mended = apply_fix(text, Fix("", tuple(edit for fix in fixes for edit in fix.edits)))
        if mended in seen:  # nothing to mend, or fixes that lead back
            break
        seen.add(mended)
        made.update(fix.title for fix in fixes)
        text = mended
    return text, tuple(title if times == 1 else f"{title} ×{times}" for title, times in made.items())


def to_ascii(text: str, dialect: Dialect) -> tuple[str, int]:
    """The text with the marks in its lyric lines in ASCII, and how many there were.

    Tags stay as they are, and so does a line that was meant for one: other brackets would make it words.
    """
    lyrics = parse(text)
    edits: list[Edit] = []
    marks = 0
    for line in (*lyrics.preamble, *(line for section in lyrics.sections for line in section.lines)):
        places = dialect.marks(line.text)
        if places and not broken_tag(line, dialect):
            edits.append(ascii_edit(line, places, dialect))
            marks += len(places)
    return apply_fix(text, Fix("", tuple(edits))), marks


def _apart(found: Iterable[Diagnostic]) -> list[Fix]:
    """Fixes of which no two touch one row, in the order of the text."""
    taken: set[int] = set()
    chosen: list[tuple[int, Fix]] = []
    for diagnostic in sorted(found, key=_weight):
        if diagnostic.fix is None:
            continue
        touched = {row for edit in diagnostic.fix.edits for row in _rows(edit.span)}
        if not touched & taken:
            taken |= touched
            chosen.append((diagnostic.span.start.row, diagnostic.fix))
    return [fix for _, fix in sorted(chosen, key=lambda pair: pair[0])]


def _weight(diagnostic: Diagnostic) -> tuple[int, int, int]:
    start = diagnostic.span.start
    return _FIRST.index(diagnostic.severity), start.row, start.column


def _rows(span: Span) -> range:
    """The rows an edit changes; one that ends where a row begins leaves that row alone."""
    last = span.end.row if span.end.column or span.end == span.start else span.end.row - 1
    return range(span.start.row, last + 1)
