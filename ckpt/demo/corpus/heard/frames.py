"""Sound as frames and their spectra, the ground of every measure."""

from functools import lru_cache

import numpy as np

from corpus.filters import shape
from corpus.types import RATE, Track, Wave, wave


def mono(sound: Wave) -> Wave:
    """The mean of the channels [n]."""
    return sound if sound.ndim == 1 else wave(sound.mean(axis=0))


def thinned(sound: Wave, by: int) -> Wave:
    """Mono sound at a rate divided by `by`, nothing folded."""
    corner = 0.42 * RATE / by
    return wave(shape(sound, lambda f: 1.0 / (1.0 + (f / corner) ** 24))[::by])


def frames(sound: Wave, length: int, hop: int) -> Wave:
    """Overlapping frames [m, length] of mono sound; at least one."""
    padded = np.pad(sound, (0, max(0, length - len(sound))))
    return wave(np.lib.stride_tricks.sliding_window_view(padded, length)[::hop])


def spectra(sound: Wave, length: int, hop: int) -> Wave:
    """Magnitudes [m, length // 2 + 1] under a Hann window, a full-scale sine being 1."""
    window = np.hanning(length).astype(np.float32)
    return wave(np.abs(np.fft.rfft(frames(sound, length, hop) * window, axis=1)) * (2.0 / window.sum()))


def log_mel(sound: Wave, *, bands: int = 40, hop: int = 480) -> Wave:
    """Decibels [m, bands] of mono sound at 48 kHz, 80 Hz to 12 kHz, by default a hundred times a second."""
    power = np.square(spectra(sound, 2048, hop)) @ _bank(bands).astype(np.float32)
    return wave(10.0 * np.log10(power + 1e-10))


@lru_cache(maxsize=4)
def _bank(bands: int) -> Track:
    """Triangles [1025, bands] on the mel scale."""

    def to_mel(f: float) -> float:
        return float(2595.0 * np.log10(1.0 + f / 700.0))

    edges = 700.0 * (10.0 ** (np.linspace(to_mel(80.0), to_mel(12_000.0), bands + 2) / 2595.0) - 1.0)
    f = np.arange(1025) * (RATE / 2048)
    up = (f[:, None] - edges[None, :-2]) / np.diff(edges)[:-1]
    down = (edges[None, 2:] - f[:, None]) / np.diff(edges)[1:]
    return np.maximum(0.0, np.minimum(up, down))
