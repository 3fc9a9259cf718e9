"""How instruments sound, as data: what is struck or plucked, and what is held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Struck:
    """A sound that dies away: partials with a tilt, stretched, each with a decay of its own."""

    partials: int
    tilt: float
    """The k-th partial has k^-tilt."""
    decay: float
    """Seconds of the lowest partial at middle C, to 1/e; halved two octaves up."""
    damping: float
    """How much faster the k-th dies: 1 + damping (k-1)."""
    stretch: float = 0.0
    """Inharmonicity B: f_k = k f √(1 + B k²)."""
    pluck: float = 0.0
    """Where the string is plucked, as a share of its length; 0 for no notches."""
    knock: float = 0.0
    """Level of the short noise it begins with."""
    ratios: tuple[float, ...] = ()
    """Partials that are no harmonics at all, as of bells and bars."""


@dataclass(frozen=True, slots=True)
class Held:
    """A sound that goes on: harmonics, opening and swelling, with vibrato, maybe several at once."""

    harmonics: tuple[float, ...]
    attack: float
    """Seconds."""
    release: float = 0.12
    vibrato: float = 0.0
    """Cents."""
    voices: tuple[float, ...] = (0.0,)
    """Detunings in cents of those who play at once."""
    opening: float = 0.15
    """Seconds until it is as bright as its harmonics say."""
    air: float = 0.0
    """Level of breath noise."""
    fading: float = 0.0
    """Seconds of decay to 1/e; 0 for none."""


def _saw(count: int, power: float = 1.0) -> tuple[float, ...]:
    return tuple((1.0 / np.arange(1, count + 1) ** power).tolist())


def _odd(count: int, power: float = 1.0, even: float = 0.05) -> tuple[float, ...]:
    return tuple((1.0 if k % 2 else even) / k**power for k in range(1, count + 1))


def _listed(first: Sequence[float], count: int, power: float) -> tuple[float, ...]:
    """Some harmonics one by one, the others falling from the last of them."""
    rest = [first[-1] * (len(first) / k) ** power for k in range(len(first) + 1, count + 1)]
    return (*first, *rest)


STRUCK: Mapping[str, Struck] = {
    "piano": Struck(24, 1.25, 1.3, 0.28, stretch=0.0004, pluck=0.125, knock=0.05),
    "electric piano": Struck(6, 2.2, 1.6, 0.9, ratios=(1, 2, 3, 7.1), knock=0.015),
    "acoustic guitar": Struck(28, 0.95, 0.8, 0.22, stretch=0.0001, pluck=0.21, knock=0.08),
    "electric guitar": Struck(20, 1.15, 1.4, 0.10, pluck=0.27, knock=0.02),
    "distorted guitar": Struck(20, 1.0, 2.4, 0.05, pluck=0.30, knock=0.02),
    "banjo": Struck(30, 0.7, 0.32, 0.12, stretch=0.0002, pluck=0.10, knock=0.12),
    "harp": Struck(16, 1.6, 1.1, 0.35, pluck=0.45, knock=0.02),
    "bells": Struck(6, 1.0, 1.4, 0.55, ratios=(1, 2.76, 5.4, 8.93), knock=0.01),
    "vibraphone": Struck(4, 1.7, 1.5, 0.8, ratios=(1, 4, 10.1), knock=0.01),
    "bass guitar": Struck(16, 1.25, 0.9, 0.30, pluck=0.22, knock=0.02),
    "upright bass": Struck(12, 1.7, 0.55, 0.45, pluck=0.33, knock=0.05),
}
HELD: Mapping[str, Held] = {
    "synth stab": Held(_saw(48), 0.004, 0.06, voices=(-7, 7), opening=0.01, fading=0.35),
    "synth lead": Held(_odd(40, 1.0, 0.5), 0.012, 0.08, vibrato=14, voices=(-5, 5), opening=0.05),
    "synth pad": Held(_saw(24, 1.5), 0.35, 0.5, voices=(-9, 0, 8), opening=0.9),
    "synth bass": Held(_odd(24, 1.0, 0.8), 0.006, 0.05, opening=0.004, fading=0.6),
    "808": Held((1.0, 0.25, 0.12, 0.05), 0.004, 0.08, opening=0.004, fading=1.3),
    "strings": Held(_saw(36, 1.1), 0.16, 0.30, vibrato=10, voices=(-8, -2, 6), opening=0.3),
    "violin": Held(_listed((1, 0.6, 0.75, 0.45, 0.5, 0.25), 32, 1.2), 0.08, 0.12, vibrato=28, opening=0.15),
    "brass": Held(
        _listed((0.7, 1, 0.9, 0.75, 0.6, 0.45), 28, 1.8), 0.06, 0.10, vibrato=6, voices=(-4, 5), opening=0.12
    ),
    "trumpet": Held(
        _listed((0.6, 0.9, 1, 0.9, 0.7, 0.6, 0.45), 28, 1.8), 0.035, 0.08, vibrato=12, opening=0.08
    ),
    "saxophone": Held(
        _listed((0.9, 1, 0.8, 0.35, 0.55, 0.3, 0.25), 26, 1.3), 0.045, 0.10, vibrato=18, air=0.015
    ),
    "flute": Held((1, 0.4, 0.15, 0.06, 0.03, 0.015), 0.07, 0.10, vibrato=20, opening=0.05, air=0.03),
    "clarinet": Held(_odd(18, 0.9, 0.06), 0.05, 0.10, vibrato=5, opening=0.08),
    "harmonica": Held(_odd(28, 0.7, 0.7), 0.04, 0.10, vibrato=16, voices=(-4, 4), air=0.008),
    "accordion": Held(_odd(30, 0.8, 0.6), 0.03, 0.08, voices=(-9, 0, 9), opening=0.03),
    "organ": Held((1, 0.9, 0.7, 0.5, 0.1, 0.35, 0, 0.3), 0.012, 0.06, vibrato=6, opening=0.004),
    "choir": Held(
        _listed((1, 0.9, 0.8, 0.5, 0.25, 0.12), 16, 2.5), 0.20, 0.35, vibrato=18, voices=(-7, 2, 9), air=0.01
    ),
}
LEVELS: Mapping[str, float] = {"808": 1.4, "synth stab": 0.8, "choir": 0.9, "bells": 0.7, "flute": 1.1}
"""Gains that make instruments about equally loud."""
