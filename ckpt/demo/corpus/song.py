"""A whole song as facts: from a seed, or lyrics and a description, to everything that sounds and when."""

from collections.abc import Sequence
from dataclasses import dataclass

from corpus import form, groove, tags
from corpus.form import BEATS, TAIL, Block
from corpus.melody import Note, sing
from corpus.rng import stream
from corpus.sounds import Sound
from corpus.tags import Style
from corpus.theory import JAZZ, PROGRESSIONS, Chord, Key, chord, hertz


@dataclass(frozen=True, slots=True)
class Syllable:
    """One sung syllable."""

    sound: Sound
    start: float
    """Seconds at which its vowel begins."""
    end: float
    pitch: int
    """MIDI."""

    @property
    def f0(self) -> float:
        """The frequency that is aimed at (Hz)."""
        return hertz(self.pitch)


@dataclass(frozen=True, slots=True)
class Line:
    """One sung line."""

    text: str
    gender: str
    """Who sings it: female or male, also where the song is mixed."""
    start: float
    end: float
    """Seconds; the breath after the last syllable is not counted."""
    syllables: tuple[Syllable, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One section in seconds."""

    tag: str
    start: float
    end: float
    lines: tuple[Line, ...]
    block: Block

    @property
    def sung(self) -> bool:
        """Whether there are words in it."""
        return bool(self.lines)


@dataclass(frozen=True, slots=True)
class Song:
    """Everything about one song but its sound."""

    seed: int
    lyrics: str
    """One string in the published form, as `gt_lyric` has it."""
    description: str
    style: Style
    key: Key
    language: str
    chords: tuple[Chord, ...]
    sections: tuple[Section, ...]
    seconds: float

    @property
    def beat(self) -> float:
        """Seconds of a beat."""
        return 60.0 / self.style.bpm


def compose(
    seed: int, *, seconds: float = 30.0, lyrics: str | None = None, description: str | None = None
) -> Song:
    """A song that these arguments alone decide: what is not given is drawn, lyrics about `seconds` long."""
    wanted = tags.draw(seed) if description is None else description
    style = tags.read(wanted, seed)
    rng = stream(seed, "song")
    chinese = any(tag in wanted for tag in ("mando", "c-pop", "gufeng", "chinese", "guofeng"))
    language = "zh" if rng.random() < (0.95 if chinese else 0.35) else "en"
    key = Key(int(rng.integers(12)), style.mode)
    words = lyrics
    if words is None:
        words = form.draw(stream(seed, "lyrics"), seconds=seconds, bpm=style.bpm, language=language)
    blocks = form.lay(words, style.bpm)
    chords = _harmony(blocks, key, style, seed)
    sections = tuple(_section(block, at, style, key, chords, seed) for at, block in enumerate(blocks))
    length = (sections[-1].end if sections else 0.0) + TAIL
    return Song(seed, words, wanted, style, key, language, chords, sections, length)


def record(song: Song) -> dict[str, object]:
    """A song's facts for a JSON file; times in seconds."""
    return {
        "idx": f"corpus-{song.seed}",
        "gt_lyric": song.lyrics,
        "descriptions": song.description,
        "seed": song.seed,
        **tags.facts(song.style),
        "key": song.key.name,
        "language": song.language,
        "seconds": round(song.seconds, 3),
        "sections": [_told(section) for section in song.sections],
    }


def _told(section: Section) -> dict[str, object]:
    return {
        "tag": section.tag,
        "start": round(section.start, 3),
        "end": round(section.end, 3),
        "lines": [_line_told(line) for line in section.lines],
    }


def _line_told(line: Line) -> dict[str, object]:
    return {
        "text": line.text,
        "gender": line.gender,
        "start": round(line.start, 3),
        "end": round(line.end, 3),
        "syllables": [
            {
                "start": round(one.start, 3),
                "end": round(one.end, 3),
                "vowel": one.sound.vowel,
                "f0": round(one.f0, 2),
            }
            for one in line.syllables
        ],
    }


def _harmony(blocks: Sequence[Block], key: Key, style: Style, seed: int) -> tuple[Chord, ...]:
    """A chord a bar, each kind of section with a progression of its own; the song ends at home."""
    table = (JAZZ if style.family.size == 4 else PROGRESSIONS)[key.mode]
    rng = stream(seed, "harmony")
    order = rng.permutation(len(table))
    kinds = {"verse": 0, "intro": 0, "chorus": 1, "inst": 1, "outro": 1, "bridge": 2, "silence": 0}
    chords: list[Chord] = []
    for at, block in enumerate(blocks):
        roots = table[int(order[kinds.get(block.kind, 0) % len(order)])]
        for bar in range(block.bars):
            is_last = bar == block.bars - 1 and (
                at == len(blocks) - 1 or (block.bars > 2 and block.kind == "outro")
            )
            root = 0 if is_last else roots[bar % len(roots)]
            start = float((block.start + bar) * BEATS)
            chords.append(chord(key, root, size=style.family.size, start=start, beats=BEATS))
    return tuple(chords)


def _section(block: Block, order: int, style: Style, key: Key, chords: Sequence[Chord], seed: int) -> Section:
    gender = _singer(style.gender, order)
    lines = []
    if block.lines:
        sung = sing(block, key=key, gender=gender, chords=chords, seed=seed, five_notes=style.five_notes)
        lines = [
            _line(verse.text, gender, verse.sounds, notes, style)
            for verse, notes in zip(block.lines, sung, strict=True)
        ]
    start, bar = block.start * form.bar_seconds(style.bpm), form.bar_seconds(style.bpm)
    return Section(block.tag, start, start + block.bars * bar, tuple(lines), block)


def _singer(gender: str, order: int) -> str:
    """Who sings a section; of two, they take turns."""
    return ("female", "male")[order % 2] if gender == "mixed" else gender


def _line(text: str, gender: str, sounds: Sequence[Sound], notes: Sequence[Note], style: Style) -> Line:
    bpm, swing = style.bpm, style.family.swing
    sung = tuple(
        Syllable(
            sound,
            groove.seconds_at(note.start, bpm=bpm, swing=swing),
            groove.seconds_at(note.start + note.beats, bpm=bpm, swing=swing),
            note.pitch,
        )
        for sound, note in zip(sounds, notes, strict=True)
    )
    return Line(text, gender, sung[0].start, sung[-1].end, sung)
