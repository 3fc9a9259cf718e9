"""A song as it stands, in files that a person may read, edit and keep under git; no torch.

`lyrics.txt` holds the lyrics in editor form, `song.yaml` everything else: keys always in one order, nothing
that changes by itself. Takes lie beside them; `.gitignore` leaves their sound out.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from core.atomic import sweep_folders, sync, temporary_of, unwritable, write_text
from core.clock import stamps
from core.errors import SongdeskError
from core.song import Reference, Song

LYRICS = "lyrics.txt"
FACTS = "song.yaml"
OLD = "draft.json"
"""Both in one, as songdesk wrote them before."""
FILES = (LYRICS, FACTS, OLD)
_KEYS = ("title", "model", "style", "reference", "settings")
_OF_A_REFERENCE = ("path", "style", "start")
_MEND = "mend the file, or move it away"
_IGNORED = """\
# Of the takes, what can be read is kept: recipes and notes. Sound and what it was made from is large.
takes/*/*
!takes/*/*.json
!takes/*/*.yaml
trash/
"""
# The C loader is ten times as quick; both leave every value as the text it is written as.
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _Dumper(yaml.SafeDumper):
    """Writes what is not plainly to be seen as escapes: other line breaks would come back as blanks."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _represent_text)


def save_draft(home: Path, song: Song) -> str:
    """Write the song's files, each whole or not at all; returns their imprint.

    SongdeskError when the folder cannot be written or the song holds half a character.
    """
    texts = {LYRICS: f"{song.lyrics}\n", FACTS: _facts(song, home)}
    try:
        written = {name: text.encode() for name, text in texts.items()}
    except UnicodeEncodeError as error:
        raise SongdeskError("the song holds half a character", hint="write the character itself") from error
    if not home.exists():
        _make_whole(home, written)
    is_new = not (home / FACTS).exists()
    for name, text in texts.items():
        if _bytes(home / name) != written[name]:
            write_text(home / name, text)
    if is_new and not (home / ".gitignore").exists():
        write_text(home / ".gitignore", _IGNORED)
    try:
        (home / OLD).unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(home / OLD, error) from error
    return _imprint(written)


def _make_whole(home: Path, written: Mapping[str, bytes]) -> None:
    """Have the folder of a new song appear with all its files; SongdeskError when it cannot be written."""
    young = temporary_of(home)
    try:
        young.mkdir(parents=True)
        sweep_folders(home)
        for name, data in {".gitignore": _IGNORED.encode(), **written}.items():
            (young / name).write_bytes(data)
            sync(young / name)
        sync(young)
        young.rename(home)
        sync(home.parent)
    except OSError as error:
        if not home.is_dir():  # else somebody else has made one meanwhile
            raise unwritable(home, error) from error
    finally:
        shutil.rmtree(young, ignore_errors=True)


def read_draft(home: Path) -> tuple[Song | None, str]:
    """The saved song, if there is one, and the imprint of its files.

    SongdeskError says which file and line cannot be read; damage in the old form was put aside.
    """
    found = {name: data for name in FILES if (data := _read(home / name)) is not None}
    if OLD in found and FACTS not in found:  # also where writing the new form was cut off in its middle
        song = _old_song(home, found[OLD])
        if LYRICS in found:
            song = replace(song, lyrics=_lyrics(home, found[LYRICS]))
    elif LYRICS in found or FACTS in found:
        song = _song(home, found.get(LYRICS, b""), found.get(FACTS, b""))
    else:
        return None, _imprint(found)
    return song, _imprint(found)


def load_draft(home: Path) -> Song | None:
    """The saved song, if there is one; SongdeskError says what cannot be read."""
    return read_draft(home)[0]


def title_of(home: Path) -> str:
    """The title of the song in a folder; SongdeskError says why it cannot be read. Nothing is moved."""
    facts = _read(home / FACTS)
    if facts is not None:
        return _word(_given(home, facts), "title", home) or home.name
    old = _read(home / OLD)
    if old is None:
        return home.name
    try:
        title = json.loads(old.decode())["title"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _unfit(home / OLD, "the saved draft cannot be read") from error
    return title if isinstance(title, str) and title else home.name


def imprint(home: Path) -> str:
    """What tells whether the files of a song have changed since they were read or written."""
    return _imprint({name: data for name in FILES if (data := _bytes(home / name)) is not None})


def put_aside(home: Path) -> Path | None:
    """Move the song's files out of the way, where they can be read as they are; None where there are none."""
    present = [home / name for name in (LYRICS, FACTS) if (home / name).exists()]
    try:
        if present:
            aside = _new_folder(home, "draft-")
            for path in present:
                path.rename(aside / path.name)
            return aside
        return _put_old_aside(home)
    except OSError as error:
        raise unwritable(home, error) from error


def keep_beside(home: Path, song: Song) -> Path:
    """Write a song into a folder of its own beside the files of another version; returns the folder."""
    try:
        aside = _new_folder(home, "draft-")
    except OSError as error:
        raise unwritable(home, error) from error
    try:
        save_draft(aside, song)
    except SongdeskError:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return aside


def _new_folder(parent: Path, prefix: str) -> Path:
    for stamp in stamps():
        folder = parent / f"{prefix}{stamp}"
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder
    raise AssertionError


def _put_old_aside(home: Path) -> Path | None:
    path = home / OLD
    if not path.exists():
        return None
    for stamp in stamps():
        aside = home / f"draft-{stamp}.json"
        if not aside.exists():
            return path.rename(aside)
    raise AssertionError


def _facts(song: Song, home: Path) -> str:
    facts: dict[str, object] = {"title": song.title}
    if song.model:
        facts["model"] = song.model
    facts["style"] = song.style
    if song.reference is not None:
        given = {
            "path": _relative(song.reference.path, home),
            "style": song.reference.style,
            "start": str(song.reference.start) if song.reference.start else "",
        }
        facts["reference"] = {key: value for key, value in given.items() if value}
    if song.settings:
        facts["settings"] = dict(sorted(song.settings.items()))
    return yaml.dump(facts, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1 << 20)


def _song(home: Path, lyrics: bytes, facts: bytes) -> Song:
    given = _given(home, facts)
    settings = _mapping(given.get("settings"), home / FACTS, "settings")
    return Song(
        title=_word(given, "title", home) or home.name,
        lyrics=_lyrics(home, lyrics),
        style=_word(given, "style", home),
        reference=_reference(given.get("reference"), home),
        settings={key: _word(settings, key, home) for key in settings},
        model=_word(given, "model", home),
    )


def _lyrics(home: Path, data: bytes) -> str:
    return _decoded(home / LYRICS, data).replace("\r\n", "\n").removesuffix("\n")


def _given(home: Path, facts: bytes) -> Mapping[str, Any]:
    return _mapping(_parsed(home / FACTS, facts), home / FACTS, "it", _KEYS)


def _reference(raw: object, home: Path) -> Reference | None:
    if not raw:
        return None
    given = _mapping(raw, home / FACTS, "reference", _OF_A_REFERENCE)
    start = _word(given, "start", home)
    try:
        seconds = float(start or 0)
    except ValueError as error:
        raise _unfit(home / FACTS, f"start must be seconds, not {start!r}") from error
    path = _word(given, "path", home)
    return Reference(
        path=str(home.resolve() / path) if path else "", style=_word(given, "style", home), start=seconds
    )


def _relative(path: str, home: Path) -> str:
    """A path below the song's folder as seen from there, so that the folder can be moved."""
    audio, folder = Path(path), home.resolve()
    return audio.relative_to(folder).as_posix() if path and audio.is_relative_to(folder) else path


def _parsed(path: Path, data: bytes) -> object:
    loader = None
    try:
        loader = _Loader(_decoded(path, data))
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _unfit(path, str(error.problem or error.context), mark.line + 1 if mark else 0) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _unfit(path, "holds characters that YAML does not know") from error
    finally:
        if loader is not None:
            loader.dispose()


def _mapping(raw: object, path: Path, what: str, known: tuple[str, ...] = ()) -> Mapping[str, Any]:
    if not raw:
        return {}
    if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
        raise _unfit(path, f"{what} must be lines of key: value")
    for key in raw if known else ():
        if key not in known:
            raise SongdeskError(
                f"unknown key {key!r}", where=str(path), hint=f"remove it; known: {', '.join(known)}"
            )
    return raw


def _word(given: Mapping[str, Any], key: str, home: Path) -> str:
    value = given.get(key, "")
    if not isinstance(value, str):
        raise _unfit(home / FACTS, f"{key} must be one text")
    return value


def _old_song(home: Path, data: bytes) -> Song:
    try:
        raw = json.loads(data.decode())
        texts = [raw[key] for key in ("title", "lyrics", "style")]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError
        reference = Reference(**raw["reference"]) if isinstance(raw["reference"], dict) else None
        settings = {str(key): str(value) for key, value in raw["settings"].items()}
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise _damaged(home) from error
    title, lyrics, style = texts
    return Song(title, lyrics, style, reference, settings)


def _damaged(home: Path) -> SongdeskError:
    try:
        aside = _put_old_aside(home)
    except OSError as error:
        raise unwritable(home, error) from error
    return SongdeskError(
        "the saved draft cannot be read", where=str(home / OLD), hint=f"it was kept as {aside}"
    )


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _unfit(path, "is not UTF-8 text", line) from error


def _unfit(path: Path, what: str, line: int = 0) -> SongdeskError:
    return SongdeskError(what, where=f"{path}:{line}" if line else str(path), hint=_MEND)


def _read(path: Path) -> bytes | None:
    """A file's content, None where there is none; SongdeskError where it is there and cannot be read."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _unfit(path, f"cannot be read: {reason}") from error


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _imprint(found: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name in FILES:
        data = found.get(name)
        whole.update(b"-" if data is None else b"%d:" % len(data) + data)
    return whole.hexdigest()


NOTHING = _imprint({})
"""The imprint of a folder without a song."""
