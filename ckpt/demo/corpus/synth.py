"""Oscillators that are worked out at once: decaying partials, wavetables, sweeps and envelopes."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from corpus.rng import stream
from corpus.types import RATE, Track, Wave, wave

_BLOCK = 256
_TABLE = 8192
CEILING = 14_000.0
"""Hz above which no partial is made."""


def ring(frequencies: Track, amplitudes: Track, decays: Track, count: int, *, phase: float = 0.0) -> Wave:
    """A sum of decaying sines [count]: Σ a sin(2πft + phase) e^(-t/d), frequencies in Hz, decays in seconds.

    As e^(p(256a + b)) = e^(256pa) e^(pb), all partials are one product of two small matrices.
    """
    audible = frequencies < CEILING
    poles = (2j * np.pi * frequencies[audible] - 1.0 / decays[audible]) / RATE  # [K]
    rows = -(-count // _BLOCK)
    coarse = np.exp(np.outer(np.arange(rows) * _BLOCK, poles)) * (amplitudes[audible] * np.exp(1j * phase))
    fine = np.exp(np.outer(poles, np.arange(_BLOCK)))
    summed = coarse.astype(np.complex64) @ fine.astype(np.complex64)  # [rows, 256]
    return wave(summed.imag.reshape(-1)[:count])


@lru_cache(maxsize=512)
def table(amplitudes: tuple[float, ...], key: str) -> Wave:
    """One cycle of these harmonics [8192] at a peak of about 1; the key decides their phases."""
    spectrum = np.zeros(_TABLE // 2 + 1, dtype=np.complex128)
    phases = stream(0, f"table/{key}").uniform(0, 2 * np.pi, len(amplitudes))
    spectrum[1 : len(amplitudes) + 1] = np.asarray(amplitudes) * np.exp(1j * phases)
    cycle = np.fft.irfft(spectrum) * _TABLE / 2
    return wave(cycle / np.sqrt(np.sum(np.square(amplitudes)) + 1e-12))


def read(cycle: Wave, cycles: Track) -> Wave:
    """A wavetable read at these phases, in cycles [n]."""
    return wave(cycle[(cycles * _TABLE).astype(np.int64) & (_TABLE - 1)])


def glide(frequencies: Track) -> Track:
    """The phase in cycles [n] of a frequency (Hz) that changes from sample to sample."""
    return np.asarray(np.cumsum(frequencies) / RATE)


def harmonics(amplitudes: Sequence[float], frequency: float) -> tuple[float, ...]:
    """Those of the harmonics that lie below the ceiling."""
    return tuple(amplitudes[: max(1, int(CEILING / frequency))])


def envelope(count: int, *, attack: float, release: float = 0.0) -> Wave:
    """A rise and a fall [count], both in seconds, by half a cosine."""
    shape = np.ones(count, dtype=np.float32)
    rise, fall = min(count, int(attack * RATE)), min(count, int(release * RATE))
    if rise:
        shape[:rise] = 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
    if fall:
        shape[-fall:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(fall) / fall, dtype=np.float32)
    return shape


def decay(count: int, seconds: float) -> Wave:
    """e^(-t/seconds) [count]."""
    return wave(np.exp(-np.arange(count) / (seconds * RATE)))


def noise(count: int, key: str) -> Wave:
    """White noise [count], the same for a key at all times."""
    return stream(0, f"noise/{key}").standard_normal(count, dtype=np.float32)
