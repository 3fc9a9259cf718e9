"""Where in a vocal stem the lines of a song are sung, by its loudness alone."""

from dataclasses import dataclass

import numpy as np

from corpus.render import levels
from corpus.song import Song as Plan
from corpus.types import Track, Wave

CELL = 0.1
"""Seconds: lines begin and end on this grid."""
_BELOW = 18.0
"""Decibels under the loudest tenths from which on it counts as a rest."""
_SOFT = 3.0
"""Decibels within which that changes."""
_SILENT = -70.0
"""Decibels below which nobody sings at all."""
_SUNG_IN_LINE, _SUNG_IN_REST = 0.85, 0.08
"""Share of a line, and of a rest between lines, in which somebody is heard."""
_WEIGHT = 0.25
"""Of a cell's evidence: neighbours tell much the same."""
_SPREAD = 0.35
"""Deviation of a line's length from what is expected, as a logarithm."""
_STRETCH = 3.0
"""By how much a line may be longer or shorter."""
_REST = (0.35, 3.0)
"""Deviation of a rest's length: a share of what is expected, and cells."""
_BREATH = 2.0
"""Seconds up to which a rest may be left out: a longer one is a section, and kept to the same stretch."""


@dataclass(frozen=True, slots=True)
class Laid:
    """The lines of a plan laid along a song."""

    lines: tuple[tuple[float, float], ...]
    """Seconds at which each begins and ends."""
    planned: Track
    """Seconds of the plan: its beginning, each line's beginning and end, its end."""
    found: Track
    """The same places in the song."""

    def at(self, seconds: float) -> float:
        """The place in the song of a time in the plan."""
        return float(np.interp(seconds, self.planned, self.found))


def lay(vocal: Wave, plan: Plan) -> Laid | None:
    """Lay the lines of a plan along a vocal stem [2, n]; None where nobody sings or they find no room.

    Among all ways the likeliest is taken: lines in order, somebody singing in them and hardly anybody between
    them, each about as long as planned. Neither the words nor what else sounds is looked at.
    """
    lines = [line for section in plan.sections for line in section.lines]
    heard = _heard(vocal)
    if not lines or heard is None:
        return None
    planned = np.array([0.0, *(time for line in lines for time in (line.start, line.end)), plan.seconds])
    ends = _fit(heard, np.maximum(0.0, np.diff(planned)) / CELL)
    if ends is None:
        return None
    found = np.concatenate(([0.0], np.array(ends) * CELL))
    return Laid(tuple((found[at], found[at + 1]) for at in range(1, 2 * len(lines), 2)), planned, found)


def _heard(vocal: Wave) -> Track | None:
    """By cell how surely somebody sings, 0 to 1; None where nobody does."""
    loud = 20.0 * np.log10(levels(vocal, CELL).astype(np.float64) + 1e-6)
    if not len(loud) or (top := float(np.quantile(loud, 0.95))) < _SILENT:
        return None
    return np.asarray(1.0 / (1.0 + np.exp((top - _BELOW - loud) / _SOFT)))


def _fit(heard: Track, expected: Track) -> list[int] | None:
    """The cell in which each rest and line in turn ends, a rest first; None where there is no room."""
    cells = len(heard)
    best = np.full(cells + 1, np.inf)
    best[0] = 0.0
    taken = []
    for at, length in enumerate(expected):
        is_line = at % 2 == 1
        paid = np.concatenate(([0.0], np.cumsum(_odds(heard, _SUNG_IN_LINE if is_line else _SUNG_IN_REST))))
        lengths = _lengths(float(length), cells, is_line=is_line)
        if not len(lengths):
            return None
        best, chosen = _lengthen(best - paid, lengths, _unlike(lengths, float(length), is_line=is_line))
        best += paid
        taken.append(chosen)
    if not np.isfinite(best[cells]):
        return None
    ends, end = [], cells
    for chosen in reversed(taken):
        ends.append(end)
        end -= int(chosen[end])
    return ends[::-1]


def _odds(heard: Track, sung: float) -> Track:
    return np.asarray(-_WEIGHT * (heard * np.log(sung) + (1.0 - heard) * np.log(1.0 - sung)))


def _lengths(expected: float, cells: int, *, is_line: bool) -> Track:
    """Cells that a line or a rest may take."""
    if not is_line and expected * CELL < _BREATH:
        return np.arange(cells + 1.0)
    most = min(cells, int(expected * _STRETCH) + 1) if is_line else cells
    return np.arange(max(1, int(expected / _STRETCH)), most + 1.0)


def _unlike(lengths: Track, expected: float, *, is_line: bool) -> Track:
    """What each length costs."""
    if is_line:
        return np.asarray(np.log(lengths / max(1.0, expected)) ** 2 / (2.0 * _SPREAD**2))
    share, more = _REST
    return np.asarray((lengths - expected) ** 2 / (2.0 * (share * expected + more) ** 2))


def _lengthen(begun: Track, lengths: Track, unlike: Track) -> tuple[Track, Track]:
    """For each end the least cost of a stretch up to it, and the length that costs it."""
    longest = int(lengths[-1])
    before = np.concatenate((np.full(longest, np.inf), begun))
    rows = np.lib.stride_tricks.sliding_window_view(before, len(lengths))[: len(begun)]
    costs = rows + unlike[::-1]
    least = costs.argmin(axis=1)
    return costs[np.arange(len(begun)), least], lengths[::-1][least]
