"""How loud sound in memory is, by the product's own measure (ITU-R BS.1770-4), and a limiter."""

from functools import lru_cache
from math import log10

import numpy as np
import numpy.typing as npt

from corpus.types import RATE, Track, Wave, wave

_STEP = RATE // 10
_OFFSET = -0.691
_LIMIT_STEP = 240
"""Samples for which the limiter has one gain to begin with: 5 ms."""


def lufs(sound: Wave, heard: tuple[tuple[float, float], ...] | None = None) -> float:
    """The integrated loudness of [2, n]; with `heard` only of these stretches (s); -inf for silence.

    As `core.audio.loudness` measures a file, but for the weighting, which is laid over the spectrum of every
    100 ms: to within a tenth of a decibel the same.
    """
    steps = sound.shape[1] // _STEP
    spectra = np.fft.rfft(sound[:, : steps * _STEP].reshape(2, steps, _STEP), axis=2)
    squares = (np.square(np.abs(spectra)).sum(axis=0) @ _weights()).astype(np.float64)
    if heard is not None:
        squares = np.concatenate([squares[round(a * 10) : round(b * 10)] for a, b in heard] or [squares[:0]])
    if len(squares) < 4:
        return -np.inf
    return _gated(np.convolve(squares, np.full(4, 0.25), "valid"))


def limited(stems: tuple[Wave, ...], ceiling: float = 0.89) -> tuple[Wave, ...]:
    """Stems [2, n] turned down together, smoothly and by turns, where their sum would pass the ceiling."""
    count = stems[0].shape[1]
    rows = -(-count // _LIMIT_STEP)
    peaks = np.zeros(rows * _LIMIT_STEP, dtype=np.float32)
    np.max(np.abs(np.sum(stems, axis=0)), axis=0, out=peaks[:count])
    needed = np.minimum(1.0, ceiling / np.maximum(peaks.reshape(rows, _LIMIT_STEP).max(axis=1), 1e-9))
    if float(needed.min()) >= 1.0:
        return stems
    ahead = np.min([np.roll(np.pad(needed, 4, constant_values=1.0), k) for k in range(-4, 5)], axis=0)
    smooth = np.convolve(ahead, np.hanning(9)[1:-1] / np.hanning(9).sum(), "same")[4:-4]
    gain = np.interp(np.arange(count), (np.arange(rows) + 0.5) * _LIMIT_STEP, smooth).astype(np.float32)
    return tuple(wave(stem * gain) for stem in stems)


@lru_cache(maxsize=1)
def _weights() -> Wave:
    """What each squared frequency of 100 ms adds to the mean square, by the two filters of the standard."""
    back = np.exp(-2j * np.pi * np.arange(_STEP // 2 + 1) / _STEP)
    shelf = _ratio(
        (1.53512485958697, -2.69169618940638, 1.19839281085285),
        (1.0, -1.69065929318241, 0.73248077421585),
        back,
    )
    high = _ratio((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621), back)
    twice = np.full(len(back), 2.0)
    twice[[0, -1]] = 1.0
    return wave(np.square(shelf * high) * twice / _STEP**2)


def _ratio(above: tuple[float, ...], below: tuple[float, ...], back: npt.NDArray[np.complex128]) -> Track:
    return np.asarray(np.abs(np.polyval(above[::-1], back) / np.polyval(below[::-1], back)))


def _gated(power: Track) -> float:
    heard = power[power > 10 ** ((-70.0 - _OFFSET) / 10)]
    if not len(heard):
        return -np.inf
    gate = float(heard.mean()) * 0.1
    return _OFFSET + 10.0 * log10(float(heard[heard > gate].mean()))
