"""A song's facts to its sound: two stems whose sum is the mix."""

from dataclasses import dataclass

import numpy as np

from corpus import articulation, mix, rhythm, voice
from corpus.players import ensemble
from corpus.rng import stream
from corpus.song import Line, Section, Song
from corpus.types import RATE, Wave, wave

_FORCES = {"chorus": 1.15, "bridge": 0.85}
"""How strongly a section is sung; others at 1 less a little."""
_VERSE = 0.82


@dataclass(frozen=True, slots=True)
class Stems:
    """Stereo sound [2, n] at 48 kHz."""

    vocal: Wave
    backing: Wave

    @property
    def mix(self) -> Wave:
        """Both together."""
        return wave(self.vocal + self.backing)


def render(song: Song) -> Stems:
    """Play and sing a song; the same song gives the same samples."""
    count = round(song.seconds * RATE)
    parts = (rhythm.bass(song), *ensemble(song))
    gain = 0.62 * (1.2 if song.style.is_named("drums") else 1.0) * (0.75 + 0.25 * song.style.energy)
    rest = mix.backing(
        parts,
        rhythm.strokes(song),
        kit=rhythm.kit(song),
        count=count,
        drum_gain=gain,
        pumps=song.style.family.pumps,
    )
    sung = [
        _line(song, section, at, line) for section in song.sections for at, line in enumerate(section.lines)
    ]
    heard = tuple((line.start, line.end) for section in song.sections for line in section.lines)
    return Stems(*mix.mastered(mix.vocal(sung, count), rest, heard))


def _line(song: Song, section: Section, order: int, line: Line) -> tuple[float, Wave, bool]:
    """One sung line: when it begins (s), its sound, and whether it is doubled."""
    rng = stream(song.seed, f"voice/{section.start:.3f}/{order}")
    force = _FORCES.get(section.block.kind, _VERSE)
    moves = articulation.articulate(line, rng=rng, force=force)
    return moves.start, voice.sing(moves, rng=rng, force=force), section.block.kind == "chorus"


def levels(sound: Wave, step: float = 0.1) -> Wave:
    """The RMS of [2, n] over each `step` seconds."""
    size = int(step * RATE)
    whole = sound[:, : sound.shape[1] // size * size]
    return wave(np.sqrt(np.mean(np.square(whole).reshape(2, -1, size), axis=(0, 2))))
