"""Syllables found in a line beside those that were written."""

from collections.abc import Sequence

import numpy as np

from corpus.song import Line

_TWICE = 0.15
"""What it costs, as a share of the line, to give one onset to two syllables."""


def syllables_of(line: Line, span: tuple[float, float], onsets: Sequence[float]) -> list[tuple[float, float]]:
    """When (s) each syllable of a line is sung that was found at `span`, in which voices turn at `onsets`.

    Where there are as many of both they belong together; else by their places in the line, never by how they
    sound. Without onsets the line is cut as it was planned.
    """
    start, end = span
    planned = [(one.start - line.start) / (line.end - line.start) for one in line.syllables]
    if not onsets:
        places = [start + share * (end - start) for share in planned]
    elif len(onsets) == len(planned):
        places = list(onsets)
    else:
        found = [(onset - start) / (end - start) for onset in onsets]
        places = [onsets[at] for at in _in_turn(planned, found)]
    ends = [*places[1:], max(end, places[-1] + 0.1)]
    return [(one, max(one + 0.1, until)) for one, until in zip(places, ends, strict=True)]


def fitted(vowels: Sequence[str], count: int) -> list[str]:
    """Another line's vowels spread over so many syllables."""
    last = max(1, count - 1)
    return [vowels[round(place * (len(vowels) - 1) / last)] for place in range(count)]


def _in_turn(planned: Sequence[float], found: Sequence[float]) -> list[int]:
    """For each planned place the nearest found one, in order, hardly ever the same twice."""
    apart = np.abs(np.subtract.outer(np.array(planned), np.array(found)))
    cost, came = apart[0], []
    for row in apart[1:]:
        best = [int(cost[:at].argmin()) if at else 0 for at in range(len(cost))]
        before = np.array([cost[one] if at else np.inf for at, one in enumerate(best)])
        stays = cost + _TWICE < before
        came.append([at if stays[at] else one for at, one in enumerate(best)])
        cost = row + np.minimum(cost + _TWICE, before)
    chosen = [int(cost.argmin())]
    for places in reversed(came):
        chosen.append(places[chosen[-1]])
    return chosen[::-1]
