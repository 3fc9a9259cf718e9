"""What chords, lead and texture play: lists of notes in seconds, from a song's chords and sections."""

from collections.abc import Iterator
from dataclasses import dataclass

from corpus import groove
from corpus.form import BEATS, Block
from corpus.melody import tune
from corpus.song import Song
from corpus.theory import Chord, lowest, voicing
from corpus.timbres import STRUCK

LEVELS = {
    "intro": 0.72,
    "verse": 0.74,
    "chorus": 1.0,
    "bridge": 0.7,
    "inst": 0.95,
    "outro": 0.66,
    "silence": 0.0,
}
"""How loud the backing plays, by kind of section: what makes a chorus lift."""
_LOUD = ("chorus", "inst")
_CENTRES = {
    "flute": 77, "violin": 74, "bells": 80, "vibraphone": 72, "synth lead": 72, "clarinet": 67,
    "harmonica": 72,
    "trumpet": 68, "saxophone": 62, "electric guitar": 67, "piano": 74, "strings": 72,
}  # fmt: skip
"""The MIDI pitch around which a lead plays."""
_GAINS = {"chords": (0.62, 0.85), "lead": (0.6, 0.8), "texture": (0.32, 0.55)}
"""Levels of players nobody named, and of those that were."""
_POWER = ("distorted guitar",)


@dataclass(frozen=True, slots=True)
class Play:
    """One note or stroke to be played."""

    start: float
    """Seconds."""
    seconds: float
    pitch: int
    force: float


@dataclass(frozen=True, slots=True)
class Part:
    """One player's notes and place in the mix."""

    role: str
    timbre: str
    plays: tuple[Play, ...]
    gain: float
    pan: float
    """-1 left to 1 right."""
    send: float
    """Level into the reverb."""
    width: float = 0.0
    """Level of a late copy on the other side, as if somebody played it twice."""


def is_loud(block: Block) -> bool:
    """Whether a section is one of the strong ones."""
    return block.kind in _LOUD


def ensemble(song: Song) -> tuple[Part, ...]:
    """Everyone but drums and bass."""
    style, space = song.style, song.style.family.space
    chords = style.timbre("chords")
    if chords == "electric guitar" and style.family.name == "rock":
        chords = "distorted guitar"
    lead, texture = style.timbre("lead"), style.timbre("texture")
    gains = {role: _GAINS[role][style.is_named(role)] for role in _GAINS}
    twice = 0.6 if chords in ("distorted guitar", "acoustic guitar", "synth stab") else 0.25
    parts = [
        Part("chords", chords, tuple(_comp(song, chords)), gains["chords"], -0.25, space, twice),
        Part("lead", lead, tuple(_lead(song)), gains["lead"], 0.2, space * 1.3),
    ]
    if style.is_named("texture") or style.energy > 0.15:
        held = tuple(_texture(song, texture))
        parts.append(Part("texture", texture, held, gains["texture"], 0.4, space * 1.8, 0.8))
    for at, timbre in enumerate(style.extra()[:2]):
        place = (-0.5, 0.5)[at % 2]
        parts.append(Part("extra", timbre, tuple(_second(song, timbre)), 0.46, place, space))
    return tuple(part for part in parts if part.plays)


def bars(song: Song) -> Iterator[tuple[Block, Chord, bool]]:
    """Every bar that sounds: its section, its chord, and whether it is the song's last."""
    last = max((chord.start for chord in song.chords), default=0.0)
    for section in song.sections:
        block = section.block
        if block.kind == "silence":
            continue
        for chord in song.chords:
            if block.start * BEATS <= chord.start < (block.start + block.bars) * BEATS:
                yield block, chord, chord.start == last


def play(song: Song, beat: float, beats: float, pitch: int, force: float) -> Play:
    """A note by beats of the song."""
    bpm, swing = song.style.bpm, song.style.family.swing
    start = groove.seconds_at(beat, bpm=bpm, swing=swing)
    end = groove.seconds_at(beat + beats, bpm=bpm, swing=swing)
    return Play(start, end - start, pitch, force)


def _comp(song: Song, timbre: str) -> Iterator[Play]:
    """Chords struck in the family's rhythm, or broken."""
    for block, chord, is_last in bars(song):
        steps = song.style.family.comp[is_loud(block) or song.style.energy > 0.9]
        level = LEVELS[block.kind]
        if is_last:
            yield from _struck(song, chord, timbre, "x...............", level)
        elif steps == "arp":
            yield from _broken(song, chord, timbre, level)
        else:
            yield from _struck(song, chord, timbre, steps, level)


def _struck(song: Song, chord: Chord, timbre: str, steps: str, level: float) -> Iterator[Play]:
    pitches = _power(chord) if timbre in _POWER else voicing(chord.classes, 60)
    struck = list(groove.hits(steps))
    spread = 0.012 if timbre in ("acoustic guitar", "banjo", "harp") else 0.0
    for at, (beat, force) in enumerate(struck):
        until = struck[at + 1][0] if at + 1 < len(struck) else BEATS
        accent = force * level * (1.0 if beat else 1.12) / len(pitches) ** 0.5
        for order, pitch in enumerate(pitches):
            yield play(song, chord.start + beat + spread * order, (until - beat) * 0.96, pitch, accent)


def _broken(song: Song, chord: Chord, timbre: str, level: float) -> Iterator[Play]:
    """Eighths up and down over the root below."""
    low, *upper = (lowest(chord.classes[0], 43), *voicing(chord.classes[:3], 61))
    order = (low, upper[0], upper[1], upper[2], upper[1] + 12 * (upper[0] > 62), upper[2], upper[1], upper[0])
    held = 1.6 if timbre in STRUCK else 0.55
    for at, pitch in enumerate(order):
        yield play(song, chord.start + at / 2, held if at else 3.5, pitch, level * (0.95 if at == 0 else 0.7))


def _power(chord: Chord) -> tuple[int, ...]:
    root = lowest(chord.classes[0], 40)
    return (root, root + (chord.classes[2] - chord.classes[0]) % 12, root + 12)


def _lead(song: Song) -> Iterator[Play]:
    """A melody where nobody sings, and long notes under the voice for a lead that was named."""
    timbre = song.style.timbre("lead")
    centre = _CENTRES.get(timbre, 70)
    for section in song.sections:
        block = section.block
        if block.kind == "silence":
            continue
        if not section.sung:
            notes = tune(block, key=song.key, chords=song.chords, seed=song.seed, centre=centre)
            for note in notes:
                if note.start <= song.chords[-1].start:
                    yield play(song, note.start, note.beats * 0.95, note.pitch, LEVELS[block.kind] * 0.9)
        elif song.style.is_named("lead"):
            yield from _answers(song, block, centre)


def _answers(song: Song, block: Block, centre: int) -> Iterator[Play]:
    for own, chord, _ in bars(song):
        if own is block:
            pitches = voicing(chord.classes[:3], centre)
            level = 0.6 * LEVELS[block.kind]
            yield play(song, chord.start, 1.9, pitches[-1], level)
            yield play(song, chord.start + 2, 1.9, pitches[-2], level)


def _texture(song: Song, timbre: str) -> Iterator[Play]:
    """Held chords: always if they were asked for, else where the song is strong or turns away."""
    everywhere = song.style.is_named("texture") or song.style.family.name in ("ballad", "electronic")
    for block, chord, _ in bars(song):
        if everywhere or block.kind in ("chorus", "bridge", "inst"):
            for pitch in voicing(chord.classes, 66 if timbre != "brass" else 60):
                yield play(song, chord.start, BEATS, pitch, LEVELS[block.kind] / len(chord.classes) ** 0.5)


def _second(song: Song, timbre: str) -> Iterator[Play]:
    """Another instrument that was named: what dies away breaks the chords, what is held holds them."""
    for block, chord, _ in bars(song):
        if timbre in STRUCK:
            yield from _broken(song, chord, timbre, LEVELS[block.kind])
            continue
        for pitch in voicing(chord.classes[:3], _CENTRES.get(timbre, 67))[-2:]:
            yield play(song, chord.start, BEATS, pitch, LEVELS[block.kind] * 0.7)
