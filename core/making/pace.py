"""How fast a stage goes and when it will be done, as a range that is meant to hold; no torch."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from core.engine import StagePlan

Order = tuple[tuple[str, int], ...]
"""The units of a stage in the order they are done: what kind, and how many."""
Range = tuple[float, float]
"""At least and at most (s)."""
_APART = 0.25
"""Seconds between the readings that are kept."""
_MOST = 1024
"""Readings kept; with more, every other one goes."""
_RECENT = 4.0
"""Seconds over which the rate of the moment is measured."""
_SETTLES = 0.7
"""Seconds before a rate is worth showing."""
_EVIDENCE = 1.5
"""Seconds of work before anything is foretold of it."""
_SURE = 10.0
"""Seconds of work before this run is believed over those before it: its first units are slow to warm up."""
_BAR = 1.0
"""Seconds that one entry of the history stands for."""
_BARS = 16
_UNSEEN = (0.3, 0.5)
"""By what share the shortest and the longest time are widened where much lies ahead of what was seen …"""
_AHEAD = 3
"""… which is so many times as much; in proportion below, no more above."""
_FEW = 2
"""What a handful of units leaves unseen: so much, divided by their number."""
_REMEMBERED = (0.6, 1.8)
"""The same for a time that is known from earlier runs only."""
_BLINK = 0.5
"""Seconds added to both sides: a reading may be as old."""


@dataclass(slots=True)
class _Clock:
    """The time one kind of unit took so far: readings (s, units), both of this kind alone."""

    readings: list[tuple[float, int]] = field(default_factory=lambda: [(0.0, 0)])

    def add(self, seconds: float, units: int) -> None:
        at, done = self.readings[-1]
        self.readings.append((at + seconds, done + units))

    @property
    def passed(self) -> float:
        """Seconds that were read."""
        return self.readings[-1][0]

    @property
    def mean(self) -> float | None:
        """Seconds of a unit; None without evidence."""
        seconds, units = self.readings[-1]
        return seconds / units if units and (seconds >= _EVIDENCE or units >= 3) else None

    def expect(self, units: int) -> Range | None:
        """Seconds that so many more take.

        They are taken to go as the fastest and as the slowest stretch did that was half as long as they will
        take, or a third of what has passed: short hitches weigh on short forecasts only.
        """
        mean = self.mean
        if mean is None:
            return None
        costs = [mean, *self._stretches(max(1.0, min(units * mean / 2, self.passed / 3)))]
        unseen = min(1.0, units * mean / self.passed / _AHEAD) + _FEW / self.readings[-1][1]
        return units * min(costs) / (1 + _UNSEEN[0] * unseen), units * max(costs) * (1 + _UNSEEN[1] * unseen)

    def _stretches(self, seconds: float) -> Iterator[float]:
        """Seconds of a unit in every stretch that lasted so long (s)."""
        end = 0
        for since, before in self.readings:
            while end < len(self.readings) and self.readings[end][0] - since < seconds:
                end += 1
            if end == len(self.readings):
                return
            until, done = self.readings[end]
            yield (until - since) / (done - before)


class Pace:
    """The readings of one stage: units done by a monotonic clock (s)."""

    def __init__(self, order: Order, remembered: Mapping[str, float] | None = None) -> None:
        """`remembered` tells from earlier runs how long a unit of a kind takes (s)."""
        self._order = order
        self._ends = list(accumulate(count for _, count in order))
        self._remembered = remembered or {}
        self._beside: dict[str, float] = {}
        self._kept: list[tuple[float, int]] = []
        self._apart = _APART
        self._last = (0.0, 0)
        self._recent: deque[tuple[float, int]] = deque()
        self._bars: deque[float] = deque(maxlen=_BARS)
        self._bar_began: tuple[float, int] | None = None

    def took(self, kind: str, seconds: float) -> None:
        """Take in what something beside the units took once, such as loading."""
        self._beside[kind] = seconds

    def note(self, now: float, done: int) -> None:
        """Take a reading in."""
        self._last = (now, done)
        self._recent.append(self._last)
        while now - self._recent[0][0] > _RECENT and len(self._recent) > 2:
            self._recent.popleft()
        if not self._kept or (now - self._kept[-1][0] >= self._apart and done > self._kept[-1][1]):
            self._kept.append(self._last)
            if len(self._kept) > _MOST:
                self._kept, self._apart = self._kept[::2], self._apart * 2
        began = self._bar_began or self._last
        if now - began[0] >= _BAR:
            self._bars.append((done - began[1]) / (now - began[0]))
            began = self._last
        self._bar_began = began

    @property
    def rate(self) -> float | None:
        """Units per second over the last few seconds; None until it has settled."""
        if not self._recent:
            return None
        (since, before), (now, done) = self._recent[0], self._recent[-1]
        if now - since < _SETTLES or done <= before:
            return None
        return (done - before) / (now - since)

    @property
    def history(self) -> tuple[float, ...]:
        """Units per second in each of the last seconds, the newest last."""
        return tuple(self._bars)

    @property
    def costs(self) -> dict[str, float]:
        """Seconds of a unit of each kind that this run has shown enough of, and of what stood beside them."""
        shown = {kind: mean for kind, clock in self._clocks().items() if (mean := clock.mean) is not None}
        return {**self._beside, **shown} if shown else {}

    def remaining(self) -> Range | None:
        """Seconds until the stage is done; None while nothing is known of a kind of unit that is to come."""
        clocks, low, high = self._clocks(), 0.0, 0.0
        for kind, units in self._left().items():
            clock = clocks.get(kind, _Clock())
            expected = clock.expect(units)
            if kind in self._remembered and (expected is None or clock.passed < _SURE):
                expected = expect({kind: self._remembered[kind]}, ((kind, units),))
            if expected is None:
                return None
            low, high = low + expected[0], high + expected[1]
        return max(0.0, low - _BLINK), high + _BLINK

    def _left(self) -> dict[str, int]:
        """Units of each kind that are still to be done."""
        left: dict[str, int] = {}
        for (kind, count), end in zip(self._order, self._ends, strict=True):
            rest = min(count, end - self._last[1])
            if rest > 0:
                left[kind] = left.get(kind, 0) + rest
        return left

    def _clocks(self) -> dict[str, _Clock]:
        """Time and units by kind, of the stretches between readings that hold one kind alone."""
        clocks: dict[str, _Clock] = {}
        for (since, before), (until, done) in pairwise(self._kept):
            kind = self._kind_of(before)
            if kind == self._kind_of(done - 1):
                clocks.setdefault(kind, _Clock()).add(until - since, done - before)
        return clocks

    def _kind_of(self, unit: int) -> str:
        """The kind of a unit by its number from 0."""
        for (kind, _), end in zip(self._order, self._ends, strict=True):
            if unit < end:
                return kind
        return self._order[-1][0] if self._order else ""


def order_of(load: StagePlan) -> Order:
    """A stage's units in order; all alike where the plan does not tell them apart."""
    return load.order or (("unit", load.units),)


def expect(remembered: Mapping[str, float], order: Order) -> Range | None:
    """Seconds that a stage takes, judged by earlier runs; None where a kind is unknown."""
    seconds = 0.0
    for kind, units in order:
        if kind not in remembered:
            return None
        seconds += units * remembered[kind]
    return seconds * _REMEMBERED[0], seconds * _REMEMBERED[1]
