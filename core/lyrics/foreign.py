"""Pasted lyrics of other tools: recognised, brought into editor form, with a report of what was changed."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from core.lyrics.arrange import arrange
from core.lyrics.labels import tag_of, words_of
from core.lyrics.parse import Line, Lyrics, parse, rows
from core.lyrics.pasted import FOREIGN_LABEL, LABEL, Reading, is_meta, is_string, read
from core.lyrics.tags import Dialect
from core.style import vocabulary

_FIELDS = {
    "gt_lyric": "lyrics", "lyrics": "lyrics", "lyric": "lyrics", "descriptions": "style",
    "description": "style", "style": "style", "tags": "style", "genre": "style", "idx": "title",
    "title": "title", "song_id": "title",
}  # fmt: skip
"""Fields of song files, of this engine and of others."""
_YUE_LABEL = re.compile(r"\[[a-z]+\]")
_STYLE_WORDS = 0.6
"""Share of a line's words from which it is a description of style."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A pasted text in editor form."""

    source: str
    """What it was taken for, in words."""
    text: str
    """Ends with one line end."""
    report: tuple[str, ...]
    """A line for each kind of change; every word that is not in `text` is named here."""
    style: str | None = None
    title: str | None = None


def convert(text: str, dialect: Dialect) -> Converted | None:
    """Bring pasted lyrics into editor form; None when they are in it, or no more than a few words.

    What was converted is not converted again.
    """
    row = _json_row(text)
    if row is not None:
        return _from_row(*row, dialect)
    if is_own(text, dialect):
        return None
    reading = read(text, dialect)
    _find_style(reading)
    is_one_line = sum(bool(line.strip()) for line in rows(text)) == 1
    if not (reading.has_string if is_one_line else _has_form(reading)):
        return None
    made, report = arrange(reading)
    return Converted(_source(reading), made, report, reading.style, reading.title) if made else None


def is_own(text: str, dialect: Dialect) -> bool:
    """Whether a text has sections, and every one of them under a tag of the engine's on a row of its own."""
    lyrics = parse(text)
    if not lyrics.sections or any(dialect.tag(section.tag) is None for section in lyrics.sections):
        return False
    return not (
        is_string(rows(text), dialect)
        or any(_is_label_row(line.text, dialect) for line in _all_lines(lyrics))
        or _is_headed(lyrics, dialect)
    )


def _all_lines(lyrics: Lyrics) -> list[Line]:
    return [*lyrics.preamble, *(line for section in lyrics.sections for line in section.lines)]


def _is_label_row(line: str, dialect: Dialect) -> bool:
    """Whether a line holds a tag of the engine's, or begins with a label in brackets of another script."""
    opened = FOREIGN_LABEL.match(line)
    return any(dialect.tag(found[1].strip()) for found in LABEL.finditer(line)) or bool(
        opened and tag_of(opened[1], dialect, loosely=True)
    )


def _is_headed(lyrics: Lyrics, dialect: Dialect) -> bool:
    """Whether a title or a description of style stands before the first tag."""
    reading = Reading(dialect)
    before = [line.text for line in lyrics.preamble]
    return any(is_meta(line, reading) for line in before) or (len(before) == 1 and _is_style(before[0]))


def _has_form(reading: Reading) -> bool:
    """Whether there is more to a text than one stanza of words."""
    if reading.has_labels or reading.has_headings or reading.stamps or reading.metas or reading.details:
        return True
    lines = [line for part in reading.parts for line in part.lines]
    while lines and not lines[-1]:
        lines.pop()
    return "" in lines


def _source(reading: Reading) -> str:
    labels = [part.label for part in reading.parts]
    if reading.has_string:
        return "SongBloom text" if reading.has_commas else "the engine's own string"
    if reading.stamps:
        return "timed lyrics"
    if reading.has_labels:
        is_yue = all(_YUE_LABEL.fullmatch(label) for label in labels if label.startswith("["))
        return "YuE blocks" if is_yue and not reading.has_headings else "bracket tags of other tools"
    return "headings such as Verse 1:" if reading.has_headings else "plain lyrics"


def _find_style(reading: Reading) -> None:
    """Take a single line of style words before the first section for the style."""
    first = reading.parts[0] if len(reading.parts) > 1 else None
    lines = [line for line in first.lines if line] if first and not first.label else []
    if len(lines) == 1 and reading.style is None and _is_style(lines[0]):
        reading.style = lines[0]
        reading.metas.append(lines[0])
        del reading.parts[0]


def _is_style(line: str) -> bool:
    words = words_of(line)
    known = [word for word in words if word in _style_words()]
    return (
        len(words) >= 3
        and len(known) >= _STYLE_WORDS * len(words)
        and any(_style_words()[word] for word in known)
    )


@cache
def _style_words() -> dict[str, bool]:
    """The words of the style vocabulary, and whether each is a tag of its own that says more than a mood."""
    found: dict[str, bool] = {}
    for tag in vocabulary():
        words = words_of(tag.name)
        for word in words:
            found[word] = found.get(word, False) or (len(words) == 1 and tag.dimension != "emotion")
    return found


def _json_row(text: str) -> tuple[dict[str, object], list[str]] | None:
    """A song file's line as an object, with the lines after it; None for anything else."""
    whole = text.strip().removeprefix("\ufeff")
    if not whole.startswith("{"):
        return None
    first, *more = [line for line in whole.split("\n") if line.strip()]
    for given, rest in ((whole, []), (first, more)):
        try:
            row = json.loads(given)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            return row, rest
    return None


def _from_row(row: Mapping[str, object], more: list[str], dialect: Dialect) -> Converted | None:
    fields: dict[str, str] = {}
    unused = []
    for key, value in row.items():
        role = _FIELDS.get(key.strip().lower(), "")
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if role and role not in fields and shown.strip() and isinstance(value, str | int):
            fields[role] = shown.strip()
        elif value not in (None, ""):
            unused.append(f"{key} {shown}")
    if not fields.get("lyrics"):
        return None
    reading = read(fields["lyrics"], dialect)
    reading.details += unused
    _find_style(reading)
    text, report = arrange(reading)
    said = [f"the {role} was taken over" for role in ("title", "style") if role in fields]
    if more:
        were = "line was" if len(more) == 1 else "lines were"
        said.append(f"{len(more)} more {were} left out; open the file for them")
    if not text:
        return None
    style, title = fields.get("style") or reading.style, fields.get("title") or reading.title
    return Converted("a song file's line", text, (*said, *report), style, title)
