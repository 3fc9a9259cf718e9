"""Files that appear under their final name whole or not at all."""

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from core.errors import SongdeskError

_STEM = 40
"""Characters of a file's name that its temporary keeps."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; on success sync it and rename it to `path`, else remove it.

    Raises SongdeskError when the folder cannot be written or the disk is full; an OSError that names
    another file passes unchanged.
    """
    temporary = path.with_name(f".{path.stem[:_STEM]}.{secrets.token_hex(6)}{path.suffix[:10]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(exist_ok=False)
        mode = temporary.stat().st_mode
        yield temporary
        temporary.chmod(mode)  # a writer that replaces the file may have narrowed it
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        if error.filename is None or _is_of(error.filename, path, temporary):
            raise unwritable(path, error) from error
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def sweep(path: Path) -> None:
    """Remove what a killed process left of writing `path`; only for whoever alone may write it."""
    mark = re.compile(re.escape(f".{path.stem[:_STEM]}.") + r"[0-9a-f]{12}" + re.escape(path.suffix[:10]))
    for left in path.parent.glob(".*"):
        if mark.fullmatch(left.name):
            left.unlink(missing_ok=True)


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


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
