"""The ways a stage can be run, from the best to the one that takes least memory; no torch."""

from core.device import Device
from core.engine import Rung
from core.levo.plan import plan
from core.registry import Variant
from core.settings import Values
from core.song import Song


def ladder(song: Song, chosen: Variant, values: Values, stage: str, device: Device) -> tuple[Rung, ...]:
    """Every way, the best first; settings that a person fixed are the same in all of them."""
    planned = next(load for load in plan(song, chosen, values).stages if load.stage == stage)
    return (Rung(planned, name="as set"),)
