"""Whole sections as pieces of the text: moved, doubled, deleted; and the lines that were used before."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.lyrics.parse import Line, Lyrics, rows

SHORTEST_BEGINNING = 3
"""Characters of a line from which a line used before can be meant."""


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of a tag and of all that stands under it; tags on one row share a block."""

    tag: str
    first: int
    """The row of the tag."""
    words_end: int
    """The row behind the last that is not blank."""
    end: int
    """The row behind the last, blank ones included."""


@dataclass(frozen=True, slots=True)
class Change:
    """A new text, and the row on which the section in hand begins in it."""

    text: str
    row: int


@dataclass(frozen=True, slots=True)
class Known:
    """A lyric line that stands somewhere, and what follows it in its section."""

    key: str
    """Its words without regard to case."""
    text: str
    rows: tuple[int, ...]
    """Everywhere it stands."""
    rest: tuple[str, ...]
    """The lines after it in the first section it stands in."""


def blocks(lyrics: Lyrics) -> tuple[Block, ...]:
    """The text from its first tag on, cut before each row that opens with one."""
    lines = rows(lyrics.text)
    tags = {section.tag_span.start.row: section.tag for section in reversed(lyrics.sections)}
    starts = sorted(tags)
    return tuple(
        Block(tags[first], first, _words_end(lines, first, end), end)
        for first, end in pairwise([*starts, len(lines)])
    )


def block_at(found: Sequence[Block], row: int) -> int | None:
    """Which block a row belongs to; None before the first tag."""
    index = bisect_right([block.first for block in found], row) - 1
    return index if index >= 0 else None


def move(lyrics: Lyrics, index: int, by: int) -> Change | None:
    """Block `index` moved that many places down, or up; None where there is no such place.

    Blank rows between sections stay where they are.
    """
    lead, bodies, gaps = _pieces(lyrics)
    to = index + by
    if not (0 <= index < len(bodies) and 0 <= to < len(bodies)):
        return None
    bodies.insert(to, bodies.pop(index))
    return _join(lead, bodies, gaps, to)


def duplicate(lyrics: Lyrics, index: int) -> Change:
    """The block once more under itself."""
    lead, bodies, gaps = _pieces(lyrics)
    is_last = index == len(bodies) - 1
    between = gaps[index] if not is_last else gaps[index - 1] if index else [""]
    bodies.insert(index + 1, bodies[index])
    gaps.insert(index, between)
    return _join(lead, bodies, gaps, index + 1)


def delete(lyrics: Lyrics, index: int) -> Change:
    """The text without the block."""
    lead, bodies, gaps = _pieces(lyrics)
    is_last = index == len(bodies) - 1
    bodies.pop(index)
    gaps.pop(index - 1 if is_last and index else index)
    return _join(lead, bodies, gaps, min(index, len(bodies) - 1))


def lines_to_repeat(lyrics: Lyrics, tag: str, row: int) -> tuple[str, ...]:
    """The lines of the last section of that tag before a row; without one, of the first behind it."""
    others = [s for s in lyrics.sections if s.tag == tag and s.lines and s.tag_span.start.row != row]
    before = [section for section in others if section.tag_span.start.row < row]
    chosen = before[-1] if before else others[0] if others else None
    return tuple(line.text for line in chosen.lines) if chosen else ()


def known_lines(lyrics: Lyrics) -> tuple[Known, ...]:
    """Every lyric line once, in the order of its key: what `begun` looks things up in."""
    found: dict[str, Known] = {}
    for lines in (lyrics.preamble, *(section.lines for section in lyrics.sections)):
        for index, line in enumerate(lines):
            known = found.get(line.text)
            found[line.text] = _again(known, line) if known else _first(lines, index)
    return tuple(sorted(found.values(), key=lambda known: (known.key, known.rows)))


def begun(known: Sequence[Known], beginning: str, row: int) -> tuple[Known, ...]:
    """The lines of other rows that go on from a beginning, in the order of the text.

    `known` must be in the order of its keys; too short a beginning means nothing yet.
    """
    key = beginning.casefold()
    if len(key) < SHORTEST_BEGINNING:
        return ()
    found = []
    for at in range(bisect_left(known, key, key=lambda line: line.key), len(known)):
        line = known[at]
        if not line.key.startswith(key):
            break
        if line.key != key and any(other != row for other in line.rows):
            found.append(line)
    return tuple(sorted(found, key=lambda line: line.rows))


def _first(lines: Sequence[Line], index: int) -> Known:
    line = lines[index]
    rest = tuple(following.text for following in lines[index + 1 :])
    return Known(line.text.casefold(), line.text, (line.row,), rest)


def _again(known: Known, line: Line) -> Known:
    return Known(known.key, known.text, (*known.rows, line.row), known.rest)


def _pieces(lyrics: Lyrics) -> tuple[list[str], list[list[str]], list[list[str]]]:
    """Rows before the first tag; each block's rows up to its last words; the blank rows behind each."""
    lines = rows(lyrics.text)
    found = blocks(lyrics)
    lead = lines[: found[0].first] if found else lines
    bodies = [lines[block.first : block.words_end] for block in found]
    return lead, bodies, [lines[block.words_end : block.end] for block in found]


def _join(lead: list[str], bodies: list[list[str]], gaps: list[list[str]], index: int) -> Change:
    lines, starts = list(lead), []
    for body, gap in zip(bodies, gaps, strict=True):
        starts.append(len(lines))
        lines += [*body, *gap]
    return Change("\n".join(lines), starts[index] if starts else max(0, len(lead) - 1))


def _words_end(lines: Sequence[str], first: int, end: int) -> int:
    while end - 1 > first and not lines[end - 1].strip():
        end -= 1
    return end
