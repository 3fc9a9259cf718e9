"""The pitch of a voice: the lag at which each frame is most like itself."""

import numpy as np
import numpy.typing as npt

from corpus.heard.frames import frames, mono, thinned
from corpus.types import RATE, Track, Wave

_THIN = 4
_RATE = RATE // _THIN
_LENGTH, _HOP = 640, 120
"""Samples at 12 kHz: 53 ms every 10 ms."""
_LOWEST, _HIGHEST = 75.0, 800.0
_CLEAR = 0.75
_QUIET = 0.05
"""Of the loud frames' level: below it nobody sings."""
DIVIDE = 240.0
"""Hz: between the medians of male and female voices."""


def f0(vocal: Wave) -> Track:
    """The frequency (Hz) of a vocal stem [2, n] a hundred times a second; 0 where there is no clear one."""
    parts = frames(thinned(mono(vocal), _THIN), _LENGTH, _HOP)
    parts = parts - parts.mean(axis=1, keepdims=True)
    size = 2048
    alike = np.fft.irfft(np.abs(np.fft.rfft(parts, size, axis=1)) ** 2, axis=1)[:, : _LENGTH // 2]
    alike = alike / np.maximum(alike[:, :1], 1e-12) / (1.0 - np.arange(_LENGTH // 2) / _LENGTH)
    first, last = int(_RATE / _HIGHEST), int(_RATE / _LOWEST)
    found = alike[:, first : last + 1]
    best = found.max(axis=1, keepdims=True)
    peaks = (
        (found[:, 1:-1] >= found[:, :-2]) & (found[:, 1:-1] > found[:, 2:]) & (found[:, 1:-1] > 0.9 * best)
    )
    lag = np.argmax(peaks, axis=1) + first + 1
    level = np.sqrt(np.mean(np.square(parts), axis=1))
    loud = level > _QUIET * np.quantile(level, 0.98) if len(level) else level > 0
    clear = peaks.any(axis=1) & (best[:, 0] > _CLEAR) & loud
    return np.where(clear, _RATE / _between(alike, lag), 0.0)


def median_f0(vocal: Wave) -> float:
    """The median (Hz) where somebody sings; 0 for none."""
    tracked = f0(vocal)
    sung = tracked[tracked > 0]
    return float(np.median(sung)) if len(sung) else 0.0


def gender(vocal: Wave) -> str:
    """female or male by register."""
    return "female" if median_f0(vocal) > DIVIDE else "male"


def _between(alike: Track, lag: npt.NDArray[np.intp]) -> Track:
    """The top of the parabola through the three values around each lag."""
    rows = np.arange(len(lag))
    a, b, c = alike[rows, lag - 1], alike[rows, lag], alike[rows, lag + 1]
    bend = a - 2 * b + c
    return np.asarray(
        lag + np.where(np.abs(bend) > 1e-9, 0.5 * (a - c) / np.where(bend == 0, 1.0, bend), 0.0)
    )
