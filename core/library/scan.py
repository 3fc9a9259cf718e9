"""The folders of takes in a library as they lie on disk, and whether their files changed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import SongdeskError
from core.takes import mark, recipe

PLACES = ("takes", "trash")
"""The folders of a song that hold its takes, and those that were thrown away."""


@dataclass(frozen=True, slots=True)
class Key:
    """Where a take lies in the library; names are bytes, as the file system has them."""

    song: bytes
    place: str
    id: bytes

    def home(self, root: Path) -> Path:
        """The folder of its song."""
        return root / os.fsdecode(self.song)

    def folder(self, root: Path) -> Path:
        """Its own folder."""
        return self.home(root) / self.place / os.fsdecode(self.id)


def key_of(folder: Path, root: Path) -> Key | None:
    """Where a take's folder lies in the library; None where that is not in it."""
    if ".." in folder.parts or not folder.is_relative_to(root):
        folder, root = _real(folder), _real(root)
    parts = folder.relative_to(root).parts if folder.is_relative_to(root) else ()
    if len(parts) != 3 or parts[1] not in PLACES or any(part.startswith(".") for part in parts):
        return None
    return Key(os.fsencode(parts[0]), parts[1], os.fsencode(parts[2]))


def song_of(home: Path, root: Path) -> bytes:
    """The name of a song's folder in the library; nothing where it is not in it."""
    is_inside = home.parent == root or _real(home.parent) == _real(root)
    return os.fsencode(home.name) if is_inside and not home.name.startswith(".") else b""


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at a library found."""

    takes: Mapping[Key, str]
    """The folder of each, as a path."""
    unread: frozenset[bytes]
    """Songs whose takes the file system did not tell: they are not gone for that."""


def scan(root: Path) -> Found:
    """Every folder of a take in the library; SongdeskError where that cannot be read itself."""
    takes: dict[Key, str] = {}
    unread: set[bytes] = set()
    try:
        songs = _folders(os.fspath(root))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SongdeskError(f"the library cannot be read: {reason}", where=str(root)) from error
    for song, place in ((song, place) for song in songs for place in PLACES):
        name = os.fsencode(song.name)
        try:
            for take in _folders(f"{song.path}/{place}"):
                takes[Key(name, place, os.fsencode(take.name))] = take.path
        except OSError:
            unread.add(name)
    return Found(takes, frozenset(unread))


def files_of(folder: str) -> str:
    """What tells whether a take's recipe or mark was written since; nothing where there is no recipe."""
    written = _written(f"{folder}/{recipe.FILE}")
    return f"{written} {_written(f'{folder}/{mark.FILE}')}" if written else ""


def has_sound(folder: str, audio: str) -> bool:
    """Whether the sound file that a recipe names is there."""
    return bool(audio) and os.path.isfile(f"{folder}/{audio}")  # noqa: PTH113 - thousands, at every look


def _folders(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return [entry for entry in entries if not entry.name.startswith(".") and _is_folder(entry)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads nowhere, or to itself
        return False


def _written(path: str) -> str:
    """Time, size and number of a file: each writing of ours makes a new one, however quick or alike."""
    try:
        found = os.stat(path)  # noqa: PTH116 - thousands, at every look
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return f"unread {error.errno}"  # it is there
    return f"{found.st_mtime_ns}:{found.st_size}:{found.st_ino}"


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
