"""Notices that a run goes much slower than others did here: under WSL memory that does not fit spills."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import median

from core.device import Device
from core.host import is_wsl
from core.making.history import recall, remember
from core.making.pace import Order

WARNING = (
    "very slow: memory may be spilling to the host; close programs on Windows, or choose int8 weights "
    "or a shorter song"
)
_Reading = tuple[float, int]
"""Seconds by a clock, and units done."""
_SLOW = 0.4
"""Of the usual rate."""
_LONG = 10.0
"""Seconds of work that are looked at, at least."""


class Watchdog:
    """Compares what a stage does with what it usually does in the same time."""

    def __init__(self, order: Order, usual: Mapping[str, float]) -> None:
        """`order` are the stage's units by kind, `usual` seconds of a unit; without these it never warns."""
        self.remark = ""
        """What the recipe is to tell; empty as long as nothing was amiss."""
        self._order, self._usual = order, usual
        self._seen: deque[_Reading] = deque()

    def look(self, now: float, done: int) -> str:
        """Take a reading in (s, units done); gives the warning that is due, or nothing."""
        if not all(kind in self._usual for kind, _ in self._order) or not self._order:
            return ""
        if not self._seen or done > self._seen[-1][1]:
            self._seen.append((now, done))
        while len(self._seen) > 2 and _seconds(_worked([*self._seen][1:])) >= _LONG:
            self._seen.popleft()
        stretches = _worked([*self._seen])
        worked = _seconds(stretches)
        if worked < _LONG:
            return ""
        share = sum(self._expected(one[1], other[1]) for one, other in stretches) / worked
        if share >= _SLOW:
            return ""
        self.remark = (
            f"it went at {share:.0%} of the usual speed for a while: memory may have spilt to the host"
        )
        return WARNING

    def _expected(self, since: int, until: int) -> float:
        """Seconds that these units usually take."""
        seconds, start = 0.0, 0
        for kind, count in self._order:
            units = min(until, start + count) - max(since, start)
            seconds += max(0, units) * self._usual[kind]
            start += count
        return seconds


def _worked(seen: Sequence[_Reading]) -> list[tuple[_Reading, _Reading]]:
    """The stretches between readings but for the longest: a model may have been loaded in it."""
    stretches = list(pairwise(seen))
    longest = max(stretches, key=lambda stretch: stretch[1][0] - stretch[0][0], default=None)
    return [stretch for stretch in stretches if stretch is not longest]


def _seconds(stretches: Iterable[tuple[_Reading, _Reading]]) -> float:
    return sum(until[0] - since[0] for since, until in stretches)


def usual_pace(about: str, device: Device, order: Order) -> dict[str, float]:
    """Seconds of a unit by kind in the middle of the last runs; nothing where memory cannot spill."""
    if device != "cuda" or not is_wsl():
        return {}
    runs = {kind: recall(_key(about, kind)) for kind, _ in order}
    return {kind: median(seconds) for kind, seconds in runs.items() if seconds}


def learn(about: str, costs: Mapping[str, float]) -> None:
    """Keep what a finished stage took: seconds of a unit by kind."""
    remember({_key(about, kind): seconds for kind, seconds in costs.items()})


def _key(about: str, kind: str) -> str:
    return f"pace {about} {kind}"
