"""Key and mode from how strong each pitch class is."""

import numpy as np

from corpus.heard.frames import mono, spectra, thinned
from corpus.types import RATE, Track, Wave

_THIN = 6
_LENGTH, _HOP = 4096, 1024
_PROFILES = {
    "major": np.array([1.0, 0.0, 0.45, 0.0, 0.75, 0.5, 0.0, 0.85, 0.0, 0.45, 0.0, 0.3]),
    "minor": np.array([1.0, 0.0, 0.35, 0.75, 0.0, 0.5, 0.0, 0.75, 0.45, 0.0, 0.5, 0.0]),
}
"""How strong each class is above the tonic, where chords begin and end on it."""


def chroma(sound: Wave) -> Track:
    """The strength of twelve pitch classes, C first, between 60 and 1000 Hz; they add up to 1."""
    heights = spectra(thinned(mono(sound), _THIN), _LENGTH, _HOP)
    f = np.arange(heights.shape[1]) * (RATE / _THIN / _LENGTH)
    inside = (f > 60.0) & (f < 1000.0)
    peaks = np.zeros_like(heights)
    middle = heights[:, 1:-1]
    peaks[:, 1:-1] = np.where((middle > heights[:, :-2]) & (middle > heights[:, 2:]), middle, 0.0)
    strength = np.sqrt(peaks[:, inside]).sum(axis=0)
    classes = np.round(12.0 * np.log2(f[inside] / 440.0)).astype(int) + 69
    found = np.bincount(classes % 12, weights=strength, minlength=12)
    return np.asarray(found / (found.sum() + 1e-12))


def key(sound: Wave) -> tuple[int, str]:
    """The likeliest tonic (C is 0) and mode."""
    found = chroma(sound)
    scores = {
        (tonic, mode): float(np.corrcoef(np.roll(profile, tonic), found)[0, 1])
        for mode, profile in _PROFILES.items()
        for tonic in range(12)
    }
    return max(scores, key=lambda known: scores[known])


def thirds(sound: Wave, tonic: int) -> float:
    """How much stronger the major third, sixth and seventh over a tonic are than the minor ones, -1 to 1."""
    found = np.roll(chroma(sound), -tonic)
    major, minor = found[[4, 9, 11]].sum(), found[[3, 8, 10]].sum()
    return float((major - minor) / (major + minor + 1e-12))
