"""How long units of work took on this machine, kept from run to run; no torch."""

import json
import logging
from collections.abc import Mapping

from core.atomic import write_text
from core.errors import SongdeskError
from core.paths import pace_file

_log = logging.getLogger(__name__)
_WEIGHT = 0.5
"""Of the newest run in what is remembered."""
_MOST = 200
"""Entries kept."""


def about(model: str, device: str, stage: str, way: str = "") -> str:
    """What the pace of a stage is kept under; `way` tells ways apart that are not equally fast."""
    return " ".join(filter(None, (model, device, stage, way)))


def pace_of(model: str, device: str, stage: str, way: str) -> dict[str, float]:
    """Seconds of a unit by kind: as the stage went that way, else as it went by any."""
    return {**recall(about(model, device, stage)), **recall(about(model, device, stage, way))}


def recall(about: str) -> dict[str, float]:
    """Seconds of a unit by kind, as the runs before took them; empty where nothing is known."""
    return _load().get(about, {})


def remember(about: str, costs: Mapping[str, float]) -> None:
    """Keep what a run took; a file that cannot be written costs nothing but the memory."""
    if not costs:
        return
    known = _load()
    before = known.pop(about, {})
    merged = {kind: before.get(kind, cost) * (1 - _WEIGHT) + cost * _WEIGHT for kind, cost in costs.items()}
    known[about] = {**before, **merged}
    kept = dict(list(known.items())[-_MOST:])
    try:
        write_text(pace_file(), json.dumps(kept, indent=1) + "\n")
    except SongdeskError as error:
        _log.warning("the pace of this run is not remembered: %s", error)


def _load() -> dict[str, dict[str, float]]:
    try:
        raw = json.loads(pace_file().read_text(encoding="utf-8"))
        return {
            str(about): {str(kind): float(cost) for kind, cost in costs.items() if 0 < float(cost) < 1e6}
            for about, costs in raw.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        return {}
