"""What the last few runs on this machine measured, kept from run to run; no torch."""

import json
import logging
import math
from collections.abc import Mapping
from itertools import islice

from core.atomic import write_text
from core.errors import SongdeskError
from core.paths import history_file

_log = logging.getLogger(__name__)
_RUNS = 9
"""Runs of which a number is kept."""
_MOST = 400
"""Entries kept."""


def recall(about: str) -> tuple[float, ...]:
    """What the runs before measured of something, the newest last; empty where nothing is known."""
    return _load().get(about, ())


def remember(measured: Mapping[str, float]) -> None:
    """Keep what a run measured; a file that cannot be written costs nothing but the memory."""
    if not measured:
        return
    known = _load()
    for about, value in measured.items():
        known[about] = (*known.pop(about, ()), value)[-_RUNS:]
    kept = dict(islice(known.items(), max(0, len(known) - _MOST), None))
    try:
        write_text(history_file(), json.dumps(kept, indent=1) + "\n")
    except SongdeskError as error:
        _log.warning("what this run measured is not remembered: %s", error)


def _load() -> dict[str, tuple[float, ...]]:
    try:
        raw = json.loads(history_file().read_text(encoding="utf-8"))
        return {str(about): tuple(float(v) for v in values if _is_sane(v)) for about, values in raw.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _is_sane(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and 0 <= value < 1e15
