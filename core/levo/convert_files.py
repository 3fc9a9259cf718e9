"""Writes what a checkpoint becomes: each file whole or not at all, by one process, if there is room."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from torch import Tensor

from core.atomic import sweep
from core.errors import SongdeskError
from core.levo.published import few
from core.levo.stored import Checkpoint
from core.sizes import gigabytes
from core.takes.claim import claimed
from core.tensors import Layout, in_file, metadata_of, streaming

LAYOUT = "1"
"""Changes when a converted file of an earlier songdesk no longer loads."""
LAYOUT_MARK, _SOURCE = "songdesk_layout", "songdesk_source"
_END = 1 << 20
"""Bytes at each end of a checkpoint that tell it from another."""
_SPARE = 64 << 20
"""Bytes to leave free on the disk."""

Step = Callable[[int, int], object]
"""Called with bytes written and bytes to write; may raise to give up."""


@dataclass(frozen=True, slots=True)
class Target:
    """A file to write."""

    role: str
    path: Path
    layout: Mapping[str, Layout]
    about: Mapping[str, str]
    """What it says of itself."""
    values: Callable[[BinaryIO, str], Iterator[Tensor]]
    """From the opened checkpoint and one of our keys: the values in pieces, of the dtype that is laid out."""

    @property
    def bytes(self) -> int:
        """What its values take."""
        return sum(each.bytes for each in self.layout.values())


def signature(checkpoint: Checkpoint) -> dict[str, str]:
    """What a file says of itself to be known again as made of this checkpoint."""
    return {LAYOUT_MARK: LAYOUT, _SOURCE: _fingerprint(checkpoint.path)}


def unmade(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Those that are not there, or not made of the same checkpoint."""
    return tuple(each for each in targets if not _is_made(each))


def require_floats(checkpoint: Checkpoint, names: Iterable[str]) -> None:
    """Raise SongdeskError when tensors to be read hold anything else."""
    odd = [name for name in names if checkpoint.tensors[name].dtype is None]
    if odd:
        raise SongdeskError(
            f"{len(odd)} tensors hold no 16- or 32-bit floats: {few(odd)}",
            where=str(checkpoint.path),
            hint="a quantised file cannot be converted; fetch the published one",
        )


def write(targets: Sequence[Target], checkpoint: Checkpoint, step: Step) -> None:
    """Write files of one folder, one after the other; what is finished stays when a later one fails.

    Raises SongdeskError for a folder that cannot be written, is in use or lacks room, and for a checkpoint
    that cannot be read to its end or would be overwritten.
    """
    folder = targets[0].path.parent
    for target in targets:
        if target.path.exists() and target.path.samefile(checkpoint.path):
            raise SongdeskError(
                "would be written over itself", where=str(checkpoint.path), hint="name a folder with --out"
            )
    with claimed(folder) as ours:
        if not ours:
            raise SongdeskError(
                "another songdesk is writing here", where=str(folder), hint="wait until it is done"
            )
        for target in targets:
            sweep(target.path)
        total = sum(target.bytes for target in targets)
        _room(folder, total)
        done = 0
        for target in targets:
            done = _write(target, checkpoint, done, lambda count: step(count, total))


def _write(target: Target, checkpoint: Checkpoint, done: int, tell: Callable[[int], object]) -> int:
    """Write one file, `done` bytes being written before; gives the bytes written then."""
    with (
        checkpoint.path.open("rb") as source,
        streaming(target.path, target.layout, target.about) as put,
    ):
        for key in in_file(target.layout):
            for piece in target.values(source, key):
                tell(done)
                done += put(piece)
        tell(done)
        _unchanged(target, checkpoint, source)
    return done


def _is_made(target: Target) -> bool:
    there = metadata_of(target.path)
    return all(there.get(mark) == target.about[mark] for mark in (LAYOUT_MARK, _SOURCE))


def _fingerprint(path: Path) -> str:
    """Size, and a hash of both ends: the whole of 13 GB would take a minute to read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(_END))
        file.seek(max(0, size - _END))
        digest.update(file.read(_END))
    return f"{size}-{digest.hexdigest()}"


def _room(folder: Path, count: int) -> None:
    free, needed = shutil.disk_usage(folder).free, count + _SPARE
    if free < needed:
        raise SongdeskError(
            f"{gigabytes(needed)} are needed and {gigabytes(free)} are free",
            where=str(folder),
            hint="free some space, or name a folder on another disk with --out",
        )


def _unchanged(target: Target, checkpoint: Checkpoint, source: BinaryIO) -> None:
    """Refuse a result read from a file that grew or shrank meanwhile, as while it is being fetched."""
    size = os.fstat(source.fileno()).st_size
    if not target.about[_SOURCE].startswith(f"{size}-"):
        raise SongdeskError(
            "changed while it was read",
            where=str(checkpoint.path),
            hint="wait until it is complete",
        )
