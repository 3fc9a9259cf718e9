"""What a song will take on a machine: by which ways, how long, and whether it fits; no torch."""

from dataclasses import dataclass

from core.engine import Rung, Stage
from core.errors import SongdeskError
from core.family import Family
from core.machine import Machine
from core.making.governor import Room, choose, in_gib, need_of
from core.making.overhead import overhead_of
from core.making.pace import Range, expect, order_of
from core.making.paces import pace_of
from core.making.ways import device_of
from core.registry import Variant
from core.settings import TRUSTED, Values
from core.song import Song

_WIDTH = 78
"""Columns of the line for people."""


@dataclass(frozen=True, slots=True)
class StageForecast:
    """What one stage will take."""

    stage: str
    rung: Rung
    """The way that would be taken; the leanest where none fits."""
    fits: bool | None
    """None where free memory is unknown, and what there is in all would do."""
    peak: int
    """Bytes at its fullest moment, with what comes beside the plan."""
    seconds: Range | None
    """At least and at most; None before it was seen on this machine."""
    title: str = ""
    """What it does, for people."""
    composes: bool = False
    """Whether it writes the song itself: its way is what people know a song by."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a song will take, stage by stage."""

    stages: tuple[StageForecast, ...]
    free: int | None
    """Bytes of the device that models could take; None where that is unknown."""
    is_trusted: bool = False
    """Whether what is set is tried whatever is free."""
    total: int | None = None
    """Bytes of all the memory of the device; None where that is unknown."""

    @property
    def fullest(self) -> StageForecast:
        """The stage that takes most."""
        return max(self.stages, key=lambda stage: stage.peak)

    @property
    def peak(self) -> int:
        """Bytes of the fullest moment of all."""
        return self.fullest.peak

    @property
    def fits(self) -> bool | None:
        """Whether every stage fits; None where free memory is unknown."""
        known = [stage.fits for stage in self.stages]
        if False in known:
            return False
        return None if None in known else True

    @property
    def seconds(self) -> Range | None:
        """At least and at most; None while a stage that loads something was never seen."""
        told = [stage.seconds for stage in self.stages if stage.peak]
        known = [seconds for seconds in told if seconds is not None]
        if not known or len(known) < len(told):
            return None
        return sum(low for low, _ in known), sum(high for _, high in known)

    @property
    def words(self) -> str:
        """The whole in a line of 78 columns at most: how it is composed, or the stage that does not fit."""
        tight = next((stage for stage in self.stages if stage.fits is False), self.fullest)
        room = "" if self.free is None else f" of {in_gib(self.free)} GiB free"
        if self.fits is False and self.free is None and self.total is not None:
            room = f" of {in_gib(self.total)} GiB in all"
        unknown = "as set" if self.is_trusted else "free memory unknown"
        verdict = {True: "fits", False: "too big", None: unknown}[self.fits]
        took = "" if self.seconds is None or self.fits is False else f" · about {_span(self.seconds)}"
        need = f"{in_gib(tight.peak)}{room or ' GiB'}"
        named = tight if tight.fits is False else next((s for s in self.stages if s.composes), tight)
        parts = named.rung.name.split(", ")
        if not named.composes:
            parts[0] = f"{named.title} ({parts[0]})" if parts[0] else named.title
        for some in range(len(parts), -1, -1):
            line = f"{verdict}: {', '.join([*filter(None, parts[:some]), need])}{took}"
            if len(line) <= _WIDTH:
                return line
        return line[:_WIDTH]


def forecast(kind: Family, chosen: Variant, song: Song, values: Values, machine: Machine | None) -> Forecast:
    """What a song of these settings will take; without a machine what it would take on a processor.

    It loads nothing and reads two small files of earlier runs.
    """
    stages = tuple(_of(kind, chosen, song, values, machine, stage) for stage in kind.stages)
    room, total = (machine.room, machine.total) if machine else (None, None)
    return Forecast(stages, room, values.get("memory") == TRUSTED, total)


def _of(
    kind: Family, chosen: Variant, song: Song, values: Values, machine: Machine | None, about: Stage
) -> StageForecast:
    stage, run_on = about.id, machine.device if machine else "cpu"

    def room(rung: Rung) -> Room:
        device = device_of(rung, run_on)
        if machine is None or values.get("memory") == TRUSTED:
            return Room(None, overhead_of(chosen.id, device, device, stage, rung.plan.peak))
        name = machine.name if device == run_on else device
        free = machine.room if device == run_on else machine.ram_free
        beside = overhead_of(chosen.id, device, name, stage, rung.plan.peak)
        return Room(free, beside, total=machine.total if device == "cuda" else machine.ram_total)

    rungs = kind.ladder(song, chosen, values, stage, run_on)
    try:
        rung = choose(rungs, room, title=stage).rung
        fits = None if room(rung).free is None else True
    except SongdeskError:
        rung = min(rungs, key=lambda one: need_of(one, room(one).overhead))
        fits = False
    pace = pace_of(chosen.id, device_of(rung, run_on), stage, rung.name)
    seconds = expect(pace, (("load", 1), *order_of(rung.plan)))
    peak = need_of(rung, room(rung).overhead)
    return StageForecast(stage, rung, fits, peak, seconds, about.title, about.writes == "tokens")


def _span(seconds: Range) -> str:
    """A range in words, such as `3 to 5 min`."""
    low, high = seconds
    if high < 90:
        return f"{max(1, round(low))} to {max(2, round(high))} s"
    low, high = max(1, round(low / 60)), max(1, round(high / 60))
    return f"{low} min" if low == high else f"{low} to {high} min"
