"""Keys, scales, chords and progressions: pitches are MIDI numbers, scale degrees count from 0."""

from dataclasses import dataclass

NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
"""Semitones above the tonic; minor is the natural one, whose third, sixth and seventh all tell it."""
_PENTATONIC = {"major": (0, 1, 2, 4, 5), "minor": (0, 2, 3, 4, 6)}
"""Degrees that a five-note melody keeps to."""
PROGRESSIONS = {
    "major": ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 0, 4), (0, 3, 5, 4), (0, 2, 3, 4), (0, 4, 3, 0)),
    "minor": ((0, 5, 3, 6), (0, 6, 5, 6), (0, 3, 6, 0), (0, 3, 0, 4), (0, 5, 6, 0), (0, 6, 3, 4)),
}
"""Four chords by degree that go round; each begins on the tonic, which is what tells the mode."""
JAZZ = {
    "major": ((0, 5, 1, 4), (1, 4, 0, 5), (0, 3, 1, 4)),
    "minor": ((0, 3, 6, 0), (0, 5, 1, 4), (0, 3, 1, 4)),
}
"""The same for chords of four notes."""


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic (pitch class, C is 0) and a mode."""

    tonic: int
    mode: str

    @property
    def name(self) -> str:
        """Such as `Eb minor`."""
        return f"{NAMES[self.tonic]} {self.mode}"

    def pitch(self, degree: int) -> int:
        """The MIDI number of a degree, degree 0 being the tonic between 0 and 11."""
        octave, step = divmod(degree, 7)
        return self.tonic + 12 * octave + SCALES[self.mode][step]

    def degree_near(self, pitch: float) -> int:
        """The degree whose pitch is nearest."""
        middle = round((pitch - self.tonic) / 12 * 7)
        return min(range(middle - 3, middle + 4), key=lambda degree: abs(self.pitch(degree) - pitch))


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord and where it sounds."""

    start: float
    """Beats from the song's beginning."""
    beats: float
    root: int
    """Degree of the scale, 0 to 6."""
    classes: tuple[int, ...]
    """Pitch classes, the root first, in thirds."""


def chord(key: Key, root: int, *, size: int, start: float, beats: float) -> Chord:
    """Thirds of the scale stacked on a degree."""
    classes = tuple(key.pitch(root + 2 * third) % 12 for third in range(size))
    return Chord(start, beats, root, classes)


def voicing(classes: tuple[int, ...], centre: int) -> tuple[int, ...]:
    """The chord's notes in the octave around `centre`, rising: neighbours move as little as they can."""
    low = centre - 6
    return tuple(sorted(low + (pitch_class - low) % 12 for pitch_class in classes))


def lowest(pitch_class: int, floor: int) -> int:
    """The first pitch of that class from `floor` on."""
    return floor + (pitch_class - floor) % 12


def in_five(degree: int, mode: str) -> int:
    """The nearest degree at or below that a five-note scale has."""
    octave, step = divmod(degree, 7)
    return octave * 7 + max(known for known in _PENTATONIC[mode] if known <= step)


def hertz(pitch: float) -> float:
    """The frequency (Hz) of a MIDI pitch, A4 = 440 Hz."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))
