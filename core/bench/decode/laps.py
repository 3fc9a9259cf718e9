"""Steps timed at some positions, turn and turn about, and the time of a whole song that follows."""

import statistics
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from core.bench.decode.ways import Way
from core.bench.measure import followed, taken_up


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    seconds: float
    """Of one lap; it ends with the step that passes them."""
    least: int
    """Steps of a lap in any case."""
    most: int
    warm: int
    """Steps before a lap that are not timed."""
    together: int
    """Steps timed in one: a device that works ahead of its host is waited for once in so many."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a step takes at one position."""

    position: int
    at: float
    """The middle of the positions that were timed, which are from there on."""
    laps: tuple[float, ...]
    """Seconds a step, the median of each lap."""
    seconds: float
    """A step, the median of all laps."""
    processor: float
    """Seconds of processor cores a step, the median of all laps."""

    @property
    def rate(self) -> float:
        """Steps a second."""
        return 1 / self.seconds

    @property
    def spread(self) -> float:
        """How much longer the slower lap's step took, as a share of the faster one's."""
        return max(self.laps) / min(self.laps) - 1


@dataclass(frozen=True, slots=True)
class _Lap:
    """What was timed in one go: seconds, processor seconds, and the middle of its positions."""

    seconds: list[float]
    processor: list[float]
    at: float


def paces(
    ways: Sequence[Way], positions: Sequence[int], effort: Effort, tell: Callable[[str], None]
) -> list[tuple[Pace, ...]]:
    """For each way its pace at each position: every position is visited in the order A-B-…-B-A."""
    found: list[list[Pace]] = [[] for _ in ways]
    there = range(len(ways))
    for position in positions:
        laps: list[list[_Lap]] = [[] for _ in ways]
        for index in (*there, *reversed(there)):
            tell(f"{ways[index].form}, position {position}, {ways[index].name}")
            laps[index].append(_lap(ways[index], position, effort))
        for mine, new in zip(found, laps, strict=True):
            mine.append(_pace(position, new))
    return [tuple(mine) for mine in found]


def song_seconds(points: Sequence[tuple[float, float]], first: int, last: int) -> float:
    """Seconds of the steps from position `first` to before `last`, from (position, seconds a step) points.

    Between two points a step's time grows evenly; beyond the outer ones it is theirs.
    """
    return sum(_between(points, position) for position in range(first, last))


def peak(way: Way, position: int, device: torch.device) -> int:
    """Bytes at the fullest moment of two steps, the way's own weights among them."""
    with followed(device) as most:
        before = taken_up(device)
        way.ready(position)(2)
    return most() - before + way.weights


def _between(points: Sequence[tuple[float, float]], position: float) -> float:
    after = bisect_right(points, (position, 0.0))
    if after in (0, len(points)):
        return points[min(after, len(points) - 1)][1]
    (left, low), (right, high) = points[after - 1 : after + 1]
    return low + (high - low) * (position - left) / (right - left)


def _lap(way: Way, position: int, effort: Effort) -> _Lap:
    take = way.ready(position)
    take(effort.warm)
    seconds: list[float] = []
    processor: list[float] = []
    taken, until = 0, time.perf_counter() + effort.seconds
    while taken < effort.least or (taken < effort.most and time.perf_counter() < until):
        began, worked = time.perf_counter(), time.process_time()
        take(effort.together)
        seconds.append((time.perf_counter() - began) / effort.together)
        processor.append((time.process_time() - worked) / effort.together)
        taken += effort.together
    return _Lap(seconds, processor, position + effort.warm + taken / 2)


def _pace(position: int, laps: Sequence[_Lap]) -> Pace:
    return Pace(
        position=position,
        at=statistics.mean(lap.at for lap in laps),
        laps=tuple(statistics.median(lap.seconds) for lap in laps),
        seconds=statistics.median([second for lap in laps for second in lap.seconds]),
        processor=statistics.median([second for lap in laps for second in lap.processor]),
    )
