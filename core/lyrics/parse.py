"""Lyrics in editor form as sections with their places: a tag line, then one lyric line per line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

TAG = re.compile(r"\s*(\[([^\[\];<>|]{1,32})\])")
"""A tag as it may open a line; the second group is its name."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A point in the text, both parts from 0; the column counts code points."""

    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the text; the end is the first place behind it."""

    start: Place
    end: Place


@dataclass(frozen=True, slots=True)
class Line:
    """One lyric line without the blanks around it."""

    text: str
    row: int
    column: int = 0

    @property
    def span(self) -> Span:
        """Where the line stands."""
        return self.part(0, len(self.text))

    def part(self, start: int, end: int) -> Span:
        """Where its characters from `start` up to `end` stand."""
        return Span(Place(self.row, self.column + start), Place(self.row, self.column + end))


@dataclass(frozen=True, slots=True)
class Section:
    """One tag and the lyric lines under it."""

    tag: str
    """As written, without brackets."""
    tag_span: Span
    """Brackets included."""
    lines: tuple[Line, ...]

    @property
    def span(self) -> Span:
        """From the tag to the end of the last lyric line."""
        return Span(self.tag_span.start, self.lines[-1].span.end if self.lines else self.tag_span.end)


@dataclass(frozen=True, slots=True)
class Lyrics:
    """A whole text: its sections, and the lines that stand before the first tag."""

    text: str
    sections: tuple[Section, ...]
    preamble: tuple[Line, ...] = ()

    def section_at(self, row: int) -> int | None:
        """Which section a row belongs to; None before the first tag."""
        found = [index for index, section in enumerate(self.sections) if section.tag_span.start.row <= row]
        return found[-1] if found else None


def rows(text: str, *, keep_ends: bool = False) -> list[str]:
    """The text's lines, one at least, as the editor counts them: any line boundary of Unicode ends one."""
    *head, last = f"{text}.".splitlines(keepends=keep_ends)
    return [*head, last[:-1]]


def parse(text: str) -> Lyrics:
    """Read any text whatever; what opens a line and is no tag is a lyric line."""
    preamble: list[Line] = []
    sections: list[tuple[str, Span, list[Line]]] = []
    lines = preamble
    for row, content in enumerate(rows(text)):
        column = 0
        for name, start, end in _tags(content):
            lines = []
            sections.append((name, Span(Place(row, start), Place(row, end)), lines))
            column = end
        words = content[column:].strip()
        if words:
            lines.append(Line(words, row, content.index(words, column)))
    return Lyrics(text, tuple(Section(tag, span, tuple(own)) for tag, span, own in sections), tuple(preamble))


def _tags(content: str) -> Iterator[tuple[str, int, int]]:
    """The tags that open a line, one behind the other, each with its first and last column."""
    column = 0
    while (found := TAG.match(content, column)) and found[2].strip():
        yield found[2].strip(), found.start(1), found.end(1)
        column = found.end()
