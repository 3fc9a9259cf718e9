"""Finding lines by a few typed letters; always quick, whatever is typed."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

LONGEST_QUERY = 24
"""Characters of what is typed that are looked at."""
_WORDS_APART = 10
"""What is found as scattered letters, or beside the words, comes after all that is found as it was typed."""


def rank(query: str, texts: Sequence[tuple[str, str]]) -> list[tuple[int, tuple[int, ...]]]:
    """Which of the (words, aside) match, best first and else in their order, with the letters that matched.

    Text as typed goes before all its words in any order, those before scattered letters.
    """
    wanted = _fold(query.strip()[:LONGEST_QUERY])
    if not wanted:
        return [(index, ()) for index in range(len(texts))]
    found = []
    for index, (words, aside) in enumerate(texts):
        hit = _match(wanted, _fold(words), _fold(aside))
        if hit is not None:
            found.append((hit[0], index, hit[1]))
    return [(index, places) for _, index, places in sorted(found, key=lambda hit: hit[:2])]


@lru_cache(maxsize=4096)
def _fold(text: str) -> str:
    """Text without case and accents, each character in its place."""
    return "".join(_fold_character(character) for character in text)


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    return unicodedata.normalize("NFKD", character)[0].casefold()[:1]


def _match(wanted: str, words: str, aside: str) -> tuple[int, tuple[int, ...]] | None:
    """How well a line matches (0 is best) and where in its words."""
    start = _best_start(wanted, words)
    if start >= 0:
        at_word = start == 0 or not words[start - 1].isalnum()
        quality = 0 if words == wanted else 1 if start == 0 else 2 if at_word else 3
        return quality, tuple(range(start, start + len(wanted)))
    parts = wanted.split()
    if all(part in words or part in aside for part in parts):
        starts = [(words.find(part), len(part)) for part in parts if part in words]
        return 4, tuple(place for at, size in starts for place in range(at, at + size))
    places = _scattered(wanted.replace(" ", ""), words)
    return None if places is None else (_WORDS_APART + places[-1] - places[0], places)


def _best_start(wanted: str, words: str) -> int:
    """Where it stands, at the start of a word if it does anywhere; -1 where it does not."""
    first = start = words.find(wanted)
    while start > 0 and words[start - 1].isalnum():
        start = words.find(wanted, start + 1)
    return first if start < 0 else start


def _scattered(letters: str, words: str) -> tuple[int, ...] | None:
    """Where the letters stand in order, drawn together from the right; None when they do not."""
    at = -1
    for letter in letters:
        at = words.find(letter, at + 1)
        if at < 0:
            return None
    places = []
    after = at + 1
    for letter in reversed(letters):
        after = words.rfind(letter, 0, after)
        places.append(after)
    return tuple(reversed(places))
