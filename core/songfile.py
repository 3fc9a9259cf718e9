"""Song files: one JSON object per line, in the published fields, read with every problem named."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from core.atomic import write_text
from core.errors import SongdeskError
from core.lyrics.parse import TAG, parse
from core.lyrics.tags import dialect
from core.lyrics.wire import from_wire, to_wire
from core.settings import parse_pairs
from core.song import BUILT_IN_STYLES, Reference, Song

FIELDS = (
    "idx", "gt_lyric", "descriptions", "prompt_audio_path", "prompt_start", "auto_prompt_audio_type",
    "parameters",
)  # fmt: skip
"""The keys of a line as written; `prompt_start` (s) is songdesk's own, the others are the published ones."""
LONGEST_NAME = 120
"""Characters of an `idx`."""
_LONGEST_NAME_BYTES = 200
_DAY = 86_400
"""Seconds."""
_OLDER_NAMES = {"description": "descriptions"}
_NOT_TEXT = re.compile("[\udc80-\udcff]")
"""Bytes that are no UTF-8, as `surrogateescape` hands them on."""
_SHORT = ("intro", "inst", "outro")
"""Tags without a length, which the published programs' own page takes for the short ones."""
_UNUSED = frozenset({"melody_audio_path"})
_CONTROL = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the reading direction and so hide what a name says."""


@dataclass(frozen=True, slots=True)
class SongLine:
    """A song and where it stands."""

    song: Song
    line: int
    """From 1."""
    file: Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend in a song file."""

    severity: str
    """error, warning or hint."""
    file: Path
    line: int
    """From 1."""
    column: int | None
    """From 1, in characters of the file's line; None when the whole line or field is meant."""
    section: str | None
    """The field or the lyric section it stands in; None when it is the line itself."""
    what: str
    hint: str

    def __str__(self) -> str:
        section = f"{self.section}: " if self.section else ""
        weight = "" if self.severity == "error" else f"{self.severity}: "
        mend = f" → {self.hint}" if self.hint else ""
        return f"{self.file}:{self.line}: {section}{weight}{self.what}{mend}"


def read_songs(path: Path) -> tuple[tuple[SongLine, ...], tuple[Problem, ...]]:
    """The songs of a file, lyrics in editor form, and its problems; a line with an error gives no song.

    Raises SongdeskError when the file is missing, unreadable or empty.
    """
    songs: list[SongLine] = []
    problems: list[Problem] = []
    first_lines: dict[str, int] = {}
    for number, raw in enumerate(_content(path).split("\n"), start=1):
        if not raw.strip():
            continue
        line = _Line(path, number)
        if _NOT_TEXT.search(raw):
            line.error(None, "is not UTF-8 text", "save the file as UTF-8")
            problems.extend(line.problems)
            continue
        song = _song(raw, line, first_lines)
        if song is not None and not any(problem.severity == "error" for problem in line.problems):
            songs.append(SongLine(song, number, path))
        problems.extend(line.problems)
    return tuple(songs), tuple(problems)


def write_songs(path: Path, songs: Sequence[Song]) -> None:
    """Write a song file atomically: lyrics as the engine's string, audio below its folder by relative path.

    Raises SongdeskError for a title that cannot be an `idx` and when the file cannot be written.
    """
    if not songs:
        raise SongdeskError("there is no song to write", where=str(path), hint="write one first")
    taken: set[str] = set()
    for song in songs:
        reason = "another song here has it" if _same_name(song.title) in taken else safe_name(song.title)
        if reason is not None:
            raise SongdeskError(
                f"the title {_shown(song.title)} cannot be an idx: {reason}", hint="change it"
            )
        taken.add(_same_name(song.title))
    lines = [json.dumps(_fields(song, path.parent), ensure_ascii=False) for song in songs]
    for song, line in zip(songs, lines, strict=True):
        if _has_surrogate(line):
            raise SongdeskError(f"{song.title} holds half a character", hint="write the character itself")
    write_text(path, "".join(f"{line}\n" for line in lines))


def safe_name(idx: str) -> str | None:
    """Why an `idx` cannot become a file name; None when it can."""
    if not idx.strip():
        return "it is empty"
    if "/" in idx or "\\" in idx:
        return "it holds a slash"
    if ".." in idx:
        return "it holds two dots in a row"
    if idx.startswith("."):
        return "it begins with a dot"
    if idx != idx.strip():
        return "it begins or ends with a blank"
    if any(unicodedata.category(char) in _CONTROL or char in _TURNING for char in idx):
        return "it holds a control character"
    if len(idx) > LONGEST_NAME or len(idx.encode()) > _LONGEST_NAME_BYTES:
        return f"it is longer than {LONGEST_NAME} characters or {_LONGEST_NAME_BYTES} bytes"
    return None


@dataclass(slots=True)
class _Line:
    """One line while it is read, and what was found wrong in it."""

    file: Path
    number: int
    problems: list[Problem] = field(default_factory=list)

    def error(self, section: str | None, what: str, hint: str, *, column: int | None = None) -> None:
        self.problems.append(Problem("error", self.file, self.number, column, section, what, hint))

    def warn(self, section: str | None, what: str, hint: str) -> None:
        self.problems.append(Problem("warning", self.file, self.number, None, section, what, hint))

    def text(self, given: Mapping[str, object], key: str) -> str:
        """A field that must be text; empty where it is absent, null or of another type."""
        value = given.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.error(key, f"must be text, not {_kind(value)}", "put it in double quotes")
            return ""
        if _has_surrogate(value):
            self.error(key, "holds half a character (a lone surrogate)", "write the character itself")
            return ""
        return value.strip()


def _content(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SongdeskError(
            f"cannot read this song file: {reason}", where=str(path), hint="check the path"
        ) from error
    text = data.decode("utf-8-sig", errors="surrogateescape")
    if not text.strip():
        raise SongdeskError("there is no song in it", where=str(path), hint="write one JSON object per line")
    return text


def _song(raw: str, line: _Line, first_lines: dict[str, int]) -> Song | None:
    given = _object(raw, line)
    if given is None:
        return None
    return Song(
        title=_title(given, line, first_lines),
        lyrics=_lyrics(given, line),
        style=line.text(given, "descriptions"),
        reference=_reference(given, line),
        settings=_settings(given, line),
    )


def _object(raw: str, line: _Line) -> dict[str, object] | None:
    """A line's fields by their canonical names; None when the line is not a JSON object."""
    try:
        pairs = json.loads(raw, object_pairs_hook=tuple)
    except json.JSONDecodeError as error:
        what = f"broken JSON at column {error.colno}: {error.msg[:1].lower()}{error.msg[1:]}"
        line.error(None, what, "write one whole JSON object on each line", column=error.colno)
        return None
    except (ValueError, RecursionError):
        line.error(None, "JSON that cannot be read", "write text fields only, without nesting")
        return None
    if not isinstance(pairs, tuple):
        line.error(None, f"is {_kind(pairs)}, not a JSON object", 'write {"idx": …, "gt_lyric": …}')
        return None
    given: dict[str, object] = {}
    for written, value in pairs:
        key = _OLDER_NAMES.get(written.strip().lower(), written.strip().lower())
        if key not in FIELDS:
            line.warn(None, f"unknown key {_shown(written)} is not used", _meant(key))
        elif key in given:
            line.warn(key, "is given more than once; the last one counts", "remove the others")
        given[key] = value
    return given


def _meant(key: str) -> str:
    if key in _UNUSED:
        return "remove it: songdesk takes no melody file"
    close = get_close_matches(key, [*FIELDS, *_OLDER_NAMES], n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(FIELDS)}"


def _title(given: Mapping[str, object], line: _Line, first_lines: dict[str, int]) -> str:
    idx = given.get("idx")
    if idx is None:
        line.error("idx", "is missing", "give each song a name of its own: it becomes the file name")
        return ""
    if isinstance(idx, bool) or not isinstance(idx, str | int):
        line.error("idx", f"must be text, not {_kind(idx)}", "put it in double quotes")
        return ""
    title = str(idx)
    reason = safe_name(title)
    if reason is not None:
        line.error("idx", f"{_shown(title)} cannot be a file name: {reason}", "use letters, digits, - and _")
    elif first_lines.setdefault(_same_name(title), line.number) != line.number:
        where = first_lines[_same_name(title)]
        line.error("idx", f"{_shown(title)} stands on line {where} already", "give each song its own idx")
    return title


def _lyrics(given: Mapping[str, object], line: _Line) -> str:
    had_problems = len(line.problems)
    wire = line.text(given, "gt_lyric")
    if not wire and len(line.problems) == had_problems:
        what = "is missing" if given.get("gt_lyric") is None else "is empty"
        line.error("gt_lyric", what, 'write lyrics such as "[verse] One line. Another. ; [chorus] …"')
    return "\n".join(_known_tag(row, line) for row in from_wire(wire).split("\n"))


def _known_tag(row: str, line: _Line) -> str:
    """A tag line with the tag that it means where case or length differ; any other row as it is."""
    found = TAG.fullmatch(row)
    name = found[2].strip().lower() if found else ""
    meant = f"{name}-short" if name in _SHORT else name
    if found is None or meant == found[2] or dialect("levo").tag(meant) is None:
        return row
    line.warn("gt_lyric", f"[{found[2]}] is read as [{meant}]", f"write [{meant}]")
    return f"[{meant}]"


def _reference(given: Mapping[str, object], line: _Line) -> Reference | None:
    prompt = line.text(given, "prompt_audio_path")
    style = line.text(given, "auto_prompt_audio_type")
    start = _start(given, line, has_prompt=bool(prompt))
    if prompt and style:
        line.error(
            "prompt_audio_path", "stands beside auto_prompt_audio_type", "keep one: a song has one reference"
        )
        return None
    if prompt:
        return Reference(path=_prompt(prompt, line), start=start)
    return Reference(style=_built_in(style, line)) if style else None


def _prompt(written: str, line: _Line) -> str:
    path = line.file.parent / written
    try:
        if path.is_file():
            return str(path.resolve())
        reason = "is not a file" if path.exists() else "is not there"
    except (OSError, ValueError, RuntimeError):
        reason = "cannot be a path"
    line.error("prompt_audio_path", f"{_shown(written)} {reason}", "paths start at the song file's folder")
    return ""


def _built_in(written: str, line: _Line) -> str:
    names = {name.casefold(): name for name in BUILT_IN_STYLES}
    if written.casefold() in names:
        return names[written.casefold()]
    close = get_close_matches(written.casefold(), names, n=1)
    hint = f"did you mean {names[close[0]]}?" if close else f"use one of: {', '.join(BUILT_IN_STYLES)}"
    line.error("auto_prompt_audio_type", f"unknown style {_shown(written)}", hint)
    return ""


def _start(given: Mapping[str, object], line: _Line, *, has_prompt: bool) -> float:
    value = given.get("prompt_start")
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _DAY:
        line.error(
            "prompt_start", f"must be seconds from 0, not {_shown(value)}", "write a number such as 12.5"
        )
        return 0.0
    if not has_prompt:
        line.warn("prompt_start", "has no effect without prompt_audio_path", "remove it")
    return float(value)


def _settings(given: Mapping[str, object], line: _Line) -> dict[str, str]:
    try:
        return parse_pairs(line.text(given, "parameters"), between=":")
    except SongdeskError as error:
        line.error("parameters", error.what, error.hint)
        return {}


def _fields(song: Song, folder: Path) -> dict[str, object]:
    """A song's line; fields that say nothing are left out."""
    given: dict[str, object] = {
        "idx": song.title,
        "gt_lyric": to_wire(parse(song.lyrics), dialect("levo")),
        "descriptions": song.style,
        "parameters": ", ".join(f"{key}:{value}" for key, value in song.settings.items()),
    }
    if song.reference is not None:
        given["prompt_audio_path"] = _from_folder(song.reference.path, folder)
        given["prompt_start"] = song.reference.start
        given["auto_prompt_audio_type"] = song.reference.style
    return {key: given[key] for key in FIELDS if given.get(key)}


def _from_folder(path: str, folder: Path) -> str:
    if not path:
        return ""
    audio, home = Path(path).resolve(), folder.resolve()
    return audio.relative_to(home).as_posix() if audio.is_relative_to(home) else str(audio)


def _same_name(title: str) -> str:
    """Titles that some file system takes for one name have one form."""
    return unicodedata.normalize("NFC", title).casefold()


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"


def _shown(value: object) -> str:
    """A value as it may stand in a message: quoted, escaped, not long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…{text[-1]}"
