"""Sung syllables: how many there are, and which vowel each has by the shape of its spectrum."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus.heard.frames import log_mel, mono
from corpus.types import RATE, Track, Wave

_PER_SECOND = 100
_CEPSTRA = 14
_TURN = 17
"""Frames over which a turn of the spectrum is smoothed."""
_SHARE = 0.7
"""Of the strong turns, how strong one must be that begins a syllable."""
_GAP = 0.19
"""Seconds between two syllables at least."""


def count(vocal: Wave, start: float, end: float) -> int:
    """Syllables sung in [2, n] between two times (s): where the spectrum turns, at least 190 ms apart."""
    return len(turns(vocal, start, end))


def turns(vocal: Wave, start: float, end: float) -> list[float]:
    """Where syllables begin in [2, n] between two times, in seconds of the song."""
    first = max(0, int((start - 0.15) * RATE))
    part = mono(vocal)[first : int((end + 0.1) * RATE)]
    if len(part) < 4096:
        return []
    levels = np.maximum(log_mel(part), -70.0)[:, :32]
    loud = levels.max(axis=1)
    change = np.zeros(len(levels))
    change[3:-3] = np.sqrt(np.mean(np.square(levels[6:] - levels[:-6]), axis=1)) * (
        loud[6:] > loud.max() - 30.0
    )
    smooth = np.convolve(change, np.hanning(_TURN) / np.hanning(_TURN).sum(), "same")
    floor = _SHARE * float(np.quantile(smooth, 0.9))
    tops = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:]) & (smooth[1:-1] > floor)
    found: list[int] = []
    for at in np.flatnonzero(tops):
        if not found or at - found[-1] >= _GAP * _PER_SECOND:
            found.append(int(at))
    # The frame after `at`, and the middle of its 43 ms.
    return [first / RATE + (at + 1) / _PER_SECOND + 1024 / RATE for at in found]


def shape(vocal: Wave, times: Sequence[tuple[float, float]]) -> Track:
    """What tells vowels apart, for each stretch (s) of [2, n]: cepstra of its first half [m, 13]."""
    levels = np.maximum(log_mel(mono(vocal)), -75.0)
    turn = np.cos(np.pi * np.outer(np.arange(40) + 0.5, np.arange(1, _CEPSTRA)) / 40.0)
    rows = []
    for start, end in times:
        first = int((start + 0.25 * min(0.4, end - start)) * _PER_SECOND)
        last = max(first + 1, int((start + 0.6 * min(0.4, end - start)) * _PER_SECOND))
        rows.append(levels[first - 2 : last - 1].mean(axis=0) @ turn)
    return np.asarray(rows)


@dataclass(frozen=True, slots=True)
class Ear:
    """A linear judge of classes: Gaussian classes of one common spread."""

    classes: tuple[str, ...]
    weights: Track
    """[features + 1, classes]"""

    def judge(self, features: Track) -> list[str]:
        """The likeliest class of each row."""
        score = np.concatenate([features, np.ones((len(features), 1))], axis=1) @ self.weights
        return [self.classes[int(at)] for at in score.argmax(axis=1)]


def learn(features: Track, labels: Sequence[str]) -> Ear:
    """An ear from examples [m, features] and their classes, all classes equally likely beforehand."""
    classes = tuple(sorted(set(labels)))
    named = np.array([classes.index(label) for label in labels])
    means = np.stack([features[named == at].mean(axis=0) for at in range(len(classes))])
    rest = features - means[named]
    spread = rest.T @ rest / len(rest) + 1e-3 * np.eye(features.shape[1])
    weights = np.linalg.solve(spread, means.T)
    offset = -0.5 * np.sum(means.T * weights, axis=0)
    return Ear(classes, np.concatenate([weights, offset[None]], axis=0))
