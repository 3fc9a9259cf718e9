"""Files that appear under their final name whole or not at all."""

import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from core.errors import SongdeskError

_STEM = 40
"""Characters of a file's name that its temporary keeps."""
_TEMPORARY = re.compile(r"\..*\.[0-9a-f]{12}(\..*)?")
_LONG_AGO = 3600.0
"""Seconds after which a temporary is taken for one that a killed process left."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; on success sync it and rename it to `path`, else remove it.

    Raises SongdeskError when the folder cannot be written or the disk is full; an OSError that names
    another file passes unchanged.
    """
    temporary = temporary_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path, older=_LONG_AGO)
        temporary.touch(exist_ok=False)
        mode = temporary.stat().st_mode
        yield temporary
        temporary.chmod(mode)  # a writer that replaces the file may have narrowed it
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    except OSError as error:
        if error.filename is None or _is_of(error.filename, path, temporary):
            raise unwritable(path, error) from error
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def temporary_of(path: Path) -> Path:
    """A name for what is to become `path`, in the same folder; it is known as such when it is left behind."""
    return path.with_name(f".{path.stem[:_STEM]}.{secrets.token_hex(6)}{path.suffix[:10]}")


def sweep(path: Path) -> None:
    """Remove what a killed process left of writing `path`; only for whoever alone may write it."""
    _sweep(path, older=0.0)


def holds_nothing(folder: Path) -> bool:
    """Whether a folder holds no more than temporaries; False where that cannot be told."""
    try:
        return folder.is_dir() and all(_TEMPORARY.fullmatch(path.name) for path in folder.iterdir())
    except OSError:
        return False


def sweep_folders(path: Path) -> None:
    """Remove folders that were to become `path` once whole, and that nobody has touched for long."""
    mark = _mark_of(path)
    with contextlib.suppress(FileNotFoundError), os.scandir(path.parent) as entries:
        for left in entries:
            if mark.fullmatch(left.name) and left.is_dir() and _age(left) >= _LONG_AGO:
                shutil.rmtree(left, ignore_errors=True)


def _sweep(path: Path, *, older: float) -> None:
    """Remove temporaries of `path` that nobody has touched for so long (s)."""
    mark = _mark_of(path)
    with contextlib.suppress(FileNotFoundError), os.scandir(path.parent) as entries:
        for left in entries:
            if mark.fullmatch(left.name) and not left.is_dir() and _age(left) >= older:
                Path(left).unlink(missing_ok=True)


def _mark_of(path: Path) -> re.Pattern[str]:
    """What the names of the temporaries of `path` are like."""
    return re.compile(re.escape(f".{path.stem[:_STEM]}.") + r"[0-9a-f]{12}" + re.escape(path.suffix[:10]))


def _age(left: "os.DirEntry[str]") -> float:
    return time.time() - left.stat(follow_symlinks=False).st_mtime


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def unwritable(path: Path, error: OSError) -> SongdeskError:
    """Say in one line why `path` could not be written."""
    reason = (error.strerror or str(error)).lower()
    return SongdeskError(
        f"cannot write here: {reason}",
        where=str(path),
        hint="free some space or choose another folder",
    )


def _is_of(name: str | bytes | int, path: Path, temporary: Path) -> bool:
    """Whether a file name in an error is ours: the file, its temporary, or a folder above them."""
    if isinstance(name, int):
        return False
    named = Path(os.fsdecode(name))
    return named in (path, temporary) or named in path.parents


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to disk; raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
