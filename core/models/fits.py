"""What of a model fits this machine, and how: weights, schedule, cache, and the longest song; no torch."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from core.clock import clock
from core.device import Device
from core.engine import Rung
from core.family import Family, family, resolve_for
from core.machine import Machine
from core.registry import Variant
from core.settings import Value, Values
from core.song import Song

_WAYS: Mapping[str, tuple[str, ...]] = {
    "kv_cache": ("int8", "mulaw8", "fp16", "fp32"),
    "weights": ("full", "int8"),
    "schedule": ("lockstep", "two-pass"),
}
"""What memory is a matter of, the dearest choice first; the cache that a model comes with goes before all."""
_STEP = 5.0
"""Lengths are told in steps of so many seconds."""
_SHORTEST = 30.0
"""What cannot make a song of so many seconds does not fit."""
_GIB = 1 << 30
_SONG = Song("", "", "")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to make songs with a model."""

    settings: Mapping[str, Value]
    seconds: float | None
    """The longest song it can make here; 0 for none, None where free memory is not known."""
    peak: int
    """Bytes at that length, or the model's longest where it is not known, with what comes beside the plan."""
    least: int
    """Bytes for the shortest song worth while."""

    @property
    def weights(self) -> str:
        """Which weights."""
        return f"{self.settings.get('weights', 'full')} weights"

    @property
    def upto(self) -> str:
        """The way with what it takes and the length it reaches."""
        parts = (self.weights, self._cache, f"{_gib(self.peak)} GiB", self._reach, self._schedule)
        return ", ".join(part for part in parts if part)

    @property
    def brief(self) -> str:
        """The same in few letters."""
        return f"{self._reach}, {_gib(self.peak)} GiB, {self.settings.get('weights', 'full')}"

    @property
    def _reach(self) -> str:
        return f"up to {clock(self.seconds or 0)}"

    @property
    def _schedule(self) -> str:
        return "one transformer after the other" if self.settings.get("schedule") == "two-pass" else ""

    @property
    def _cache(self) -> str:
        return f"{self.settings['kv_cache']} cache" if "kv_cache" in self.settings else ""

    def against(self, other: "Way") -> str:
        """What it does otherwise than another, in words."""
        parts = (
            self.weights if self.weights != other.weights else "",
            self._schedule if self._schedule != other._schedule else "",
            self._cache if self._cache != other._cache else "",
        )
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Fit:
    """How a model fits a machine."""

    ways: tuple[Way, ...] = ()
    """Every one, the best first."""
    free: int | None = None
    """Bytes that models can have; None where that is not known."""
    longest: float = 0.0
    """The longest song that the model can make anywhere (s)."""

    @property
    def best(self) -> Way | None:
        """The first way that makes the longest songs, else the one that makes the longest there are."""
        fitting = [way for way in self.ways if way.seconds]
        return max(fitting, key=lambda way: way.seconds or 0, default=None)

    @property
    def lines(self) -> tuple[str, ...]:
        """The best way with each kind of weights, in words; as `line` where none fits."""
        kinds = dict.fromkeys(way.weights for way in self.ways)
        bests = (
            max((way for way in self.ways if way.weights == kind), key=lambda way: way.seconds or 0)
            for kind in kinds
        )
        return tuple(best.upto for best in bests if best.seconds) or (self.line,)

    @property
    def line(self) -> str:
        """One line in words."""
        if self.best is not None:
            return self.best.upto
        first, lean = self.ways[0], min(self.ways, key=lambda way: way.peak)
        if self.free is None and lean.peak < first.peak:
            return f"{self.brief}; with {lean.against(first)}, {_gib(lean.peak)}"
        return self.brief

    @property
    def brief(self) -> str:
        """The same in few letters."""
        if self.best is not None:
            return self.best.brief
        if self.free is not None:
            least = min(way.least for way in self.ways)
            return f"does not fit: needs {_gib(least)} GiB, {_gib(self.free)} free"
        return f"needs {_gib(self.ways[0].peak)} GiB for {clock(self.longest)}"


def fit_of(chosen: Variant, machine: Machine | None, *, overhead: int) -> Fit:
    """How a model fits a machine, of which None is known where nobody looked.

    `overhead` are the bytes that a run takes beside what is planned. It loads nothing.
    """
    kind = family(chosen.family)
    device: Device = machine.device if machine is not None else "cuda"
    free = machine.room if machine is not None else None
    bench = _Bench(kind, chosen, device, overhead)
    return Fit(
        tuple(_way(bench, values, free) for values in _ways(kind, chosen)), free, chosen.limits.seconds
    )


class _Bench:
    """Reckons what songs take; what no way changes is reckoned once a length."""

    def __init__(self, kind: Family, chosen: Variant, device: Device, overhead: int) -> None:
        self._kind, self.chosen, self._device, self._overhead = kind, chosen, device, overhead
        self._changed = {s.stage for s in kind.settings(chosen) if s.key in _WAYS}
        self._known: dict[tuple[str, float], int] = {}

    def peak(self, values: Values, seconds: float) -> int:
        """Bytes of the fullest stage, each in its leanest way that keeps these settings and the length."""
        planned = values.replace(length=seconds, minimum_length=0.0)
        return max(self._stage(stage.id, planned, seconds) for stage in self._kind.stages) + self._overhead

    def _stage(self, stage: str, values: Values, seconds: float) -> int:
        if stage in self._changed:
            return self._least(stage, values)
        if (stage, seconds) not in self._known:
            self._known[stage, seconds] = self._least(stage, values)
        return self._known[stage, seconds]

    def _least(self, stage: str, values: Values) -> int:
        rungs = self._kind.ladder(_SONG, self.chosen, values, stage, self._device)
        here = [rung for rung in rungs if not rung.device and _keeps(rung, values)]
        return min((rung.plan.peak for rung in here), default=rungs[0].plan.peak)


def _ways(kind: Family, chosen: Variant) -> Iterator[Values]:
    """The settings of every way, the best first."""
    plain = resolve_for(kind, chosen, [])
    known = {setting.key: setting for setting in kind.settings(chosen)}
    choices: dict[str, list[str]] = {}
    for key, wanted in _WAYS.items():
        if key in known:
            usual = [plain.text(key)] if plain.text(key) in wanted else []
            able = [choice for choice in wanted if choice in known[key].choices]
            choices[key] = list(dict.fromkeys([*usual, *able] if key == "kv_cache" else able))
    for chosen_ones in product(*choices.values()):
        yield plain.replace(**dict(zip(choices, chosen_ones, strict=True)))


def _way(bench: _Bench, values: Values, free: int | None) -> Way:
    def peak(seconds: float) -> int:
        return bench.peak(values, seconds)

    longest = bench.chosen.limits.seconds
    shortest = min(_SHORTEST, longest)
    settings = {key: values[key] for key in _WAYS if key in values}
    least = peak(shortest)
    if free is None:
        return Way(settings, None, peak(longest), least)
    if least > free:
        return Way(settings, 0.0, least, least)
    seconds = _reach(peak, free, shortest, longest)
    return Way(settings, seconds, peak(seconds), least)


def _reach(peak: Callable[[float], int], free: int, shortest: float, longest: float) -> float:
    """The longest song that fits, of those in steps; the shortest does."""
    if peak(longest) <= free:
        return longest
    fits, fails = int(shortest // _STEP), int(-(-longest // _STEP))
    while fails - fits > 1:
        middle = (fits + fails) // 2
        if peak(middle * _STEP) <= free:
            fits = middle
        else:
            fails = middle
    return max(shortest, fits * _STEP)


def _keeps(rung: Rung, values: Values) -> bool:
    fixed = {key: rung.settings[key] for key in (*_WAYS, "length") if key in rung.settings}
    return all(values[key] == value for key, value in fixed.items())


def _gib(count: int) -> str:
    return f"{count / _GIB:.1f}"
