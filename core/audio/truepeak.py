"""How far the sound swings between its samples: the true peak, measured as in ITU-R BS.1770-4, annex 2."""

from typing import Final

import numpy as np
import numpy.typing as npt

_CHANNELS = 2
_FACTOR = 4
_TAPS = 24
_BETA = 7.0
"""Shape of the Kaiser window: flat to 0.01 dB up to 0.4 of the sample rate, 19 kHz of 48."""
_PIECE = 16_384
"""Frames measured at once: what a processor's cache holds."""

_Samples = npt.NDArray[np.float32]


class TruePeak:
    """The largest magnitude of a stereo sound at four times its sample rate, fed block by block.

    How the sound is cut into blocks changes no bit of the result. Between the finer places it may still swing
    higher: a tone by at most 0.2 dB up to a quarter of the sample rate, and by 0.5 dB up to 0.4 of it.
    """

    def __init__(self) -> None:
        self._past: _Samples = np.zeros((_CHANNELS, _TAPS - 1), np.float32)
        self._peak = 0.0

    def push(self, block: _Samples) -> None:
        """Append samples float32 [2, n]."""
        for start in range(0, block.shape[1], _PIECE):
            line = np.concatenate([self._past, block[:, start : start + _PIECE]], axis=1)
            self._peak = max(self._peak, _peak(line))
            self._past = line[:, 1 - _TAPS :].copy()

    @property
    def value(self) -> float:
        """The true peak, linear, if the sound ended here."""
        silence = np.zeros_like(self._past)
        return max(self._peak, _peak(np.concatenate([self._past, silence], axis=1)))


def _weights() -> _Samples:
    """What the samples around a gap weigh at ¼, ½ and ¾ of it: [3, taps], a windowed sinc; rows sum to 1."""
    places = np.arange(1, _FACTOR)[:, None] / _FACTOR
    distances = np.arange(_TAPS) - (_TAPS // 2 - 1) - places  # [3, taps], in samples
    window = np.i0(_BETA * np.sqrt(1 - (distances / (_TAPS / 2)) ** 2))
    weights = np.sinc(distances) * window
    weights /= weights.sum(axis=1, keepdims=True)
    # Mathematics libraries differ in the last place; on this grid every machine has the same weights.
    return (np.rint(weights * 2**22) / 2**22).astype(np.float32)


_WEIGHTS: Final = _weights()


def _peak(line: _Samples) -> float:
    """The true peak of [2, taps - 1 + n], one window of taps per place.

    Each place is summed tap by tap and never by a matrix product, whose rounding depends on n.
    """
    count = line.shape[1] - _TAPS + 1
    peak = float(np.abs(line).max())
    for weights in _WEIGHTS:
        between = line[:, :count] * weights[0]
        for tap in range(1, _TAPS):
            between += line[:, tap : tap + count] * weights[tap]
        peak = max(peak, float(np.abs(between).max()))
    return peak
