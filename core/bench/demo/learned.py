"""What judges songs, learned from songs of the corpus that no training uses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.atomic import replacing
from core.bench.demo.home import corpus_digest
from core.bench.demo.made import levelled, stretch
from corpus.families import FAMILIES
from corpus.heard import timbre
from corpus.heard.frames import log_mel, mono
from corpus.heard.mode import chroma
from corpus.heard.words import Ear, learn, shape
from corpus.render import Stems, render
from corpus.song import Song, compose
from corpus.types import Track, Wave

FIRST_SEED = 2_000_000
"""Of the songs that are learned from: neither training nor validation uses them."""
SONGS = 80
_VERSION = 1
LENGTHS = (20.0, 30.0, 40.0)
"""Seconds that they are about long."""
_THINNED = 3
"""Of the frames of held-out songs every third is kept."""
_MODES = ("major", "minor")
CLIP = 10.0
"""Seconds of a reference."""


@dataclass(frozen=True, slots=True)
class Learned:
    """Small judges, and the frames of songs that were held out."""

    frames: Track
    """Decibels [n, 40] of log-mel frames."""
    families: Ear
    """On `timbre.fingerprint` of a mix, by `centre`."""
    centre: Track
    """Mean and deviation of fingerprints [2, features]."""
    modes: Track
    """How strong each pitch class above the tonic is, by `major` and `minor` [2, 12]."""
    vowels: Ear
    """On the shapes of syllables less their song's mean."""
    weights: Track
    """What fingerprints are multiplied with before they are compared."""

    def family(self, fingerprint: Track) -> str:
        """The likeliest genre family of a mix."""
        return self.families.judge(((fingerprint - self.centre[0]) / self.centre[1])[None])[0]

    def mode(self, strength: Track) -> str:
        """The likelier mode of a chroma [12], whatever the tonic."""
        fit = [
            max(_alike(np.roll(profile, tonic), strength) for tonic in range(12)) for profile in self.modes
        ]
        return _MODES[int(np.argmax(fit))]


def mel_frames(sound: Wave) -> Track:
    """Decibels [n, 40] of a sound's frames at the loudness of the corpus."""
    return np.maximum(log_mel(mono(levelled(sound))), -70.0).astype(np.float64)


def syllable_shapes(vocal: Wave, times: Sequence[tuple[float, float]]) -> Track:
    """What tells the vowels of one song apart [m, 13], the colour that all share taken away."""
    rows = shape(vocal, times)
    return np.asarray(rows - rows.mean(axis=0))


def learned(
    folder: Path, *, tell: Callable[[str], None], songs: int = SONGS, lengths: tuple[float, ...] = LENGTHS
) -> Learned:
    """Judges of so many songs of about these lengths (s) in turn, kept in a folder for the next time."""
    about = "-".join(f"{length:g}" for length in lengths)
    kept = folder / f"learned-{songs}-{about}-{_VERSION}-{corpus_digest()}.npz"
    if (known := _load(kept)) is not None:
        return known
    lessons = []
    for at in range(songs):
        if at % 10 == 0:
            tell(f"learning from the corpus: song {at + 1} of {songs}")
        song = compose(FIRST_SEED + at, seconds=lengths[at % len(lengths)])
        lessons.append(_lesson(song, render(song), has_frames=at % 3 == 0))
    made = _judges(lessons)
    _save(kept, made)
    return made


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What one song teaches."""

    family: str
    fingerprint: Track
    mode: str
    chroma: Track
    """From the tonic up."""
    vowels: tuple[str, ...]
    shapes: Track
    ends: tuple[Track, Track]
    """The fingerprints of its beginning and of its end."""
    frames: Track


def _lesson(song: Song, stems: Stems, *, has_frames: bool) -> _Lesson:
    mix = stems.mix
    sung = [one for section in song.sections for line in section.lines for one in line.syllables]
    last = song.seconds - 1.2
    half = min(CLIP, last / 2)
    return _Lesson(
        family=song.style.family.name,
        fingerprint=timbre.fingerprint(mix),
        mode=song.key.mode,
        chroma=np.roll(chroma(mix), -song.key.tonic),
        vowels=tuple(one.sound.vowel for one in sung),
        shapes=syllable_shapes(stems.vocal, [(one.start, one.end) for one in sung]) if sung else _NOBODY,
        ends=(
            timbre.fingerprint(stretch(mix, 0.0, half)),
            timbre.fingerprint(stretch(mix, last - half, last)),
        ),
        frames=mel_frames(mix)[::_THINNED] if has_frames else np.zeros((0, 40)),
    )


_NOBODY = np.zeros((0, 13))


def _judges(lessons: Sequence[_Lesson]) -> Learned:
    prints = np.stack([lesson.fingerprint for lesson in lessons])
    centre = np.stack([prints.mean(axis=0), prints.std(axis=0) + 1e-6])
    by_mode = [
        [one.chroma for one in lessons if one.mode == mode] or [one.chroma for one in lessons]
        for mode in _MODES
    ]
    return Learned(
        frames=np.concatenate([lesson.frames for lesson in lessons]),
        families=_shrunk((prints - centre[0]) / centre[1], [lesson.family for lesson in lessons]),
        centre=centre,
        modes=np.stack([np.mean(profiles, axis=0) for profiles in by_mode]),
        vowels=learn(
            np.concatenate([lesson.shapes for lesson in lessons]),
            [vowel for lesson in lessons for vowel in lesson.vowels],
        ),
        weights=timbre.judge([lesson.ends for lesson in lessons]),
    )


def _shrunk(features: Track, labels: Sequence[str]) -> Ear:
    """A linear judge of few examples of many features: their common spread is half taken as round."""
    classes = tuple(name for name in FAMILIES if name in labels)
    named = np.array([classes.index(label) for label in labels])
    means = np.stack([features[named == at].mean(axis=0) for at in range(len(classes))])
    rest = features - means[named]
    spread = 0.5 * rest.T @ rest / len(rest) + 0.5 * np.eye(features.shape[1])
    weights = np.linalg.solve(spread, means.T)
    offset = -0.5 * np.sum(means.T * weights, axis=0)
    return Ear(classes, np.concatenate([weights, offset[None]], axis=0))


def _alike(one: Track, other: Track) -> float:
    return float(np.corrcoef(one, other)[0, 1])


def _save(path: Path, made: Learned) -> None:
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            frames=made.frames.astype(np.float32), centre=made.centre, modes=made.modes, weights=made.weights,
            families=made.families.weights, family_names=np.array(made.families.classes),
            vowels=made.vowels.weights, vowel_names=np.array(made.vowels.classes),
        )  # fmt: skip


def _load(path: Path) -> Learned | None:
    try:
        with np.load(path, allow_pickle=False) as kept:
            return Learned(
                frames=kept["frames"].astype(np.float64),
                families=Ear(tuple(map(str, kept["family_names"])), kept["families"]),
                centre=kept["centre"],
                modes=kept["modes"],
                vowels=Ear(tuple(map(str, kept["vowel_names"])), kept["vowels"]),
                weights=kept["weights"],
            )
    except (OSError, ValueError, KeyError):
        return None
