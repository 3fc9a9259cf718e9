"""Finds a model's files in a folder that somebody fetched before, by what is in them."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from core.checkpoints import model_folder
from core.errors import SongdeskError
from core.models.told import Note, Pulse, Tell
from core.models.verify import verify
from core.registry import PublishedFile, Variant

if TYPE_CHECKING:
    from core.levo.convert import Report

_DEEPEST = 8
"""Folders within one another."""
_MOST = 20_000
"""Files whose names are looked at."""
_MOST_OPENED = 300
"""Checkpoints that are opened."""
_SUFFIXES = frozenset({".pt", ".pth", ".ckpt", ".safetensors", ".bin", ".th"})
"""Of checkpoints."""
_ZIP = b"PK\x03\x04"
"""How a torch file begins."""
_ALIKE = 0.01
"""Of a size that is known about, by what the size of the same file can differ from it."""
_CACHE, _SNAPSHOTS, _BLOBS = "models--", "snapshots", "blobs"
"""How the hub's library names its folders: snapshots are links to blobs beside them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file of a model, as somebody has it."""

    path: Path
    size: int
    """Bytes."""
    how: str
    """By what it was known."""
    sha256: str = ""
    """Where it was computed."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a folder has of what was wanted."""

    found: dict[PublishedFile, Found]
    refused: dict[Path, str]
    """Files that may have been meant and cannot be taken, and why."""


def search(folder: Path, chosen: Variant, wanted: Iterable[PublishedFile], tell: Tell) -> Search:
    """Look for files of a model below a folder; what they are called there says only which to try first.

    Links are followed to files inside the folder, or inside the cache of a repository that it lies in.
    Nothing is changed. SongdeskError when it is no folder.
    """
    if not folder.is_dir():
        what = "a file, not a folder" if folder.exists() else "no such folder"
        raise SongdeskError(what, where=str(folder), hint="name the folder with the files in it")
    paths = list(islice(_below(folder), _MOST))
    if len(paths) == _MOST:
        tell(Note(f"{folder} has more files than are looked at ({_MOST:,}); name a folder further down"))
    files = tuple(wanted)
    result = Search({}, {})
    _checkpoints(folder, paths, chosen, [file for file in files if file.roles], result, tell)
    for file in (file for file in files if file.keep_as):
        _kept([path for path in paths if path.name == file.name], file, result, tell)
    return result


def _kept(paths: Iterable[Path], file: PublishedFile, result: Search, tell: Tell) -> None:
    """Take the first of the name that is right."""
    for path in paths:
        try:
            result.found[file] = _verified(path, file, tell)
        except SongdeskError as error:
            result.refused[path] = error.what
        else:
            return


def _checkpoints(
    folder: Path,
    paths: Iterable[Path],
    chosen: Variant,
    wanted: Sequence[PublishedFile],
    result: Search,
    tell: Tell,
) -> None:
    """Take by content: the first of several of the same content, in the order of what their names promise."""
    able = sorted((p for p in paths if p.suffix.lower() in _SUFFIXES), key=lambda p: _promise(p, wanted))
    for path in able[:_MOST_OPENED]:
        left = [file for file in wanted if file not in result.found]
        if not left:
            return
        tell(Pulse())
        try:
            if (file := _meant(folder, path, chosen, left, tell)) is not None:
                result.found[file] = _taken(path, file, tell)
        except SongdeskError as error:
            result.refused[path] = error.what


def _meant(
    folder: Path, path: Path, chosen: Variant, wanted: Sequence[PublishedFile], tell: Tell
) -> PublishedFile | None:
    """The wanted file that its tensors say a checkpoint is."""
    from core.levo.convert import recognised

    holds = recognised(path, model_folder(chosen))
    file = next((file for file in wanted if set(file.roles) == set(holds.roles)), None)
    if file is None or chosen.id not in holds.models:
        return None
    return file if _is_named_for(folder, path, chosen, holds, tell) else None


def _is_named_for(folder: Path, path: Path, chosen: Variant, holds: "Report", tell: Tell) -> bool:
    """Whether no name says that the weights are those of another model of the same shapes."""
    if not holds.variant or len(holds.models) == 1:
        return True
    text = _plain("/".join((folder.resolve().name, *path.relative_to(folder).parts)))
    named = [model for model in holds.models if _plain(re.sub(r"^v[0-9]+-", "", model)) in text]
    if not named:
        alike = ", ".join(holds.models)
        tell(Note(f"{path} could be of {alike}, alike in shape; taken for {chosen.id} because you say so"))
        return True
    return max(named, key=len) == chosen.id


def _taken(path: Path, file: PublishedFile, tell: Tell) -> Found:
    """Verify what may be the published file; others are that file in another form, with a hash of its own."""
    size = path.stat().st_size
    is_other = file.bytes not in (None, size)
    if file.sha256 and not is_other:
        try:
            return _verified(path, file, tell)
        except SongdeskError:
            if file.bytes == size or not _is_another_form(path, size, file):
                raise
            is_other = True
    how = "recognised by its tensors"
    if is_other:
        how += "; byte for byte it is not the published file"
        how += ", whose SHA-256 could not be compared" if file.sha256 else ""
    return Found(path, size, how)


def _is_another_form(path: Path, size: int, file: PublishedFile) -> bool:
    """Whether a checkpoint that is not the published one, whose exact size nobody knows, need not be it.

    It is stored in another format, or is clearly larger or smaller, or nothing but its name can be compared.
    """
    with path.open("rb") as content:
        is_zip = content.read(len(_ZIP)) == _ZIP
    if is_zip == file.path.endswith(".safetensors"):
        return True
    return abs(size - file.about) > _ALIKE * file.about if file.about else path.name != file.name


def _verified(path: Path, file: PublishedFile, tell: Tell) -> Found:
    verified = verify(path, file, tell)
    return Found(path, path.stat().st_size, verified.how, verified.sha256)


def _promise(path: Path, wanted: Sequence[PublishedFile]) -> tuple[int, str]:
    """Sorts files by how much their names promise."""
    text = f"/{path.as_posix()}"
    if any(text.endswith(f"/{file.path}") for file in wanted):
        return 0, text
    return (1 if any(path.name == file.name for file in wanted) else 2), text


def _below(folder: Path) -> Iterator[Path]:
    """Files below a folder, links among them only where they lead to files within."""
    root = _root(folder.resolve())
    for place, folders, names in os.walk(folder):
        here = Path(place)
        is_deep = len(here.relative_to(folder).parts) >= _DEEPEST
        skipped = {_BLOBS} if _SNAPSHOTS in folders else set()
        folders[:] = sorted(n for n in folders if not is_deep and n not in skipped and not n.startswith("."))
        for path in (here / name for name in sorted(names)):
            if path.is_file() and path.resolve().is_relative_to(root):
                yield path


def _root(folder: Path) -> Path:
    """The folder that links may lead into: a repository's part of the hub's cache, if it is in one."""
    cache = (place for place in (folder, *folder.parents) if place.name.startswith(_CACHE))
    return next(cache, folder)


def _plain(text: str) -> str:
    return f" {re.sub(r'[^a-z0-9]+', ' ', text.lower())} "
