"""What drums and bass play."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from corpus import groove, players
from corpus.families import Groove
from corpus.form import Block
from corpus.players import LEVELS, Part, Play, bars, is_loud
from corpus.rng import stream
from corpus.song import Song
from corpus.theory import Chord, lowest

_LOWEST = 31
"""The MIDI pitch from which a bass plays: G1, 49 Hz."""
_CALM = ("light", "latin", "brushes", "soft")
"""Kits without crash and fills."""
_OPENING = ("hat", "ride", "shaker", "kick", "clave", "conga", "pedal")
"""Drums that play in an introduction and a bridge."""
_FILL = ((3.0, "snare", 0.8), (3.25, "tom", 0.7), (3.5, "tom", 0.85), (3.75, "tom", 1.0))


@dataclass(frozen=True, slots=True)
class Stroke:
    """One stroke on a drum."""

    start: float
    """Seconds."""
    drum: str
    force: float


def kit(song: Song) -> str:
    """Which drums a song is played on: a kit that was named gives way to the family's own of its kind."""
    named, own = song.style.timbre("drums"), song.style.family.kit
    return own if named == "acoustic" and own not in ("electronic", "boom", "light") else named


def strokes(song: Song) -> tuple[Stroke, ...]:
    """Every stroke of the song."""
    rng = stream(song.seed, "drums")
    drums = kit(song)
    found = []
    for block, chord, is_last in bars(song):
        for beat, drum, force in _bar(song, block, chord, drums, is_last=is_last):
            at = groove.seconds_at(chord.start + beat, bpm=song.style.bpm, swing=song.style.family.swing)
            late = float(rng.normal(0.0, 0.0015)) if drum not in ("kick", "clap") else 0.0
            found.append(Stroke(max(0.0, at + late), drum, force * float(rng.uniform(0.92, 1.06))))
    return tuple(found)


def bass(song: Song) -> Part:
    """The bass line."""
    timbre = song.style.timbre("bass")
    plays = []
    listed = list(bars(song))
    for at, (block, chord, is_last) in enumerate(listed):
        following = listed[at + 1][1] if at + 1 < len(listed) else chord
        line = _whole if is_last or block.kind == "bridge" else _LINES[song.style.family.line]
        level = 0.55 + 0.45 * LEVELS[block.kind]
        for beat, beats, pitch in line(chord, following, is_loud(block)):
            plays.append(players.play(song, chord.start + beat, beats, pitch, level))
    gain = 0.78 if song.style.is_named("bass") else 0.66
    return Part("bass", timbre, tuple(plays), gain, 0.0, 0.0)


def _bar(
    song: Song, block: Block, chord: Chord, drums: str, *, is_last: bool
) -> Iterator[tuple[float, str, float]]:
    """Strokes of one bar: beat, drum, force."""
    is_first = chord.start == block.start * 4
    ends = chord.start == (block.start + block.bars - 1) * 4
    level = 0.5 + 0.5 * LEVELS[block.kind] * (0.7 + 0.3 * song.style.energy)
    if is_first and is_loud(block) and drums not in _CALM:
        yield 0.0, "crash", 0.8 * level
    if is_last:
        yield 0.0, "kick", level
        return
    fills = ends and block.bars > 2 and block.kind not in ("intro", "outro") and drums not in _CALM
    for drum, steps in _pattern(song, block).items():
        for beat, force in groove.hits(steps):
            if not (fills and beat >= 3.0 and drum != "kick"):
                yield beat, drum, force * level
    if fills:
        for beat, drum, force in _FILL:
            yield beat, drum, force * level


def _pattern(song: Song, block: Block) -> Groove:
    family = song.style.family
    wild = is_loud(block) and song.style.energy > 0.3
    groove_of = family.chorus if wild or song.style.energy > 0.9 else family.verse
    if block.kind in ("intro", "bridge"):
        return {drum: steps for drum, steps in groove_of.items() if drum in _OPENING}
    return groove_of


Line = Callable[[Chord, Chord, bool], Iterator[tuple[float, float, int]]]


def _root(chord: Chord) -> int:
    return lowest(chord.classes[0], _LOWEST)


def _fifth(chord: Chord) -> int:
    root = _root(chord)
    return root + (chord.classes[2] - chord.classes[0]) % 12 - (12 if root > 37 else 0)


def _whole(chord: Chord, following: Chord, is_loud: bool) -> Iterator[tuple[float, float, int]]:  # noqa: ARG001
    yield 0.0, 3.8, _root(chord)


def _eighths(chord: Chord, following: Chord, is_loud: bool) -> Iterator[tuple[float, float, int]]:  # noqa: ARG001
    step = 0.5 if is_loud else 1.0
    for at in range(int(4 / step)):
        yield at * step, step * 0.9, _root(chord)


def _drive(chord: Chord, following: Chord, is_loud: bool) -> Iterator[tuple[float, float, int]]:  # noqa: ARG001
    for at in range(8):
        yield at / 2, 0.45, _root(chord) + (12 if at == 7 and is_loud else 0)


def _off(chord: Chord, following: Chord, is_loud: bool) -> Iterator[tuple[float, float, int]]:  # noqa: ARG001
    for at in range(4):
        yield at + 0.5, 0.4, _root(chord) + (12 if at == 3 and is_loud else 0)


def _walk(chord: Chord, following: Chord, is_loud: bool) -> Iterator[tuple[float, float, int]]:  # noqa: ARG001
    root, target = _root(chord), _root(following)
    third = root + (chord.classes[1] - chord.classes[0]) % 12
    fifth = root + (chord.classes[2] - chord.classes[0]) % 12
    for at, pitch in enumerate((root, third, fifth, target + (1 if target < fifth else -1))):
        yield float(at), 0.9, pitch


def _halves(chord: Chord, following: Chord, is_loud: bool) -> Iterator[tuple[float, float, int]]:
    yield 0.0, 1.9, _root(chord)
    yield 2.0, 1.4 if is_loud else 1.9, _fifth(chord)
    if is_loud:
        yield 3.5, 0.45, _root(following)


def _sub(chord: Chord, following: Chord, is_loud: bool) -> Iterator[tuple[float, float, int]]:  # noqa: ARG001
    yield 0.0, 2.3, _root(chord)
    yield 2.5, 1.4, _root(chord) + (12 if is_loud else 0)


def _fifths(chord: Chord, following: Chord, is_loud: bool) -> Iterator[tuple[float, float, int]]:  # noqa: ARG001
    yield 0.0, 1.8, _root(chord)
    yield 2.0, 1.8, _fifth(chord)


def _tumbao(chord: Chord, following: Chord, is_loud: bool) -> Iterator[tuple[float, float, int]]:  # noqa: ARG001
    yield 0.0, 1.3, _root(chord)
    yield 1.5, 1.3, _fifth(chord)
    yield 3.0, 0.9, _root(chord) + 12


_LINES: Mapping[str, Line] = {
    "eighths": _eighths,
    "drive": _drive,
    "off": _off,
    "walk": _walk,
    "halves": _halves,
    "sub": _sub,
    "fifths": _fifths,
    "tumbao": _tumbao,
}
"""By the names that families use."""

__all__ = ["Play", "Stroke", "bass", "kit", "strokes"]
