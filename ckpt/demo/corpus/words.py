"""A lyric line of any script to the syllables that are sung."""

import re

from corpus import english, mandarin
from corpus.sounds import Sound

_SIGNS = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Kana, Chinese characters and hangul blocks, each of which is a syllable."""
_WORD = re.compile(f"[{_SIGNS}]|[^\\W{_SIGNS}]+(?:'[a-z]+)?")
_CJK = re.compile(f"[{_SIGNS}]")


def syllables(line: str) -> tuple[Sound, ...]:
    """One syllable per CJK character, words of Latin letters by rule; other scripts are passed over."""
    found: list[Sound] = []
    for word in _WORD.findall(line):
        found += [mandarin.syllable(word)] if _CJK.fullmatch(word) else english.syllables(word)
    return tuple(found)
