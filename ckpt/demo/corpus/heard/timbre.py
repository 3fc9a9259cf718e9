"""The colour of a song's sound as numbers, how far two sets of sounds are apart, and how noisy one is."""

from collections.abc import Sequence

import numpy as np

from corpus.heard.frames import log_mel, mono, spectra
from corpus.heard.tempo import onsets
from corpus.types import Track, Wave

_FLOOR = -70.0
_LAGS = (12, 18, 25, 33, 40, 50, 60, 75, 100)
"""Hundredths of a second at which strokes may come back."""


def fingerprint(sound: Wave) -> Track:
    """Mean and spread of forty mel bands (dB) against the loudest, and the pulse of three of their groups."""
    levels = np.maximum(log_mel(mono(sound)), _FLOOR).astype(np.float64)
    heard = levels[levels.max(axis=1) > levels.max() - 45.0]
    rise = onsets(sound)
    alike = [np.sum(rise[:, lag:] * rise[:, :-lag], axis=1) for lag in _LAGS if lag < rise.shape[1]]
    pulse = np.concatenate(alike) / np.tile(np.sum(rise**2, axis=1) + 1e-9, len(alike))
    share = rise.mean(axis=1)
    return np.concatenate([heard.mean(axis=0) - heard.max(), heard.std(axis=0), pulse * 10.0, share])


def judge(pairs: Sequence[tuple[Track, Track]]) -> Track:
    """What to multiply fingerprints with before they are compared [n, n], from pairs of the same songs.

    It makes little of what differs within a song.
    """
    within = np.stack([one - other for one, other in pairs]) / np.sqrt(2.0)
    spread = within.T @ within / len(within)
    spread += np.diag(0.3 * np.diag(spread) + 1e-3)
    values, vectors = np.linalg.eigh(spread)
    return np.asarray((vectors / np.sqrt(values)) @ vectors.T)


def apart(one: Track, other: Track, weights: Track) -> float:
    """How far two fingerprints are apart, by the weights of `judge`."""
    return float(np.linalg.norm((one - other) @ weights))


def distance(one: Wave, other: Wave) -> float:
    """The Fréchet distance of two sounds' log-mel frames (dB), taken as Gaussian."""
    return frechet(*(np.maximum(log_mel(mono(sound)), _FLOOR).astype(np.float64) for sound in (one, other)))


def frechet(one: Track, other: Track) -> float:
    """|m₁ - m₂|² + tr(C₁ + C₂ - 2 (C₁ C₂)^½) of two sets of frames [n, bands] and [m, bands]."""
    first, second = np.cov(one.T), np.cov(other.T)
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ second @ root), 0.0)).sum()
    apart = float(np.sum((one.mean(axis=0) - other.mean(axis=0)) ** 2))
    return apart + float(np.trace(first) + np.trace(second) - 2.0 * cross)


def flatness(sound: Wave) -> float:
    """The median spectral flatness between 100 Hz and 8 kHz: 0 for tones, 0.56 for white noise."""
    power = np.square(spectra(mono(sound), 2048, 2048)[:, 4:340]).astype(np.float64) + 1e-12
    return float(np.median(np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)))
