"""Where a written English word falls into the syllables that it is sung in."""

import re
from functools import lru_cache
from itertools import pairwise

from corpus import english

_VOWELS = re.compile(r"[aeiouy]+", re.IGNORECASE)
_MARK = re.compile(r"(?<=[^aeiouy])(?:e|es|ed)$", re.IGNORECASE)
"""A last e that is often not sung."""


@lru_cache(maxsize=8192)
def pieces(word: str) -> tuple[str, ...]:
    """The letters of each sung syllable, in order and without a gap; one piece where there is none."""
    count = max(1, len(english.syllables(word)))
    groups = [found.span() for found in _VOWELS.finditer(word)]
    if len(groups) > count and (mark := _MARK.search(word)):
        groups = [span for span in groups if span[0] < mark.start()]
    while len(groups) > count:
        groups.pop()
    if len(groups) < count:
        groups = _divided(groups, count, word)
    cuts = [0, *(_cut(*pair) for pair in pairwise(groups)), len(word)]
    return tuple(word[first:last] for first, last in pairwise(cuts))


def _cut(before: tuple[int, int], after: tuple[int, int]) -> int:
    """One consonant between two vowels opens the next syllable; of more, the first closes this one."""
    between = after[0] - before[1]
    return before[1] + (1 if between > 1 else 0)


def _divided(groups: list[tuple[int, int]], count: int, word: str) -> list[tuple[int, int]]:
    """As many groups as are wanted: long runs of vowels in two, or else even parts of the word."""
    while len(groups) < count and (long := next((s for s in groups if s[1] - s[0] > 1), None)):
        at = groups.index(long)
        groups[at : at + 1] = [(long[0], long[0] + 1), (long[0] + 1, long[1])]
    if len(groups) == count:
        return groups
    width = len(word) / count
    return [(round(width * at), round(width * at)) for at in range(count)]
