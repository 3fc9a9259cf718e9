"""Melodies: one note per syllable, from a motif that each kind of section has for itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from corpus.form import BEATS, Block, Verse
from corpus.rng import stream
from corpus.theory import Chord, Key, in_five

_CENTRES: Mapping[str, float] = {"male": 50.0, "female": 64.5}
"""The MIDI pitch around which a verse is sung: D3, and between E4 and F4."""
_LIFT: Mapping[str, float] = {"chorus": 3.5, "bridge": 1.5}
"""Semitones that other sections lie above the verse."""
RANGES: Mapping[str, tuple[int, int]] = {"male": (43, 60), "female": (57, 76)}
"""The lowest and the highest note of a voice: G2 to C4, A3 to E5."""
_REST = 1.0
"""Beats at the end of a line without a new note."""
_LONGEST = 3.0
"""Beats of a note inside a line."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note of a melody."""

    start: float
    """Beats from the song's beginning."""
    beats: float
    pitch: int


@dataclass(frozen=True, slots=True)
class Motif:
    """What lines of one kind of section have in common, per place of a line of eight bars at most."""

    weight: tuple[float, ...]
    """How readily a syllable falls on each sixteenth of two bars."""
    steps: tuple[tuple[int, ...], tuple[int, ...]]
    """Degrees above the section's centre, by eighth, for odd and even lines."""


def motif(seed: int, kind: str) -> Motif:
    """The motif of one kind of section of one song."""
    rng = stream(seed, f"motif/{kind}")
    beat = np.tile([3.0, 0.0, 1.4, 0.0], BEATS * 2)
    beat[:: 4 * BEATS] += 2.0
    free = rng.random(len(beat)) * (1.2 if kind == "chorus" else 2.2)
    weight = beat + np.where(np.arange(len(beat)) % 2 == 0, free, 0.3 * free)
    return Motif(tuple(weight.tolist()), (_walk(rng, kind), _walk(rng, kind)))


def sing(
    block: Block, *, key: Key, gender: str, chords: Sequence[Chord], seed: int, five_notes: bool
) -> tuple[tuple[Note, ...], ...]:
    """The notes of each line of a sung section."""
    own = motif(seed, block.kind)
    base = key.degree_near(_CENTRES[gender] + _LIFT.get(block.kind, 0.0))
    bar = block.start
    lines = []
    for order, line in enumerate(block.lines):
        places = _places(line, own)
        degrees = _degrees(places, own.steps[order % 2], key, base, chords, bar * BEATS)
        if five_notes:
            degrees = [in_five(degree, key.mode) for degree in degrees]
        is_end = order == len(block.lines) - 1
        degrees[-1] = _rest_on(degrees[-1], key, chords, (bar + line.bars) * BEATS - 1, to_tonic=is_end)
        pitches = [key.pitch(_within(degree, key, RANGES[gender])) for degree in degrees]
        lines.append(_timed(places, pitches, bar * BEATS, line.bars * BEATS))
        bar += line.bars
    return tuple(lines)


def tune(block: Block, *, key: Key, chords: Sequence[Chord], seed: int, centre: float) -> tuple[Note, ...]:
    """A melody without words for an instrumental section: the verse's motif in two-bar phrases."""
    own = motif(seed, "verse" if block.kind == "intro" else "chorus")
    base = key.degree_near(centre)
    notes: list[Note] = []
    for bar in range(block.start, block.start + block.bars, 2):
        bars = min(2, block.start + block.bars - bar)
        silent = Verse("", (), bars)
        places = _spread(silent, own, 4 * bars)
        steps = own.steps[(bar - block.start) // 2 % 2]
        degrees = _degrees(places, steps, key, base, chords, bar * BEATS)
        notes += _timed(places, [key.pitch(degree) for degree in degrees], bar * BEATS, bars * BEATS)
    return tuple(notes)


def _walk(rng: np.random.Generator, kind: str) -> tuple[int, ...]:
    """A contour that stays within a sixth."""
    low, high = (-3, 3) if kind == "verse" else (-2, 4)
    place = int(rng.integers(-1, 2)) if kind == "verse" else int(rng.integers(0, 3))
    steps = []
    for _ in range(BEATS * 4):
        steps.append(place)
        place += int(rng.choice([-2, -1, -1, 0, 1, 1, 2]))
        place = min(high, max(low, place))
    return tuple(steps)


def _places(line: Verse, own: Motif) -> list[float]:
    """Beats from the line's beginning at which its syllables fall, rising."""
    return _spread(line, own, len(line.sounds))


def _spread(line: Verse, own: Motif, count: int) -> list[float]:
    """The `count` readiest places of the line, in eighths or, if they are too few, in sixteenths.

    An equal share goes to each bar, so that a line is not sung in a rush.
    """
    length = line.bars * BEATS
    last = length - _REST
    grid = np.arange(0.0, last, 0.5)
    if count > len(grid):
        grid = np.arange(0.0, last, 0.25)
    if count > len(grid):
        return [float(beat) for beat in np.linspace(0.0, last, count, endpoint=False)]
    chosen: list[float] = []
    for part in range(line.bars):
        inside = grid[(grid >= part * BEATS) & (grid < (part + 1) * BEATS)]
        due = round(count * np.sum(grid < (part + 1) * BEATS) / len(grid)) - len(chosen)
        weight = np.array([own.weight[int(beat * 4) % len(own.weight)] for beat in inside])
        order = np.argsort(-weight, kind="stable")[: max(0, due)]
        chosen += [float(beat) for beat in np.sort(inside[order])]
    return chosen


def _degrees(
    places: Sequence[float], steps: Sequence[int], key: Key, base: int, chords: Sequence[Chord], start: float
) -> list[int]:
    """Degrees of notes at these beats: the contour, on strong beats drawn to the chord."""
    degrees = []
    for beat in places:
        degree = base + steps[int(beat * 2) % len(steps)]
        if beat % 2 < 0.25 or (beat % 1 < 0.25 and len(places) < 8):
            degree = _onto(degree, key, _at(chords, start + beat))
        degrees.append(degree)
    return degrees


def _rest_on(degree: int, key: Key, chords: Sequence[Chord], beat: float, *, to_tonic: bool) -> int:
    """Where a line comes to rest: on the tonic at a section's end, else on the chord."""
    if to_tonic:
        return 7 * round(degree / 7)
    return _onto(degree, key, _at(chords, beat))


def _onto(degree: int, key: Key, under: Chord) -> int:
    near = (degree, degree - 1, degree + 1, degree - 2)
    return next((known for known in near if key.pitch(known) % 12 in under.classes[:3]), degree)


def _at(chords: Sequence[Chord], beat: float) -> Chord:
    return next((chord for chord in reversed(chords) if chord.start <= beat + 1e-9), chords[0])


def _within(degree: int, key: Key, bounds: tuple[int, int]) -> int:
    """By thirds back into the voice's range, which keeps most chords and leaps less than an octave would."""
    low, high = bounds
    while key.pitch(degree) > high:
        degree -= 2
    while key.pitch(degree) < low:
        degree += 2
    return degree


def _timed(places: Sequence[float], pitches: Sequence[int], start: float, beats: float) -> tuple[Note, ...]:
    """Notes that last to the next one, the last to shortly before the line's end."""
    ends = [*places[1:], beats - 0.35]
    return tuple(
        Note(start + beat, min(end - beat, _LONGEST if at < len(places) - 1 else 4.0), pitch)
        for at, (beat, end, pitch) in enumerate(zip(places, ends, pitches, strict=True))
    )
