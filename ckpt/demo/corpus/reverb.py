"""A simple room: two decaying noises of their own, convolved block by block."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from corpus.filters import band
from corpus.synth import noise
from corpus.types import RATE, Wave, wave

_SIZE = 1 << 17
_LENGTH = int(1.25 * RATE)
_DELAY = int(0.018 * RATE)


def room(send: Wave) -> Wave:
    """The stereo reverberation [2, n] of mono sound [n], cut at its end."""
    count = len(send)
    out = np.zeros((2, count + _SIZE), dtype=np.float32)
    step = _SIZE - _LENGTH
    for at in range(0, count, step):
        block = send[at : at + step]
        if not block.any():
            continue
        spectrum = np.fft.rfft(block, _SIZE)
        out[:, at : at + _SIZE] += np.fft.irfft(spectrum * _responses(), _SIZE)
    return out[:, :count]


@lru_cache(maxsize=1)
def _responses() -> npt.NDArray[np.complex64]:
    """Spectra of both ears' impulse responses, of unit energy each."""
    seconds = np.arange(_LENGTH - _DELAY) / RATE
    fall = np.exp(-seconds / 0.26) * np.minimum(1.0, seconds / 0.012)
    both = np.zeros((2, _LENGTH), dtype=np.float32)
    for ear in range(2):
        tail = band(wave(noise(len(seconds), f"room/{ear}") * fall), 180.0, 4200.0, order=1)
        both[ear, _DELAY:] = tail / float(np.sqrt(np.sum(np.square(tail))))
    return np.asarray(np.fft.rfft(both, _SIZE), dtype=np.complex64)
