"""One note of an instrument as sound, worked out once and kept."""

from functools import lru_cache

import numpy as np

from corpus.filters import band
from corpus.synth import decay, envelope, glide, harmonics, noise, read, ring, table
from corpus.theory import hertz
from corpus.timbres import HELD, LEVELS, STRUCK, Held, Struck
from corpus.types import RATE, Wave, wave

LENGTH = 4.2
"""Seconds of a note at most."""
_MIDDLE = 261.6
_VIBRATO = 5.4
"""Hz."""


@lru_cache(maxsize=384)
def note(timbre: str, pitch: int) -> Wave:
    """A note [4.2 s] at an RMS of about 0.1 over its first half second; whoever plays it ends it."""
    frequency = hertz(pitch)
    sound = _struck(STRUCK[timbre], frequency) if timbre in STRUCK else _held(HELD[timbre], frequency, timbre)
    level = float(np.sqrt(np.mean(np.square(sound[: RATE // 2])))) + 1e-9
    return wave(sound * (0.1 * LEVELS.get(timbre, 1.0) / level))


def release(timbre: str) -> float:
    """Seconds in which a note that is let go dies."""
    return HELD[timbre].release if timbre in HELD else 0.09


def _struck(how: Struck, frequency: float) -> Wave:
    order = np.arange(1, how.partials + 1, dtype=np.float64)
    if how.ratios:
        order = np.asarray(how.ratios, dtype=np.float64)
    frequencies = frequency * order * np.sqrt(1.0 + how.stretch * order**2)
    amplitudes = order**-how.tilt
    if how.pluck:
        amplitudes *= np.abs(np.sin(np.pi * how.pluck * order)) + 0.05
    lowest = how.decay * (_MIDDLE / frequency) ** 0.5
    decays = np.maximum(0.02, lowest / (1.0 + how.damping * (order - 1.0)))
    sound = ring(frequencies, amplitudes, decays, int(LENGTH * RATE))
    sound[:96] *= np.linspace(0.0, 1.0, 96, dtype=np.float32)
    if how.knock:
        count = RATE // 20
        tap = band(noise(count, "knock"), 300.0, 5000.0) * decay(count, 0.008)
        sound[:count] += tap * (how.knock * 4.0 * float(np.sum(amplitudes)) ** 0.5)
    return sound


def _held(how: Held, frequency: float, timbre: str) -> Wave:
    count = int(LENGTH * RATE)
    seconds = np.arange(count) / RATE
    grows = np.clip((seconds - 0.25) / 0.4, 0.0, 1.0) * how.vibrato
    cents = grows * np.sin(2 * np.pi * _VIBRATO * seconds)
    bright = harmonics(how.harmonics, frequency)
    soft = tuple(a / (1.0 + 0.6 * k) for k, a in enumerate(bright))
    opened = wave(1.0 - np.exp(-seconds / max(how.opening, 1e-3)))
    sound = np.zeros(count, dtype=np.float32)
    for at, cent in enumerate(how.voices):
        cycles = glide(frequency * 2.0 ** ((cents + cent) / 1200.0)) + 0.37 * at
        sound += read(table(bright, timbre), cycles) * opened + read(table(soft, timbre), cycles) * (
            1.0 - opened
        )
    if how.air:
        sound += band(noise(count, "air"), 1500.0, 7000.0) * (how.air * 2.0)
    if how.fading:
        sound *= decay(count, how.fading)
    return wave(sound * envelope(count, attack=how.attack))
