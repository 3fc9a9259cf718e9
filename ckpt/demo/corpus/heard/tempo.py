"""Beats per minute from onsets: how well a comb of beats and bars fits their autocorrelation."""

import numpy as np

from corpus.heard.frames import log_mel, mono
from corpus.types import Track, Wave

_PER_SECOND = 100.0
_SLOWEST, _QUICKEST = 50.0, 200.0
_TEETH = ((1, 0.5), (2, 0.8), (4, 1.2), (8, 1.0), (16, 0.6))
"""Beats after which strokes come back in four-four, and how much that says."""
_BANDS = ((0, 4), (4, 20), (20, 40))
"""Of the mel bands: kick, snare and chords, cymbals, each with a rhythm of its own."""
_USUAL, _SPREAD = 110.0, 1.5
"""Beats per minute that are likely, and octaves within which."""


def bpm(sound: Wave) -> float:
    """The tempo of a backing or a mix [2, n], between 50 and 200."""
    return float(_best(_agreement(onsets(sound))))


def bpm_near(sound: Wave, about: float, *, within: float = 0.3) -> float:
    """The tempo among those that no counting by halves, thirds or doubles could mistake for `about`."""
    likely = _agreement(onsets(sound))
    grid = _grid()
    return float(grid[np.argmax(np.where(np.abs(grid / about - 1.0) <= within, likely, -np.inf))])


def onsets(sound: Wave) -> Track:
    """How much louder low, middle and high sounds become [3, m], a hundred times a second."""
    levels = np.maximum(log_mel(mono(sound)), -60.0)
    rise = np.maximum(0.0, levels[2:] - levels[:-2]).astype(np.float64)
    parts = [rise[:, first:last].mean(axis=1) for first, last in _BANDS]
    window = np.full(101, 1.0 / 101.0)
    return np.stack([np.maximum(0.0, part - np.convolve(part, window, "same")) for part in parts])


def _grid() -> Track:
    return np.arange(_SLOWEST, _QUICKEST + 0.01, 0.25)


def _agreement(rise: Track) -> Track:
    """How well each tempo fits."""
    size = 1 << (2 * rise.shape[1]).bit_length()
    alike = np.fft.irfft(np.abs(np.fft.rfft(rise, size, axis=1)) ** 2, axis=1)[:, : rise.shape[1]]
    alike = (alike / (alike[:, :1] + 1e-9)).mean(axis=0)
    alike *= len(alike) / np.maximum(1, len(alike) - np.arange(len(alike)))
    beat = 60.0 / _grid() * _PER_SECOND
    lags, score = np.arange(len(alike)), np.zeros(len(beat))
    for tooth, weight in _TEETH:
        inside = tooth * beat < len(alike) * 0.75
        score += np.where(inside, np.interp(tooth * beat, lags, alike), 0.0) * weight
    for between in (0.5, 1.5, 3.0):
        # There should be less between beats and off the bar, or another tempo fits better.
        score -= 0.4 * np.interp(between * beat, lags, alike)
    return score


def _best(score: Track) -> float:
    likely = np.exp(-0.5 * (np.log2(_grid() / _USUAL) / _SPREAD) ** 2)
    return float(_grid()[np.argmax(np.maximum(score, 0.0) * likely)])
