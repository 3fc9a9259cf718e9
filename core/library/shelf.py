"""The songs of the library as a person sees them: listed, renamed, copied; no torch."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from unicodedata import normalize

from core.atomic import unwritable
from core.errors import SongdeskError
from core.library.draft import FILES, load_draft, save_draft, title_of
from core.paths import library
from core.song import Song
from core.takes.claim import claimed, is_held
from core.takes.take import home_of

_COUNTED = re.compile(r"(.*\S) (\d{1,3})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shelved:
    """A song of the library, as its folder tells it."""

    title: str
    home: Path
    changed: float
    """When the song or its takes last changed, in seconds since 1970."""
    takes: int
    trouble: str = ""
    """Why it cannot be opened; empty where it can."""


def songs() -> tuple[Shelved, ...]:
    """Every song of the library, what changed last first; a damaged one is listed as such."""
    try:
        folders = [folder for folder in library().iterdir() if not folder.name.startswith(".")]
    except OSError:
        return ()
    found = [song for folder in folders if (song := _shelved(folder)) is not None]
    return tuple(sorted(found, key=lambda song: (-song.changed, song.title)))


def is_taken(title: str) -> bool:
    """Whether the library holds a song of that title, or a studio has begun one."""
    home = home_of(title)
    try:
        return any(home.iterdir()) or _is_held(home)
    except (FileNotFoundError, NotADirectoryError):
        return home.exists()
    except (SongdeskError, OSError):
        return True


def next_titles(title: str) -> Iterator[str]:
    """Free titles for a copy: `Boats 2`, and of that `Boats 3`; a number that counts nothing stays."""
    counted = _COUNTED.fullmatch(title)
    if counted and is_taken(counted[1]):
        title = counted[1]
    return (copy for number in count(2) if not is_taken(copy := f"{title} {number}"))


def rename(home: Path, title: str) -> Path:
    """Give a song another title and its folder the name of it; returns the folder.

    The folder moves with all its takes at once, or not at all. SongdeskError when there is a song of that
    title. No take of the song may be in the making.
    """
    song = _opened(home)
    goal = home_of(title)
    if any(is_held(take) for take in _takes(home)):
        raise SongdeskError("a take of it is being made", where=song.title, hint="rename it when it is ready")
    is_respelt = _is_same(home, goal)
    if not is_respelt and is_taken(title):
        raise _exists(title)
    try:
        _move(home, goal, is_respelt=is_respelt)
    except OSError as error:
        raise unwritable(goal, error) from error
    try:
        save_draft(goal, replace(song, title=title))
    except SongdeskError:
        with suppress(OSError, SongdeskError):
            _move(goal, home, is_respelt=is_respelt)
            save_draft(home, song)
        raise
    return goal


def save_as(song: Song, title: str) -> tuple[Song, Path]:
    """Write a song under another title, without takes; SongdeskError when there is a song of that title."""
    if is_taken(title):
        raise _exists(title)
    copy, home = replace(song, title=title), home_of(title)
    save_draft(home, copy)
    return copy, home


def duplicate(home: Path) -> tuple[Song, Path]:
    """Copy a song, without its takes, under the next free title."""
    song = _opened(home)
    return save_as(song, next(next_titles(song.title)))


def _shelved(folder: Path) -> Shelved | None:
    times = [time for name in (*FILES, "takes") if (time := _changed(folder / name))]
    if not times:
        return None
    title, trouble = normalize("NFC", folder.name), ""
    try:
        title = title_of(folder)
    except SongdeskError as error:
        trouble = str(error)
    return Shelved(title, folder, max(times), _count(folder / "takes"), trouble)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _count(takes: Path) -> int:
    try:
        return sum(1 for take in takes.iterdir() if not take.name.startswith("."))
    except OSError:
        return 0


def _takes(home: Path) -> list[Path]:
    try:
        return list((home / "takes").iterdir())
    except OSError:
        return []


def _opened(home: Path) -> Song:
    song = load_draft(home)
    if song is None:
        raise SongdeskError("there is no song here", where=str(home), hint="save it first")
    return song


def _move(home: Path, goal: Path, *, is_respelt: bool) -> None:
    if home.name == goal.name and is_respelt:
        return
    if is_respelt:
        # A file system that takes two spellings for one name needs a step between them.
        between = home.rename(home.with_name(f".{goal.name}"))
        try:
            between.rename(goal)
        except OSError:
            between.rename(home)
            raise
    else:
        home.rename(goal)


def _is_held(home: Path) -> bool:
    with claimed(home) as is_free:
        return not is_free


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _exists(title: str) -> SongdeskError:
    return SongdeskError(f"there is a song called {title} already", hint="choose another title")
