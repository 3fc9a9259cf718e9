"""Drum sounds, each worked out once: sweeps, tuned skins, and noise kept narrow enough to be learned."""

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np

from corpus.filters import band
from corpus.synth import decay, envelope, glide, noise, read, ring, table
from corpus.types import RATE, Wave, wave

_KITS: Mapping[str, Mapping[str, float]] = {
    "acoustic": {"kick": 58, "snare": 190, "body": 0.9, "ring": 0.16},
    "rock": {"kick": 62, "snare": 175, "body": 1.1, "ring": 0.22},
    "electronic": {"kick": 48, "snare": 210, "body": 0.6, "ring": 0.12},
    "boom": {"kick": 52, "snare": 200, "body": 0.8, "ring": 0.13},
    "soft": {"kick": 55, "snare": 180, "body": 0.8, "ring": 0.12},
    "brushes": {"kick": 60, "snare": 170, "body": 0.3, "ring": 0.14},
    "light": {"kick": 70, "snare": 200, "body": 0.5, "ring": 0.10},
    "latin": {"kick": 64, "snare": 220, "body": 0.6, "ring": 0.10},
}
LEVELS: Mapping[str, float] = {
    "kick": 0.72, "snare": 0.66, "clap": 0.55, "rim": 0.4, "hat": 0.22, "open": 0.26, "pedal": 0.25,
    "ride": 0.26,
    "brush": 0.3, "shaker": 0.24, "tambourine": 0.3, "conga": 0.5, "clave": 0.35, "crash": 0.34, "tom": 0.7,
}  # fmt: skip
"""Peak of a normal stroke."""
PANS: Mapping[str, float] = {
    "hat": 0.25, "open": 0.25, "pedal": 0.25, "ride": -0.3, "shaker": -0.35, "tambourine": 0.4, "conga": 0.3,
    "clave": -0.4, "crash": -0.25, "rim": 0.1, "clap": 0.05, "tom": -0.15,
}  # fmt: skip
"""Places between left (-1) and right (1)."""
_METAL = (2.0, 2.93, 3.46, 4.18, 5.43, 6.79)


@lru_cache(maxsize=128)
def stroke(kit: str, drum: str) -> Wave:
    """One stroke at the peak that `LEVELS` says."""
    facts = _KITS[kit]
    makers: dict[str, Callable[[], Wave]] = {
        "kick": lambda: _kick(facts["kick"], long=kit in ("electronic", "boom")),
        "snare": lambda: _snare(facts["snare"], facts["body"], facts["ring"]),
        "clap": _clap,
        "rim": lambda: _tuned((1700.0, 2500.0), (0.012, 0.008)),
        "hat": lambda: _cymbal(0.035, 5500.0),
        "pedal": lambda: _cymbal(0.05, 4500.0),
        "open": lambda: _cymbal(0.16, 5000.0),
        "ride": lambda: _cymbal(0.32, 3500.0),
        "crash": lambda: _cymbal(0.7, 2800.0),
        "brush": lambda: _hiss(0.07, 1200.0, 5000.0, 0.02),
        "shaker": lambda: _hiss(0.035, 4500.0, 9000.0, 0.012),
        "tambourine": lambda: _cymbal(0.09, 6000.0),
        "conga": lambda: _tuned((230.0, 345.0, 520.0), (0.14, 0.07, 0.04)),
        "clave": lambda: _tuned((1250.0, 2500.0), (0.05, 0.02)),
        "tom": lambda: _tuned((110.0, 176.0, 250.0), (0.22, 0.12, 0.06)),
    }
    made = makers[drum]()
    return wave(made * (LEVELS[drum] / float(np.max(np.abs(made)))))


def _kick(frequency: float, *, long: bool) -> Wave:
    count = int(0.42 * RATE)
    seconds = np.arange(count) / RATE
    cycles = glide(frequency * (1.0 + 3.2 * np.exp(-seconds / 0.022)))
    body = np.sin(2 * np.pi * cycles) * np.exp(-seconds / (0.17 if long else 0.11))
    click = band(noise(count, "click"), 1500.0, 5000.0) * decay(count, 0.004)
    return wave((body + 0.18 * click) * envelope(count, attack=0.001, release=0.05))


def _snare(frequency: float, body: float, ring_time: float) -> Wave:
    count = int(0.35 * RATE)
    skin = ring(
        np.array([frequency, frequency * 1.75, frequency * 2.4]),
        np.array([1.0, 0.6, 0.3]),
        np.full(3, 0.07),
        count,
    )
    wires = band(noise(count, "wires"), 1200.0, 7000.0) * decay(count, ring_time * 0.45)
    return wave((skin * body + wires * 0.8) * envelope(count, attack=0.001, release=0.05))


def _clap() -> Wave:
    count = int(0.3 * RATE)
    sound = np.zeros(count, dtype=np.float32)
    hiss = band(noise(count, "clap"), 900.0, 4500.0)
    for late, length in ((0.0, 0.006), (0.011, 0.006), (0.022, 0.055)):
        at = int(late * RATE)
        sound[at:] += hiss[: count - at] * decay(count - at, length)
    return sound


def _cymbal(seconds: float, low: float) -> Wave:
    """Six square waves that fit no scale, and a little noise."""
    count = int(min(1.8, seconds * 5.0) * RATE)
    cycle = table(tuple(1.0 / k if k % 2 else 0.0 for k in range(1, 16)), "metal")
    at = np.arange(count) / RATE
    metal = np.sum([read(cycle, at * (ratio * 320.0) + 0.13 * ratio) for ratio in _METAL], axis=0)
    sound = band(wave(metal + 0.7 * noise(count, "cymbal")), low, 11_000.0, order=3)
    return wave(sound * decay(count, seconds) * envelope(count, attack=0.001, release=0.02))


def _hiss(seconds: float, low: float, high: float, attack: float) -> Wave:
    count = int(seconds * 5.0 * RATE)
    return wave(
        band(noise(count, "hiss"), low, high)
        * decay(count, seconds)
        * envelope(count, attack=attack, release=0.01)
    )


def _tuned(frequencies: tuple[float, ...], decays: tuple[float, ...]) -> Wave:
    count = int(max(decays) * 5.0 * RATE)
    amplitudes = np.array([0.7**k for k in range(len(frequencies))])
    sound = ring(np.array(frequencies), amplitudes, np.array(decays), count)
    return wave(sound * envelope(count, attack=0.001, release=0.01))
