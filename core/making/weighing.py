"""Which weights a model was read from: SHA-256 of their files, worked out once for each; no torch."""

import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from core.atomic import write_text
from core.checkpoints import find_role
from core.digest import sha256_of
from core.errors import SongdeskError
from core.paths import weights_cache
from core.registry import Variant

_log = logging.getLogger(__name__)
_MOST = 500
"""Files whose hash is kept."""
_Known = tuple[int, int, str]
"""Size, time of the last change in ns, and SHA-256 of a file."""


def weights_of(chosen: Variant, roles: Iterable[str]) -> Mapping[str, str]:
    """SHA-256 by role of the files of a model's weights; roles without one that can be read are left out.

    The first time it reads all of them, which takes some seconds for each 10 GB.
    """
    known = _recall()
    found = {role: path for role in roles if (path := find_role(chosen, role)) is not None}
    weighed = {role: entry for role, path in found.items() if (entry := _weigh(path, known)) is not None}
    fresh = {_name(found[role]): entry for role, entry in weighed.items()}
    if any(known.get(name) != entry for name, entry in fresh.items()):
        _remember(fresh)
    return {role: digest for role, (_, _, digest) in weighed.items()}


def recorded(path: Path) -> tuple[Literal["known", "changed", "unknown"], str]:
    """What is remembered of a file's hash, without reading the file: known, of another content, or nothing.

    The hash is empty where it is not known. OSError where the file is not there.
    """
    before = _recall().get(_name(path))
    if before is None:
        return "unknown", ""
    return ("known", before[2]) if before[:2] == _look(path) else ("changed", "")


def _weigh(path: Path, known: Mapping[str, _Known]) -> _Known | None:
    """A file's size, time and hash, by what is known where it is as it was; None where it cannot be read."""
    try:
        size, changed = _look(path)
        before = known.get(_name(path))
        if before is not None and before[:2] == (size, changed):
            return before
        digest = sha256_of(path)
        # A file that was written meanwhile is neither what it was nor what it will be.
        return (size, changed, digest) if _look(path) == (size, changed) else None
    except OSError as error:
        _log.warning("%s was not weighed: %s", path, error)
        return None


def _look(path: Path) -> tuple[int, int]:
    about = path.stat()
    return about.st_size, about.st_mtime_ns


def _name(path: Path) -> str:
    return str(path.absolute())


def _recall() -> dict[str, _Known]:
    try:
        raw = json.loads(weights_cache().read_text(encoding="utf-8"))
        return {
            str(name): (int(size), int(changed), str(digest)) for name, (size, changed, digest) in raw.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        return {}


def _remember(fresh: Mapping[str, _Known]) -> None:
    """Keep hashes for the next time, beside what others have found out meanwhile."""
    kept = {name: entry for name, entry in _recall().items() if name not in fresh} | dict(fresh)
    try:
        write_text(weights_cache(), json.dumps(dict(list(kept.items())[-_MOST:]), indent=1) + "\n")
    except (SongdeskError, ValueError) as error:
        _log.warning("hashes of weights are not remembered: %s", error)
