"""Where the resonances of a mouth lie: five formants by vowel, voiced consonant and gender."""

from collections.abc import Mapping

import numpy as np

from corpus.types import Track

_VOWELS: Mapping[str, tuple[float, float, float]] = {
    "a": (760, 1220, 2500),
    "e": (530, 1850, 2500),
    "i": (300, 2280, 3000),
    "o": (480, 820, 2420),
    "u": (320, 700, 2300),
    "y": (300, 1720, 2180),
    "E": (540, 1320, 2450),
}
"""Hz of a male voice, by the classes of `corpus.sounds`."""
_CONSONANTS: Mapping[str, tuple[float, float, float]] = {
    "m": (270, 1000, 2200),
    "n": (270, 1550, 2450),
    "l": (350, 1080, 2700),
    "r": (400, 1150, 1600),
    "w": (320, 680, 2250),
    "j": (290, 2200, 2950),
    "b": (250, 900, 2200),
    "d": (250, 1700, 2600),
    "g": (250, 1900, 2400),
    "v": (270, 1100, 2300),
    "z": (270, 1600, 2500),
}
_UPPER = (3250.0, 3900.0)
_FEMALE = 1.17
"""How much shorter a woman's vocal tract is."""
BANDWIDTHS: Track = np.array([75.0, 85.0, 120.0, 170.0, 240.0])
"""Hz; the first is wider in a high voice."""


def formants(sound: str, gender: str) -> Track:
    """Five frequencies (Hz) [5] of a vowel or a voiced consonant; of others those of the neutral vowel."""
    first = _VOWELS.get(sound) or _CONSONANTS.get(sound) or _VOWELS["E"]
    return np.asarray((*first, *_UPPER)) * (_FEMALE if gender == "female" else 1.0)
