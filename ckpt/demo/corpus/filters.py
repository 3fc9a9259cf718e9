"""Filters through the spectrum of the whole sound: any magnitude, no phase, no loop over samples."""

from collections.abc import Callable

import numpy as np

from corpus.types import RATE, Track, Wave, wave

_RADICES = (2, 3, 5)


def good_length(least: int) -> int:
    """A length from `least` on that a fast transform likes: small factors only."""
    power = 1 << max(0, (least - 1).bit_length() - 4)
    while True:
        rest = -(-least // power)
        for radix in _RADICES:
            while rest % radix == 0:
                rest //= radix
        if rest == 1:
            return -(-least // power) * power
        least = (-(-least // power) + 1) * power


def shape(sound: Wave, gain: Callable[[Track], Track], *, tail: int = 2400) -> Wave:
    """Sound [..., n] with each frequency (Hz) multiplied by `gain`; `tail` samples keep the ends apart."""
    count = sound.shape[-1]
    size = good_length(count + tail)
    spectrum = np.fft.rfft(sound, size)
    spectrum *= gain(np.arange(size // 2 + 1, dtype=np.float64) * (RATE / size)).astype(np.float32)
    return wave(np.fft.irfft(spectrum, size)[..., :count])


def band(sound: Wave, low: float, high: float, *, order: int = 2) -> Wave:
    """Only what lies between two frequencies (Hz), with slopes of `order` times 6 dB an octave."""
    return shape(sound, lambda f: high_pass(f, low, order) * low_pass(f, high, order))


def low_pass(frequencies: Track, corner: float, order: int = 2) -> Track:
    """Butterworth magnitudes (1 in the pass band)."""
    return np.asarray(1.0 / np.sqrt(1.0 + (frequencies / corner) ** (2 * order)))


def high_pass(frequencies: Track, corner: float, order: int = 2) -> Track:
    """Butterworth magnitudes; nothing at 0 Hz."""
    ratio = (np.asarray(frequencies) / max(corner, 1e-6)) ** (2 * order)
    return np.asarray(np.sqrt(ratio / (1.0 + ratio)))


def peak(frequencies: Track, centre: float, decibels: float, octaves: float = 1.0) -> Track:
    """A bell of some decibels around a frequency."""
    distance = np.log2(np.maximum(frequencies, 1.0) / centre) / octaves
    return np.asarray(10.0 ** (decibels / 20.0 * np.exp(-(distance**2) * 2.0)))
