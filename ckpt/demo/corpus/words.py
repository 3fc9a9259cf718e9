"""A lyric line of any script to the syllables that are sung."""

import re

from corpus import english, mandarin
from corpus.sounds import Sound

_SIGNS = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Kana, Chinese characters and hangul blocks, each of which is a syllable."""
WORD = re.compile(f"[{_SIGNS}]|[^\\W{_SIGNS}]+(?:'[a-z]+)?")
"""What is sung by itself: one of those, or a word of letters."""
SIGN = re.compile(f"[{_SIGNS}]")
"""One of those."""


def syllables(line: str) -> tuple[Sound, ...]:
    """One syllable per CJK character, words of Latin letters by rule; other scripts are passed over."""
    found: list[Sound] = []
    for word in WORD.findall(line):
        found += [mandarin.syllable(word)] if SIGN.fullmatch(word) else english.syllables(word)
    return tuple(found)
