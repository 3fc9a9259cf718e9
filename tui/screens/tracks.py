"""What there is to hear of a take, measured once, and two takes that are compared; no screen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import log10
from pathlib import Path

from core.audio.loudness import Loudness, matched
from core.audio.loudness import of as loudness_of
from core.audio.peaks import Peaks, extended, measure
from core.audio.peaks import of as peaks_of
from core.audio.stems import sounds_of
from core.errors import SongdeskError
from tui.widgets.waveform import Marks

Marker = Callable[[float], Marks]
"""Tells where the sections of a take are from its length (s)."""
_NEAR = 2.0
"""Seconds into a section from which going back leads to its own start."""
_HERE = 0.05


@dataclass(frozen=True, slots=True)
class Track:
    """A take that can be heard."""

    take: str
    sounds: Mapping[str, Path]
    """Its files by stem; there is at least one."""
    outline: Peaks
    marks: Marks = ()
    grows: bool = False
    whole: float = 0.0
    """The length it will have, if more is still to come (s)."""
    loudness: Loudness | None = None

    @property
    def seconds(self) -> float:
        """What there is of it (s)."""
        return self.outline.seconds

    def file(self, stem: str) -> Path:
        """The sound of a stem; where it has none, of the first it has."""
        return self.sounds.get(stem) or next(iter(self.sounds.values()))


@dataclass(frozen=True, slots=True)
class Pair:
    """Two takes that are heard in turns, equally loud."""

    a: Track | None = None
    b: Track | None = None

    def letter(self, take: str) -> str:
        """A, B, or nothing."""
        return next((name.upper() for name, track in self._both if track and track.take == take), "")

    def marked(self, letter: str, track: Track) -> "Pair":
        """With a take under a letter, or without it if it was; a take has one letter."""
        kept = {name: other for name, other in self._both if other is None or other.take != track.take}
        if self.letter(track.take) != letter.upper():
            kept[letter] = track
        return Pair(kept.get("a"), kept.get("b"))

    def other(self, take: str) -> Track | None:
        """The one to hear next: B after A, else A."""
        return self.b if self.letter(take) == "A" else self.a

    def gain(self, take: str) -> float:
        """By how much a take is multiplied so that both are equally loud; 1 for the softer and any other."""
        return dict(zip("AB", self._gains, strict=True)).get(self.letter(take), 1.0)

    @property
    def words(self) -> str:
        """How they are made equally loud; empty unless both are there."""
        if self.a is None or self.b is None:
            return ""
        if self.a.loudness is None or self.b.loudness is None:
            return "A and B cannot be made equally loud: one of them is silent"
        down = [(name, -20 * log10(gain)) for name, gain in zip("AB", self._gains, strict=True)]
        name, decibels = max(down, key=lambda pair: pair[1])
        if decibels < 0.05:
            return "A and B are equally loud"
        return f"A and B are played equally loud: {name} is turned down by {decibels:.1f} dB"

    @property
    def _both(self) -> tuple[tuple[str, Track | None], ...]:
        return ("a", self.a), ("b", self.b)

    @property
    def _gains(self) -> tuple[float, float]:
        a, b = (track.loudness if track else None for _, track in self._both)
        return matched(a, b) if a is not None and b is not None else (1.0, 1.0)


def read_track(take: str, audio: Path) -> Track:
    """Measure a take for drawing. Reads the disk; raises SongdeskError when the sound cannot be read."""
    return Track(take, sounds_of(audio), outline_of(audio))


def read_growing(take: str, audio: Path, whole: float, before: Track | None = None) -> Track:
    """Measure as much as is there of a take that will be `whole` seconds long, and what came since `before`.

    Reads the disk; raises SongdeskError when the sound cannot be read.
    """
    known = before.outline if before is not None and before.take == take and before.grows else None
    return Track(take, sounds_of(audio), extended(audio, known), grows=True, whole=whole)


def outline_of(audio: Path) -> Peaks:
    """The outline of a sound, kept beside it where that can be written. Reads the disk."""
    try:
        return peaks_of(audio)
    except SongdeskError:
        return measure(audio)


def length_of(audio: Path) -> float:
    """Length of a sound (s). Reads the disk; raises SongdeskError when it cannot be read."""
    from core.audio.files import info

    return info(audio).seconds


def with_marks(track: Track, mark: Marker) -> Track:
    """With what tells its sections asked; may read the disk."""
    return replace(track, marks=mark(track.seconds))


def with_loudness(track: Track) -> Track:
    """The same with its loudness, which takes a second or so for a song, once. Reads the disk."""
    loudness = loudness_of(track.file("mix"))
    return replace(track, loudness=loudness if loudness.is_known else None)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a take by its name; times in seconds."""

    first: float
    last: float
    name: str


def stretch_at(marks: Marks, whole: float, place: float) -> Stretch | None:
    """The section at a place; None where none is known."""
    starts = [at for at, _ in marks]
    index = max((n for n, at in enumerate(starts) if at <= place + _HERE), default=None)
    if index is None:
        return None
    last = starts[index + 1] if index + 1 < len(starts) else whole
    return Stretch(starts[index], last, marks[index][1])


def start_near(marks: Marks, place: float, step: int) -> float | None:
    """Where the next section starts (s), or for -1 this one, or the one before when this has hardly begun."""
    starts = [0.0, *(at for at, _ in marks)]
    if step > 0:
        return next((at for at in starts if at > place + _HERE), None)
    return max((at for at in starts if at <= place - _NEAR), default=0.0)
