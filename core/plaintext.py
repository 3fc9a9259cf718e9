"""A song as plain text for people: `key: value` lines, an empty line, the lyrics in editor form."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.atomic import write_text
from core.errors import SongdeskError
from core.lyrics.foreign import Converted, convert
from core.lyrics.tags import dialect
from core.song import BUILT_IN_STYLES, Reference, Song

KEYS = ("title", "style", "reference style", "reference file", "reference start")
"""The keys of a header; `set` and a setting's name stand before the value of each setting."""
_SET = "set "
_ROW = re.compile(r"(?P<key>[A-Za-z][\w .-]*?|set \"(?:[^\"\\]|\\.)*\")\s*:(?:[ \t]+(?P<value>.*))?")
_PLAIN_NAME = re.compile(r"[\w.-]+")
_DAY = 86_400
"""Seconds."""


def write_text_song(path: Path, song: Song) -> None:
    """Write a song as text, whole or not at all; audio below the file's folder by relative path.

    Raises SongdeskError when the file cannot be written, or the song holds half a character.
    """
    rows = [f"{key}: {_shown(value)}".rstrip(" ") for key, value in _header(song, path.parent)]
    text = "\n".join([*rows, "", song.lyrics]) + "\n"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SongdeskError(
            f"{song.title} holds half a character (a lone surrogate)", hint="write the character itself"
        ) from error
    write_text(path, text)


def import_text_song(path: Path) -> tuple[Song, Converted | None]:
    """A song from a text file, and what had to be converted if the file had no header.

    Without one it is lyrics, of whichever form, titled by the file's name. Raises SongdeskError, with the
    line, for a file that cannot be read or a header that is not one.
    """
    text = _content(path)
    first = text.split("\n", 1)[0]
    if _key(first) in KEYS:
        return _with_header(text, path), None
    converted = convert(text, dialect("levo"))
    title = path.stem.strip() or "untitled"
    if converted is None:
        return Song(title, text, ""), None
    return Song(converted.title or title, converted.text, converted.style or ""), converted


@dataclass(slots=True)
class _Header:
    """A header while it is read."""

    file: Path
    given: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    """Where each key stands, from 1."""

    def take(self, number: int, row: str) -> None:
        found = _ROW.fullmatch(row)
        if found is None:
            raise self.wrong(number, "is not `key: value`", "leave an empty line before the lyrics")
        key = _key(row)
        if key not in KEYS and not key.startswith(_SET):
            raise self.wrong(number, f"unknown key {key!r}", f"known: {', '.join(KEYS)}, set …")
        if key in self.given:
            raise self.wrong(number, f"{key} stands on line {self.lines[key]} already", "keep one")
        self.given[key] = self._value(number, found["value"] or "")
        self.lines[key] = number

    def _value(self, number: int, written: str) -> str:
        if not written.startswith('"'):
            return written.rstrip(" \t\r")
        try:
            value = json.loads(written)
        except ValueError:
            value = None
        if not isinstance(value, str):
            raise self.wrong(number, "a quote that is not closed", 'write "…", with \\" for a quote inside')
        return value

    def wrong(self, number: int, what: str, hint: str) -> SongdeskError:
        return SongdeskError(what, where=f"{self.file}:{number}", hint=hint)


def _with_header(text: str, path: Path) -> Song:
    header = _Header(path)
    rest = text
    number = 0
    while rest:
        number += 1
        row, _, rest = rest.partition("\n")
        if not row.strip():
            break
        header.take(number, row)
    settings = {key[len(_SET) :]: value for key, value in header.given.items() if key.startswith(_SET)}
    lyrics = rest.removesuffix("\n")
    given = header.given
    return Song(given.get("title", path.stem), lyrics, given.get("style", ""), _reference(header), settings)


def _reference(header: _Header) -> Reference | None:
    given = header.given
    if not any(key.startswith("reference") for key in given):
        return None
    start = 0.0
    if "reference start" in given:
        try:
            start = float(given["reference start"])
        except ValueError:
            start = -1.0
        if not 0 <= start < _DAY:
            raise header.wrong(
                header.lines["reference start"],
                f"reference start must be seconds from 0, not {given['reference start']!r}",
                "write a number such as 12.5",
            )
    style = given.get("reference style", "")
    known = {name.casefold(): name for name in ("", *BUILT_IN_STYLES)}
    if style.casefold() not in known:
        raise header.wrong(
            header.lines["reference style"],
            f"unknown reference style {style!r}",
            f"use one of: {', '.join(BUILT_IN_STYLES)}",
        )
    file = given.get("reference file", "")
    if file and not Path(file).is_absolute():
        file = str(header.file.parent.absolute() / file)
    return Reference(path=file, style=known[style.casefold()], start=start)


def _header(song: Song, folder: Path) -> Iterator[tuple[str, str]]:
    yield "title", song.title
    yield "style", song.style
    if song.reference is not None:
        if song.reference.style:
            yield "reference style", song.reference.style
        if song.reference.path or not song.reference.style:
            yield "reference file", _from_folder(song.reference.path, folder)
        if song.reference.start:
            yield "reference start", repr(song.reference.start)
    for key, value in song.settings.items():
        name = key if _PLAIN_NAME.fullmatch(key) and key == key.lower() else json.dumps(key)
        yield f"{_SET}{name}", value


def _from_folder(path: str, folder: Path) -> str:
    home = folder.absolute()
    if not path or not Path(path).is_relative_to(home):
        return path
    relative = Path(path).relative_to(home).as_posix()
    return relative if str(home / relative) == path else path


def _shown(value: str) -> str:
    """A value as it stands on a row: in quotes where blanks or line ends would be lost."""
    is_plain = value == value.strip() and len(value.splitlines()) < 2 and not value.startswith('"')
    return value if is_plain else json.dumps(value)


def _key(row: str) -> str:
    """The key of a row, as it is compared; empty where there is none."""
    found = _ROW.fullmatch(row.rstrip("\r"))
    if not found:
        return ""
    key = found["key"]
    if key.startswith(f'{_SET}"'):
        return f"{_SET}{json.loads(key[len(_SET) :])}"
    return " ".join(key.lower().split())


def _content(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise SongdeskError(
            "is not UTF-8 text", where=f"{path}:{number}", hint="save the file as UTF-8"
        ) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SongdeskError(
            f"cannot read this file: {reason}", where=str(path), hint="check the path"
        ) from error
