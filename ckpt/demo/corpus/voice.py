"""A singing voice by source and filter: every glottal pulse rings through the mouth as it stands just then.

The response of five resonances and three real poles to one pulse is a sum of decaying exponentials whose
amplitudes are the residues of H(s) = s Π (s - z) / Π (s - p), so all pulses of a line are worked out at once:
h(t) = Σ Re(c R e^(pt)) with c = 2 for a resonance, of which the conjugate is left out. The zeros z stand for
the resonances above the fifth, which lift those below. Pulses are laid over each other where they fall,
between samples too.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from corpus.articulation import HISSES, HOP, Movements
from corpus.filters import band
from corpus.synth import noise
from corpus.types import RATE, Track, Wave, wave
from corpus.vowels import BANDWIDTHS

_COARSE, _FINE = 30, 32
_GRAIN = _COARSE * _FINE
"""Samples that a pulse rings: 20 ms."""
_JITTER = 0.004
"""How unevenly pulses follow each other, as a share of their distance."""
_SHIMMER = 0.05
_LIFT = (900.0, 2000.0, 2800.0)
"""Hz from which each zero lifts by 6 dB an octave."""
_TILT = (2200.0, 4000.0)
"""Hz from which the source falls twice as steeply: sung softly, and what force adds."""
_HISS_BANDS = {"s": (4800.0, 9500.0), "x": (2200.0, 5600.0), "f": (1200.0, 8000.0), "h": (700.0, 3800.0)}
_HISS_LEVELS = {"s": 0.10, "x": 0.11, "f": 0.05, "h": 0.06}
_BREATH = 0.004
_LEVEL = 0.16

Complexes = npt.NDArray[np.complex128]


def sing(moves: Movements, *, rng: np.random.Generator, force: float) -> Wave:
    """One line as mono sound, its first sample at `moves.start`."""
    count = len(moves.pitch) * HOP
    sound = np.zeros(count + 2 * _GRAIN, dtype=np.float32)
    at = _pulses(moves, rng)
    if len(at):
        level = np.interp(at, np.arange(len(moves.voice)) * HOP, moves.voice)
        loud = level > 0.004
        _lay(sound, at[loud], _grains(moves, at[loud], force), level[loud] * _shimmer(rng, int(loud.sum())))
    return wave(sound[:count] * _LEVEL + _noises(moves, rng, count))


def _pulses(moves: Movements, rng: np.random.Generator) -> Track:
    """The places of the pulses in samples, between which the pitch makes one cycle each."""
    frequency = 440.0 * 2.0 ** ((moves.pitch - 69.0) / 12.0)
    cycles = np.concatenate([[0.0], np.cumsum(frequency) * HOP / RATE])
    whole = np.arange(1.0, np.floor(cycles[-1]))
    at = np.interp(whole, cycles, np.arange(len(cycles)) * HOP)
    gaps = np.diff(at, prepend=0.0)
    return np.asarray(np.sort(np.maximum(0.0, at + gaps * _JITTER * rng.standard_normal(len(at)))))


def _shimmer(rng: np.random.Generator, count: int) -> Track:
    return np.asarray(1.0 + _SHIMMER * rng.standard_normal(count))


def _grains(moves: Movements, at: Track, force: float) -> Wave:
    """The response to each pulse [P, 960], all equally strong."""
    frames = np.arange(len(moves.pitch)) * float(HOP)
    pitch = 440.0 * 2.0 ** ((np.interp(at, frames, moves.pitch) - 69.0) / 12.0)
    resonances = np.stack([np.interp(at, frames, track) for track in moves.resonances.T], axis=1)
    # No singer lets the first resonance fall below the note: it would be a voice without its loudest partial.
    resonances[:, 0] = np.maximum(resonances[:, 0], 1.02 * pitch)
    poles, residues = _filter(resonances, pitch, force)
    late = (np.ceil(at) - at)[:, None]
    residues = residues * np.exp(poles * (late / RATE))
    coarse = residues[:, None, :] * np.exp(poles[:, None, :] * (np.arange(_COARSE)[:, None] * (_FINE / RATE)))
    fine = np.exp(poles[:, :, None] * (np.arange(_FINE) / RATE))
    grains = (coarse.astype(np.complex64) @ fine.astype(np.complex64)).real.reshape(len(at), _GRAIN)
    grains[:, -192:] *= np.linspace(1.0, 0.0, 192, dtype=np.float32)
    energy = np.sqrt(np.sum(np.square(grains), axis=1, keepdims=True)) + 1e-9
    return wave(grains / energy * np.sqrt(RATE / pitch)[:, None].astype(np.float32))


def _filter(resonances: Track, pitch: Track, force: float) -> tuple[Complexes, Complexes]:
    """Poles (rad/s) and residues of the source and five resonances [P, 8]."""
    wide = BANDWIDTHS + np.concatenate([0.10 * pitch[:, None], np.zeros((len(pitch), 4))], axis=1)
    upper = -np.pi * wide + 2j * np.pi * resonances  # [P, 5]
    tilt = np.full_like(pitch, _TILT[0] + _TILT[1] * max(0.0, force - 0.6))
    real = -2.0 * np.pi * np.stack([0.8 * pitch + 40.0, 1.3 * pitch + 90.0, tilt], axis=1)
    kept = np.concatenate([upper, real], axis=1) / 1e3  # [P, 8]; thousands keep products of 13 near one
    every = np.concatenate([upper, upper.conj(), real], axis=1) / 1e3  # [P, 13]
    distance = kept[:, :, None] - every[:, None, :]  # [P, 8, 13]
    own = [*range(5), 10, 11, 12]
    distance[:, np.arange(8), own] = 1.0
    twice = np.array([2.0] * 5 + [1.0] * 3)
    lift = np.prod([kept + 2e-3 * np.pi * zero for zero in _LIFT], axis=0)
    residues = twice * kept * lift / np.prod(distance, axis=2)
    return np.asarray(kept * 1e3, dtype=np.complex128), np.asarray(residues, dtype=np.complex128)


def _lay(sound: Wave, at: Track, grains: Wave, level: Track) -> None:
    """Add every grain where its pulse falls."""
    grains = grains * level[:, None].astype(np.float32)
    for place, grain in zip(np.ceil(at).astype(int).tolist(), grains, strict=True):
        sound[place : place + _GRAIN] += grain


def _noises(moves: Movements, rng: np.random.Generator, count: int) -> Wave:
    """Hisses of consonants, and the breath in the voice."""
    total = np.zeros(count, dtype=np.float32)
    places, frames = np.arange(count), np.arange(len(moves.voice)) * HOP
    tracks = dict(zip(HISSES, moves.hiss.T, strict=True))
    for kind, track in tracks.items():
        level = track * _HISS_LEVELS[kind] + (moves.voice * _BREATH if kind == "h" else 0.0)
        if level.max() > 1e-4:
            total += _hiss(kind, count, int(rng.integers(RATE))) * np.interp(places, frames, level).astype(
                np.float32
            )
    return total


def _hiss(kind: str, count: int, offset: int) -> Wave:
    bank = _bank(kind)
    return (
        np.resize(np.roll(bank, -offset), count)
        if count + offset > len(bank)
        else bank[offset : offset + count]
    )


@lru_cache(maxsize=8)
def _bank(kind: str) -> Wave:
    """Twelve seconds of one kind of noise at an RMS of 1."""
    low, high = _HISS_BANDS[kind]
    sound = band(noise(12 * RATE, f"hiss/{kind}"), low, high)
    return wave(sound / np.sqrt(np.mean(np.square(sound))))
