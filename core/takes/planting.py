"""The folder of a new take, which appears under its name once it is whole; no torch."""

import secrets
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from errno import EEXIST, ENOTEMPTY
from pathlib import Path

from core.atomic import sync, unwritable
from core.clock import stamps
from core.takes.claim import claimed, is_held

_NEW = ".new-"
"""How the folder of a take begins that is not whole yet."""


def plant(home: Path, fill: Callable[[Path], None]) -> Path:
    """Make a take's folder in the folder of its song; `fill` writes all that it begins with.

    Raises SongdeskError when it cannot be written; what `fill` raises passes through and leaves nothing.
    """
    takes = home / "takes"
    try:
        takes.mkdir(parents=True, exist_ok=True)
        sync(home)
        _sweep(takes)
        with ExitStack() as held:
            young = takes / f"{_NEW}{secrets.token_hex(6)}"
            held.enter_context(claimed(young))
            held.callback(shutil.rmtree, young, ignore_errors=True)
            fill(young)
            return _settle(young, home)
    except OSError as error:
        raise unwritable(takes, error) from error


def copy(source: Path, target: Path) -> None:
    """Copy a file to disk; raises OSError."""
    shutil.copyfile(source, target)
    sync(target)


def _settle(young: Path, home: Path) -> Path:
    """Give a whole folder its name, the first that no take has, not even in the trash."""
    for stamp in stamps():
        folder = home / "takes" / stamp
        if (home / "trash" / stamp).exists():
            continue
        try:
            young.rename(folder)
        except OSError as error:
            if error.errno in (EEXIST, ENOTEMPTY):
                continue  # another take has that name
            raise
        sync(folder.parent)
        return folder
    raise AssertionError


def _sweep(takes: Path) -> None:
    """Remove what a killed process left of making a take."""
    for left in takes.glob(f"{_NEW}*"):
        if not is_held(left):
            shutil.rmtree(left, ignore_errors=True)
