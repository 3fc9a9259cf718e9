"""A sung line as movements of a voice: pitch, formants, voicing and hiss, two hundred times a second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from corpus.song import Line, Syllable
from corpus.types import RATE, Track
from corpus.vowels import formants

HOP = 240
"""Samples from one frame to the next: 5 ms."""
_FRAMES = RATE / HOP
BEFORE = 0.35
"""Seconds before a line's first vowel: its consonants and the breath taken."""
AFTER = 0.3
HISSES = ("s", "x", "f", "h")
"""Kinds of noise."""
SECONDS: Mapping[str, float] = {
    "p": 0.075, "t": 0.075, "k": 0.08, "b": 0.055, "d": 0.05, "g": 0.055, "s": 0.10, "x": 0.10, "f": 0.075,
    "v": 0.06,
    "z": 0.075, "h": 0.065, "m": 0.065, "n": 0.06, "l": 0.06, "r": 0.06, "w": 0.065, "j": 0.06,
}  # fmt: skip
"""How long each consonant takes where there is room."""
_VOICING: Mapping[str, float] = {
    "b": 0.12, "d": 0.12, "g": 0.12, "v": 0.3, "z": 0.3, "m": 0.4, "n": 0.4, "l": 0.6, "r": 0.6, "w": 0.65,
    "j": 0.6,
}  # fmt: skip
"""How much of the voice is heard through a consonant; none through the others."""
_HISS: Mapping[str, tuple[str, float]] = {
    "s": ("s", 0.9), "x": ("x", 1.0), "f": ("f", 0.7), "h": ("h", 0.7), "v": ("f", 0.25), "z": ("s", 0.4),
    "p": ("f", 0.8), "t": ("s", 0.9), "k": ("x", 0.8), "b": ("f", 0.25), "d": ("s", 0.25), "g": ("x", 0.25),
}  # fmt: skip
_STOPS = "ptkbdg"
_BURST = 0.02
"""Seconds at a stop's end that are heard."""
_VIBRATO = (5.5, 32.0)
"""Hz and cents."""


@dataclass(slots=True)
class Movements:
    """Frames [n] of one line, the first at `start` seconds of the song."""

    start: float
    pitch: Track
    """MIDI, with vibrato and portamento."""
    voice: Track
    """Amplitude of the voice, 0 to about 1."""
    resonances: Track
    """Formants (Hz) [n, 5]."""
    hiss: Track
    """Amplitude of each kind of noise [n, 4]."""


def articulate(line: Line, *, rng: np.random.Generator, force: float) -> Movements:
    """How a line is sung; `force` is 1 for a verse and more for a chorus."""
    start = line.start - BEFORE
    count = int((line.end - start + AFTER) * _FRAMES)
    moves = Movements(start, np.zeros(count), np.zeros(count), np.zeros((count, 5)), np.zeros((count, 4)))
    _hold(moves, line)
    _speak(moves, line)
    moves.pitch = _smooth(moves.pitch, 0.075) + _ornaments(moves, line.syllables, rng)
    moves.voice = _smooth(moves.voice, 0.035) * force
    moves.resonances = np.stack([_smooth(track, 0.055) for track in moves.resonances.T], axis=1)
    moves.hiss = np.stack([_smooth(track, 0.02) for track in moves.hiss.T], axis=1) * force
    _breathe(moves)
    return moves


def _hold(moves: Movements, line: Line) -> None:
    """Pitches and vowels, each until the next one begins."""
    syllables = line.syllables
    for at, one in enumerate(syllables):
        first = 0 if at == 0 else _frame(moves, one.start - 0.02)
        last = _frame(moves, syllables[at + 1].start - 0.02) if at + 1 < len(syllables) else len(moves.pitch)
        moves.pitch[first:last] = one.pitch
        moves.resonances[first:last] = formants(one.sound.vowel, line.gender)
        if one.sound.glide:
            middle = max(one.start + 0.12, one.end - max(0.16, 0.3 * (one.end - one.start)))
            moves.resonances[_frame(moves, middle) : last] = formants(one.sound.glide, line.gender)
        moves.voice[_frame(moves, one.start) : _frame(moves, one.end)] = 1.0


def _speak(moves: Movements, line: Line) -> None:
    """Consonants, which take their time from the vowel before them."""
    syllables = line.syllables
    for at, one in enumerate(syllables):
        _utter(moves, one.sound.onset, one.start, line.gender, room=room_for(syllables, at))
        gap = syllables[at + 1].start - one.end if at + 1 < len(syllables) else 1.0
        if one.sound.coda and (one.end - one.start > 0.22 or gap > 0.1):
            onset = syllables[at + 1].sound.onset if at + 1 < len(syllables) and gap < 0.1 else ""
            lead = sum(SECONDS[c] for c in onset) * pace(onset, room_for(syllables, at + 1)) if onset else 0.0
            _utter(
                moves,
                one.sound.coda[:1],
                one.end - lead + 0.01,
                line.gender,
                room=0.4 * (one.end - one.start),
            )


def room_for(syllables: Sequence[Syllable], at: int) -> float:
    """Seconds that the consonants before a vowel may take: less than half of the vowel before."""
    if at == 0:
        return 0.2
    before = syllables[at - 1]
    return 0.45 * (before.end - before.start) + max(0.0, syllables[at].start - before.end)


def pace(consonants: str, room: float) -> float:
    """How much consonants are shortened to fit into `room` seconds: 1 where they have it."""
    return min(1.0, room / max(1e-6, sum(SECONDS[c] for c in consonants)))


def _utter(moves: Movements, consonants: str, until: float, gender: str, *, room: float) -> None:
    """Lay consonants one behind the other so that the last ends at `until`."""
    pressed = pace(consonants, room) if consonants else 1.0
    end = until
    for consonant in reversed(consonants):
        begin = end - SECONDS[consonant] * pressed
        first, last = _frame(moves, begin), max(_frame(moves, end), _frame(moves, begin) + 1)
        moves.voice[first:last] = _VOICING.get(consonant, 0.0)
        if consonant in _VOICING:
            moves.resonances[first:last] = formants(consonant, gender)
        if consonant in _HISS:
            kind, level = _HISS[consonant]
            heard = max(first, last - max(2, int(_BURST * _FRAMES))) if consonant in _STOPS else first
            moves.hiss[heard:last, HISSES.index(kind)] = level
        end = begin


def _ornaments(moves: Movements, syllables: Sequence[Syllable], rng: np.random.Generator) -> Track:
    """Semitones added to the notes: vibrato on long ones, a scoop into the first, a slow drift."""
    count = len(moves.pitch)
    seconds = np.arange(count) / _FRAMES + moves.start
    depth = np.zeros(count)
    for one in syllables:
        if one.end - one.start > 0.4:
            inside = (seconds >= one.start) & (seconds < one.end)
            depth[inside] = np.clip((seconds[inside] - one.start - 0.22) / 0.3, 0.0, 1.0)
    rate, cents = _VIBRATO
    wave = np.sin(2 * np.pi * rate * seconds + float(rng.uniform(0, 2 * np.pi)))
    drift = _smooth(rng.standard_normal(count), 0.25) * 0.35
    scoop = -0.9 * np.exp(-np.maximum(0.0, seconds - syllables[0].start + 0.03) / 0.05)
    return np.asarray(_smooth(depth, 0.1) * wave * (cents / 100.0) + drift + scoop)


def _breathe(moves: Movements) -> None:
    """A breath taken before the line."""
    count = min(len(moves.voice), int(0.2 * _FRAMES))
    moves.hiss[:count, HISSES.index("h")] += 0.10 * np.sin(np.pi * np.arange(count) / count)


def _frame(moves: Movements, seconds: float) -> int:
    return min(len(moves.pitch), max(0, round((seconds - moves.start) * _FRAMES)))


def _smooth(track: Track, seconds: float) -> Track:
    """Each value becomes the mean around it under half a cosine of that length."""
    width = max(1, int(seconds * _FRAMES)) | 1
    if width < 3:
        return track
    window = np.hanning(width + 2)[1:-1]
    ends = np.pad(track, width // 2, mode="edge")
    return np.asarray(np.convolve(ends, window / window.sum(), "valid"))
