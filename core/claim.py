"""A take's folder belongs to one songdesk at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.atomic import unwritable


@contextmanager
def claimed(folder: Path) -> Iterator[bool]:
    """Hold a folder, made if need be, against other processes; False when one of them holds it.

    The hold ends with the block, or with the process however it ends. SongdeskError when it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        yield _lock(handle)
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
