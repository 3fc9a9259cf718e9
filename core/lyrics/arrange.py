"""Parts of pasted lyrics as sections of the engine, and what became of everything that was pasted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from core.lyrics.labels import is_sung, sized, tag_of, verse_of, words_of
from core.lyrics.pasted import Part, Reading
from core.lyrics.tags import Dialect

_ALIKE = 0.6
"""Share of common lines from which two stanzas are one chorus, or a part sings the chorus."""
_ENDS = {("end",), ("the", "end")}
_COMPARED = 300
"""Stanzas above which only equal ones are taken for a chorus."""

Key = frozenset[tuple[str, ...]]
"""The lines of a stanza by their words."""


def arrange(reading: Reading) -> tuple[str, tuple[str, ...]]:
    """The text in editor form, empty if there is nothing to sing or play; and the report."""
    if reading.has_labels or reading.has_headings:
        notes = list(_settle(reading))
    else:
        reading.parts, notes = _stanzas(reading.parts, reading.dialect)
    blocks = ["\n".join([f"[{part.tag}]", *_lines(part.lines)]) for part in reading.parts]
    text = "\n\n".join(blocks) + "\n" if blocks else ""
    if reading.has_string:
        sung = sum(len(list(filter(None, part.lines))) for part in reading.parts)
        notes.append(f"one string became {_count(sung, 'line')} in {_count(len(blocks), 'section')}")
    notes += _left_out(reading)
    return text, tuple(notes) or ("blanks and marks without words were left out",)


def _settle(reading: Reading) -> Iterator[str]:
    """Give each labelled part its tag, and tell of it."""
    dialect = reading.dialect
    for part in reading.parts:
        part.lines = _lines(part.lines)
        part.tag = part.tag or verse_of(dialect)
        if part.times > 1:
            part.tag = sized(part.tag, part.times, dialect)
    reading.parts = list(_without_bare_end(reading))
    filled = _fill(reading.parts, dialect)
    moved = [part for part in reading.parts if part.lines and not is_sung(part.tag, dialect)]
    for part in moved:
        part.tag = _sung_tag(part, reading.parts, dialect)
    yield from _renamed([part for part in reading.parts if part not in moved])
    for (label, tag), times in Counter((part.label, part.tag) for part in moved).items():
        yield f"{label} has lyrics and became [{tag}]{_times(times)}"
    if filled:
        yield f"{_told(filled)} without lines got the lines of the one before"


def _without_bare_end(reading: Reading) -> Iterator[Part]:
    """Parts but for an end mark behind an ending."""
    before = ""
    for part in reading.parts:
        kind = part.tag.rpartition("-")[0]
        if words_of(part.label) in _ENDS and not part.lines and kind == before:
            reading.bounds.append(part.label)
        else:
            yield part
        before = kind


def _fill(parts: Sequence[Part], dialect: Dialect) -> list[str]:
    """Write out choruses that are only named; returns their labels."""
    chorus = tag_of("chorus", dialect, loosely=False)
    sung: list[str] = []
    filled = []
    for part in parts:
        if part.tag != chorus or {"pre", "post"}.intersection(words_of(part.label)):
            continue
        if part.lines:
            sung = part.lines
        elif sung:
            part.lines = sung
            filled.append(part.label)
    return filled


def _sung_tag(part: Part, parts: Sequence[Part], dialect: Dialect) -> str:
    """The tag of an instrumental part that has lyrics: chorus where it sings one, else verse."""
    chorus = tag_of("chorus", dialect, loosely=False)
    choruses = [_key(other.lines) for other in parts if other.tag == chorus]
    sings = any(_alike(_key(part.lines), other) for other in choruses)
    return chorus if chorus and sings else verse_of(dialect)


def _renamed(parts: Sequence[Part]) -> Iterator[str]:
    if parts and not parts[0].label:
        yield f"the lines before the first section became [{parts[0].tag}]"
    brackets: dict[str, list[str]] = {}
    headings = []
    for part in parts:
        label = f"{part.label}{_times(part.times)}"
        if part.label.startswith("["):
            if label != f"[{part.tag}]":
                brackets.setdefault(part.tag, []).append(label)
        elif label:
            headings.append(f"{label} → [{part.tag}]")
    for tag, labels in brackets.items():
        yield f"{_told(labels)} became [{tag}]"
    if headings:
        became = "became a tag" if len(headings) == 1 else "became tags"
        yield f"{_count(len(headings), 'section heading')} {became}: {_told(headings)}"


def _stanzas(parts: Sequence[Part], dialect: Dialect) -> tuple[list[Part], list[str]]:
    """Lyrics without any label: a stanza that comes back is the chorus."""
    stanzas, is_spaced = _split([line for part in parts for line in part.lines])
    verse, chorus = verse_of(dialect), tag_of("chorus", dialect, loosely=False)
    again = _coming_back([_key(stanza) for stanza in stanzas]) if chorus else set()
    made = [
        Part("", chorus if chorus and at in again else verse, stanza) for at, stanza in enumerate(stanzas)
    ]
    verses = len(stanzas) - len(again)
    notes = []
    if verses:
        notes.append(f"{_count(verses, 'stanza')} became [{verse}]")
    if again:
        notes.append(f"{len(again)} stanzas that come back became [{chorus}]")
    if is_spaced:
        notes.append("empty lines between all lines were left out")
    return made, notes


def _split(lines: Sequence[str]) -> tuple[list[list[str]], bool]:
    """Lines in stanzas; and whether the text was written with an empty line after every line."""
    groups = [(bool(filled), list(group)) for filled, group in groupby(lines, key=bool)]
    stanzas = [group for filled, group in groups if filled]
    if len(stanzas) < 4 or any(len(stanza) > 1 for stanza in stanzas):
        return stanzas, False
    wide: list[list[str]] = [[]]
    for filled, group in groups:
        if filled:
            wide[-1] += group
        elif len(group) > 1 and wide[-1]:
            wide.append([])
    return [stanza for stanza in wide if stanza], True


def _coming_back(keys: Sequence[Key]) -> set[int]:
    """Which stanzas are much like another one."""
    equal = Counter(keys)
    found = {at for at, key in enumerate(keys) if equal[key] > 1}
    if len(keys) > _COMPARED:
        return found
    holders: dict[tuple[str, ...], set[int]] = {}
    for at, key in enumerate(keys):
        for line in key:
            holders.setdefault(line, set()).add(at)
    for at, key in enumerate(keys):
        others = {other for line in key for other in holders[line]} - {at}
        if any(_alike(key, keys[other]) for other in others):
            found.add(at)
    return found


def _key(lines: Iterable[str]) -> Key:
    return frozenset(words_of(line) for line in lines if line)


def _alike(one: Key, other: Key) -> bool:
    return len(one & other) >= _ALIKE * max(len(one), len(other), 1)


def _lines(lines: Sequence[str]) -> list[str]:
    """Lines with at most one empty one between two, and none at the end."""
    kept = [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _left_out(reading: Reading) -> Iterator[str]:
    """One line for each kind of thing that is not in the text as it was pasted."""
    if reading.metas:
        yield f"read for title and style, not sung: {_told(reading.metas)}"
    if reading.details:
        yield f"not taken over: {_told(reading.details)}"
    if reading.bounds:
        yield f"dropped, as they only mark a beginning or an end: {_told(reading.bounds)}"
    if reading.directions:
        lines = _count(len(reading.directions), "line")
        yield f"{lines} of stage directions dropped: {_told(reading.directions)}"
    if reading.remarks:
        yield f"{_count(len(reading.remarks), 'remark')} in lyric lines dropped: {_told(reading.remarks)}"
    if reading.stamps:
        first, last = reading.stamps[0], reading.stamps[-1]
        yield f"{_count(len(reading.stamps), 'time stamp')} dropped, from {first} to {last}"
    if reading.brackets:
        yield f"{_count(reading.brackets, 'square bracket')} became parentheses"
    if reading.marks:
        yield f"{_count(reading.marks, 'full-width mark')} became ASCII"


def _told(things: Sequence[str]) -> str:
    return ", ".join(f"{thing}{_times(times)}" for thing, times in Counter(things).items())


def _times(times: int) -> str:
    return f" ×{times}" if times > 1 else ""


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
