"""Which text tokens stand for what a song does next: its section tags and its sung syllables, in order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.levo.text import Tokenizers, lyric_text
from corpus import english
from corpus.song import Song
from corpus.words import SIGN, WORD
from train.spelling import pieces

_TAG = re.compile(r"\[([a-z-]+)\]")


@dataclass(frozen=True, slots=True)
class Aim:
    """One section tag or syllable of the text."""

    first: int
    """Positions of the row of lyric ids, the start id's being 0: from here…"""
    last: int
    """…to here."""
    is_tag: bool


def aims(song: Song, tokenizers: Tokenizers) -> tuple[Aim, ...]:
    """Tags and syllables in the order of the text; empty where the text is not what the song sings."""
    text = lyric_text(song.lyrics)
    found = list(_places(text))
    sung = sum(len(line.syllables) for section in song.sections for line in section.lines)
    tags = [text[first + 1 : last - 1] for first, last, is_tag in found if is_tag]
    if sum(not is_tag for *_, is_tag in found) != sung or tags != [section.tag for section in song.sections]:
        return ()
    offsets = tokenizers.lyric.encode(text, add_special_tokens=False).offsets
    made, at = [], 0
    for first, last, is_tag in found:
        while at < len(offsets) and offsets[at][1] <= first:
            at += 1
        inside = [n for n in range(at, len(offsets)) if offsets[n][0] < last][: _most(first, last)]
        if not inside:
            return ()
        made.append(Aim(1 + inside[0], 1 + inside[-1], is_tag))
    return tuple(made)


def _most(first: int, last: int) -> int:
    """Tokens that a piece of text has at most: three bytes a character."""
    return 3 * (last - first) + 1


def _places(text: str) -> Iterator[tuple[int, int, bool]]:
    """Where tags and syllables are written, first and behind the last character."""
    ends = [found.span() for found in _TAG.finditer(text)]
    for at, (first, last) in enumerate(ends):
        yield first, last, True
        until = ends[at + 1][0] if at + 1 < len(ends) else len(text)
        for word in WORD.finditer(text, last, until):
            begin = word.start()
            if SIGN.fullmatch(word[0]):
                yield begin, word.end(), False
            elif english.syllables(word[0]):
                for piece in pieces(word[0]):
                    yield begin, begin + len(piece), False
                    begin += len(piece)
