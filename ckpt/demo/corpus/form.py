"""The form of a song: how long each section of given lyrics is, and lyrics of about a given length."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.lyrics.parse import parse
from core.lyrics.tags import Dialect, dialect
from core.lyrics.wire import from_wire
from corpus import lyrics_text
from corpus.sounds import Sound
from corpus.words import syllables

BEATS = 4
"""Of a bar; all songs are in four."""
TAIL = 1.2
"""Seconds that ring on after the last bar."""
_LONG = {"short": 6.5, "medium": 14.0, "long": 27.0}
"""Seconds that an instrumental section comes near to."""
_PER_SECOND = 3.6
"""Syllables that are sung at most."""
_SHORTEST = 2.3
"""Seconds of a line at least."""
_BREATH = 0.4
_NEAR = 0.16
"""How far a drawn song may be from the length asked for, as a logarithm."""
_BARS = (1, 2, 4, 8)
_FORMS = (
    "verse", "chorus", "intro-short verse", "intro-short chorus", "verse chorus", "chorus outro-short",
    "intro-short verse outro-short", "intro-short verse chorus", "verse inst-short chorus",
    "intro-short verse chorus outro-short", "intro-medium verse chorus", "verse chorus bridge chorus",
    "intro-short verse chorus inst-short chorus outro-short",
    "intro-short verse chorus verse chorus outro-short",
    "intro-medium verse chorus inst-medium verse chorus outro-medium", "inst-short verse silence chorus",
    "intro-short verse chorus verse chorus bridge chorus outro-short",
    "intro-long verse chorus inst-short bridge chorus outro-long", "inst-medium",
    "intro-medium inst-medium outro-short",
    "intro-long inst-long outro-medium", "intro-short verse verse chorus inst-long chorus outro-medium",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verse:
    """One lyric line and the bars it fills."""

    text: str
    sounds: tuple[Sound, ...]
    bars: int


@dataclass(frozen=True, slots=True)
class Block:
    """One section: bars from the song's beginning."""

    tag: str
    start: int
    bars: int
    lines: tuple[Verse, ...]

    @property
    def kind(self) -> str:
        """The tag without its length: intro, verse, …"""
        return self.tag.partition("-")[0]


def bar_seconds(bpm: float) -> float:
    """Seconds of a bar."""
    return 60.0 / bpm * BEATS


def lay(wire: str, bpm: float) -> tuple[Block, ...]:
    """The sections of an engine string, one behind the other; lines that no section names make a verse."""
    words = dialect("levo")
    read = parse(from_wire(wire))
    parts = [("verse", [line.text for line in read.preamble])] if read.preamble else []
    parts += [(section.tag, [line.text for line in section.lines]) for section in read.sections]
    blocks: list[Block] = []
    for name, texts in parts:
        blocks.append(
            _block(name, texts, bpm, words, start=blocks[-1].start + blocks[-1].bars if blocks else 0)
        )
    return tuple(blocks)


def line_bars(count: int, bpm: float) -> int:
    """Bars in which so many syllables can be sung and a breath taken."""
    needed = max(_SHORTEST, count / _PER_SECOND + _BREATH)
    return next((bars for bars in _BARS if bars * bar_seconds(bpm) >= needed), _BARS[-1])


def tag_bars(tag: str, bpm: float) -> int:
    """Bars of an instrumental section: even if that comes near, always within what its tag says."""
    bar = bar_seconds(bpm)
    if tag == "silence":
        return max(1, int(4.0 / bar))
    wanted = _LONG.get(tag.rpartition("-")[2], _LONG["short"])
    even = max(2, 2 * round(wanted / bar / 2))
    low, high = {"short": (2.0, 10.0), "medium": (10.0, 20.0), "long": (20.0, 40.0)}.get(
        tag.rpartition("-")[2], (2.0, 10.0)
    )
    return even if low <= even * bar <= high else max(1, round(wanted / bar))


def draw(rng: np.random.Generator, *, seconds: float, bpm: float, language: str) -> str:
    """Lyrics in the published form whose song is about `seconds` long, of random form and words."""
    tried = []
    for form in rng.permutation(_FORMS):
        for lines in (2, 4):
            tags = str(form).split()
            length = sum(_guess(tag, lines, bpm) for tag in tags) + TAIL
            tried.append((abs(np.log(length / seconds)), tags, lines))
    near = sorted(tried, key=lambda one: float(one[0]))[:4]
    drawn = []
    for at in rng.permutation(len(near)):
        _, tags, lines = near[int(at)]
        text = lyrics_text.wire(_written(rng, tags, lines, language), language)
        length = sum(block.bars for block in lay(text, bpm)) * bar_seconds(bpm) + TAIL
        drawn.append((abs(float(np.log(length / seconds))), text))
        if drawn[-1][0] <= _NEAR:
            return text
    return min(drawn)[1]


def _written(
    rng: np.random.Generator, tags: Sequence[str], lines: int, language: str
) -> list[tuple[str, tuple[str, ...]]]:
    """Sections with their lines; every chorus has the words of the first."""
    chorus: tuple[str, ...] = ()
    sections = []
    for tag in tags:
        own: tuple[str, ...] = ()
        if tag == "chorus":
            own = chorus = chorus or lyrics_text.stanza(rng, language=language, kind=tag, lines=lines)
        elif tag in ("verse", "bridge"):
            own = lyrics_text.stanza(rng, language=language, kind=tag, lines=2 if tag == "bridge" else lines)
        sections.append((tag, own))
    return sections


def _guess(tag: str, lines: int, bpm: float) -> float:
    """Seconds that a section will take, before its words are known."""
    bar = bar_seconds(bpm)
    if tag in ("verse", "chorus", "bridge"):
        return (2 if tag == "bridge" else lines) * line_bars(8, bpm) * bar
    return tag_bars(tag, bpm) * bar


def _block(name: str, texts: Sequence[str], bpm: float, words: Dialect, *, start: int) -> Block:
    known = words.tag(name) or words.nearest(name)
    tag = known.name if known else "verse"
    if known and not known.sung:
        return Block(tag, start, tag_bars(tag, bpm), ())
    sung = [(text, sounds) for text in texts if (sounds := syllables(text))]
    # As many bars for each line as the longest needs, so that phrases answer each other.
    each = max((line_bars(len(sounds), bpm) for _, sounds in sung), default=0)
    lines = [Verse(text, sounds, each) for text, sounds in sung]
    bars = sum(line.bars for line in lines)
    return Block(tag, start, bars or tag_bars("inst-short", bpm), tuple(lines))
