"""What is wrong with lyrics, where, and the edit that mends it."""

from collections.abc import Iterator

from core.lyrics.diagnostic import Diagnostic, Edit, Fix, Severity, apply_fix
from core.lyrics.language import block_language
from core.lyrics.line_rules import broken_tag, check_line
from core.lyrics.parse import Line, Lyrics, Place, Section, Span, rows
from core.lyrics.tags import Dialect, Tag
from core.lyrics.wire import sung

__all__ = ["Diagnostic", "Edit", "Fix", "Severity", "apply_fix", "check"]


def check(
    lyrics: Lyrics, dialect: Dialect, *, tokens: tuple[int, int] | None = None
) -> tuple[Diagnostic, ...]:
    """Every finding in the order of the text; `tokens` is how many the text uses and how many there are."""
    found = list(_start(lyrics, dialect))
    for line in lyrics.preamble:
        found += check_line(line, dialect, None)
    for index, section in enumerate(lyrics.sections):
        found += _section(index, section, lyrics, dialect)
        for line in section.lines:
            found += check_line(line, dialect, index)
    if tokens and tokens[0] > tokens[1]:
        found.append(_too_long(lyrics, *tokens))
    return tuple(sorted(found, key=lambda d: (d.span.start.row, d.span.start.column)))


def _start(lyrics: Lyrics, dialect: Dialect) -> Iterator[Diagnostic]:
    """Rules on what stands before the first tag."""
    name = _sung_tag(dialect)
    first = next((line for line in lyrics.preamble if sung(line.text)), None)
    if first and not broken_tag(first, dialect):
        here = Place(first.row, 0)
        yield Diagnostic(
            Severity.ERROR,
            "before-first-tag" if lyrics.sections else "no-sections",
            "lyrics before the first tag" if lyrics.sections else "lyrics without any tag",
            f"write [{name}] on a line above",
            first.span,
            None,
            Fix(f"Insert [{name}]", (Edit(Span(here, here), f"[{name}]\n"),)),
        )
    elif not first and not lyrics.sections:
        start = Span(Place(0, 0), Place(0, 0))
        hint = f"write [{name}] and under it a line to sing"
        yield Diagnostic(Severity.ERROR, "no-sections", "nothing to sing yet", hint, start, None)


def _section(index: int, section: Section, lyrics: Lyrics, dialect: Dialect) -> Iterator[Diagnostic]:
    """Rules on one tag, whether it has lyrics, and how they end."""
    tag = dialect.tag(section.tag)
    words = next((line for line in section.lines if sung(line.text)), None)
    if tag is None:
        yield _unknown(index, section, dialect)
    elif tag.sung and not words:
        yield _empty(index, section, lyrics.text)
    elif words and not tag.sung:
        yield _not_sung(index, tag, words, dialect)
    last = section.lines[-1] if section.lines else None
    if last and last.text.endswith("."):
        yield from _ending(index, section, last)


def _unknown(index: int, section: Section, dialect: Dialect) -> Diagnostic:
    near = dialect.nearest(section.tag)
    known = ", ".join(tag.name for tag in dialect.tags)
    return Diagnostic(
        Severity.ERROR,
        "unknown-tag",
        f"unknown tag [{section.tag}]",
        f"write [{near.name}]" if near else f"use one of: {known}",
        section.tag_span,
        index,
        Fix(f"Change to [{near.name}]", (Edit(section.tag_span, f"[{near.name}]"),)) if near else None,
    )


def _empty(index: int, section: Section, text: str) -> Diagnostic:
    return Diagnostic(
        Severity.ERROR,
        "empty-section",
        f"[{section.tag}] has no lyrics",
        "write a line under it, or delete the tag",
        section.tag_span,
        index,
        Fix(f"Delete [{section.tag}]", (Edit(_whole_row(text, section.tag_span), ""),)),
    )


def _not_sung(index: int, tag: Tag, words: Line, dialect: Dialect) -> Diagnostic:
    name = _sung_tag(dialect)
    return Diagnostic(
        Severity.ERROR,
        "lyrics-in-instrumental",
        f"[{tag.name}] is not sung but has lyrics",
        f"move them under a tag such as [{name}]",
        words.span,
        index,
        Fix(f"Insert [{name}]", (Edit(Span(words.span.start, words.span.start), f"\n[{name}]\n"),)),
    )


def _ending(index: int, section: Section, last: Line) -> Iterator[Diagnostic]:
    """A Chinese section ends without a full stop; an English one gets its own when it is sent."""
    if block_language("".join(line.text for line in section.lines)) == "zh":
        stops = last.part(len(last.text.rstrip(".")), len(last.text))
        yield Diagnostic(
            Severity.HINT,
            "chinese-ending",
            "a Chinese section ends without a full stop",
            "delete it; it is not sent",
            stops,
            index,
            Fix("Delete the full stop", (Edit(stops, ""),)),
        )


def _too_long(lyrics: Lyrics, used: int, limit: int) -> Diagnostic:
    last = len(lyrics.sections) - 1 if lyrics.sections else None
    span = lyrics.sections[-1].tag_span if lyrics.sections else Span(Place(0, 0), Place(0, 0))
    message = f"{used} text tokens where the engine reads {limit}"
    hint = f"shorten the lyrics by {used - limit} tokens"
    return Diagnostic(Severity.ERROR, "too-many-tokens", message, hint, span, last)


def _sung_tag(dialect: Dialect) -> str:
    return next(tag.name for tag in dialect.tags if tag.sung)


def _whole_row(text: str, span: Span) -> Span:
    """The row with its line end where the span is all there is on it, else the span itself."""
    lines = rows(text)
    row = span.start.row
    alone = len(lines[row].strip()) == span.end.column - span.start.column
    return Span(Place(row, 0), Place(row + 1, 0)) if alone and row + 1 < len(lines) else span
