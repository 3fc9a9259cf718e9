"""What the mouth does in each frame of a song, by the timing of `corpus.articulation`."""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from core.levo.shapes import FRAME_RATE
from corpus import articulation
from corpus.articulation import BEFORE
from corpus.song import Line, Song, Syllable
from train.symbols import BREATH, PHONES, PITCHES

_BREATH_SECONDS = 0.2
_EARLY = 0.02
"""Seconds before a vowel at which the voice goes to its pitch."""


def voiced(song: Song, frames: int) -> npt.NDArray[np.int64]:
    """Codes of codebook 1, [frames]: 0 where there is no voice, else by what sounds in a frame's middle."""
    phones = np.full(frames, -1, dtype=np.int64)
    pitches = np.full(frames, PITCHES[0], dtype=np.int64)
    for section in song.sections:
        for line in section.lines:
            for begin, end, phone in spans(line):
                inside = slice(_middle(begin), _middle(end))
                if phone != BREATH or not np.any(phones[inside] >= 0):
                    phones[inside] = PHONES.index(phone)
            for at, one in enumerate(line.syllables):
                begin = line.start - BEFORE if at == 0 else one.start - _EARLY
                pitches[_middle(begin) :] = one.pitch
    code = 1 + phones * len(PITCHES) + pitches - PITCHES[0]
    return np.where(phones >= 0, code, 0)


def spans(line: Line) -> Iterator[tuple[float, float, str]]:
    """What is articulated from when to when (s); what comes later covers what came before."""
    yield line.start - BEFORE, line.start - BEFORE + _BREATH_SECONDS, BREATH
    syllables = line.syllables
    for one in syllables:
        turn = one.end
        if one.sound.glide:
            turn = min(one.end, max(one.start + 0.12, one.end - max(0.16, 0.3 * (one.end - one.start))))
            yield turn, one.end, one.sound.glide
        yield one.start, turn, one.sound.vowel
    for at, one in enumerate(syllables):
        yield from _uttered(one.sound.onset, one.start, articulation.room_for(syllables, at))
        gap = syllables[at + 1].start - one.end if at + 1 < len(syllables) else 1.0
        if one.sound.coda and (one.end - one.start > 0.22 or gap > 0.1):
            lead = one.end
            if at + 1 < len(syllables) and gap < 0.1:
                lead -= _length(syllables[at + 1].sound.onset, articulation.room_for(syllables, at + 1))
            yield from _uttered(one.sound.coda[:1], lead + 0.01, 0.4 * (one.end - one.start))


def sounding(line: Line) -> Iterator[tuple[float, Syllable]]:
    """Each syllable and when its first consonant begins (s)."""
    for at, one in enumerate(line.syllables):
        yield one.start - _length(one.sound.onset, articulation.room_for(line.syllables, at)), one


def _length(consonants: str, room: float) -> float:
    """Seconds that consonants take where there is so much room."""
    if not consonants:
        return 0.0
    return sum(articulation.SECONDS[one] for one in consonants) * articulation.pace(consonants, room)


def _uttered(consonants: str, until: float, room: float) -> Iterator[tuple[float, float, str]]:
    end = until
    for consonant in reversed(consonants):
        begin = end - articulation.SECONDS[consonant] * articulation.pace(consonants, room)
        yield begin, end, consonant
        end = begin


def _middle(seconds: float) -> int:
    """The first frame whose middle is not before a time."""
    return max(0, math.ceil(seconds * FRAME_RATE - 0.5 - 1e-6))
