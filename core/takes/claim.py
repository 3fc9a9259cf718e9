"""A take's folder belongs to one songdesk at a time."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.atomic import unwritable

_LOOKS = (0.002, 0.01, 0.03)
"""Seconds between attempts to hold a folder."""


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


def is_held(folder: Path) -> bool:
    """Whether a process holds a folder; False also where there is none."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _try(handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    """Take the hold; somebody who only looks has it for a moment."""
    for patience in _LOOKS:
        if _try(handle, fcntl.LOCK_EX):
            return True
        time.sleep(patience)
    return _try(handle, fcntl.LOCK_EX)


def _try(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
