"""What a few letters find: beginnings of words, a person's own tags first, and every tag in three letters."""

from collections.abc import Iterator
from functools import cache
from itertools import combinations

import pytest

from core import style
from core.style import search, vocabulary

NAMES = tuple(dict.fromkeys(tag.name for tag in vocabulary()))


@cache
def names(query: str, *, known: tuple[str, ...] = (), limit: int = 50) -> list[str]:
    """What is found, each name once."""
    return list(dict.fromkeys(hit.tag.name for hit in search(query, limit=limit, known=known)))


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("acg", "acoustic guitar"),
        ("elg", "electric guitar"),
        ("ac gui", "acoustic guitar"),
        ("dab", "drum and bass"),
        ("drba", "drum and bass"),
    ],
)
def test_beginnings_of_words_find_a_tag(query: str, name: str) -> None:
    assert names(query)[0] == name


def test_beginnings_come_after_the_beginning_of_a_name_and_before_scattered_letters() -> None:
    found = names("ap", limit=300)
    whole, humps, scattered = (found.index(name) for name in ("apathetic", "art pop", "a cappella"))
    assert whole < humps
    assert found.index("acoustic pop") < found.index("happy")
    assert scattered > whole


@pytest.mark.parametrize("query", ["acg", "acgui", "dab", "ccm", "r&b", "strvi"])
def test_the_letters_that_matched_are_where_they_are_said_to_be(query: str) -> None:
    hit = search(query)[0]
    assert "".join(style._fold(hit.tag.name[place]) for place in hit.positions) == query
    assert list(hit.positions) == sorted(set(hit.positions))


def test_own_tags_come_first_among_those_that_match_alike_and_no_further() -> None:
    plain = names("ro")
    assert plain[0] == "rock"
    assert names("ro", known=("romantic",))[0] == "romantic"
    assert names("rock", known=("rockabilly",))[0] == "rock", "a whole name stays first"
    assert set(names("ro", known=("romantic",), limit=500)) == set(names("ro", limit=500))


def queries(name: str) -> Iterator[str]:
    """Up to three letters for a name, the likely ones first: its beginning, its words', any in order."""
    folded = style._fold(name)
    words = folded.split()
    yield from (folded[:size].strip() for size in (1, 2, 3))
    initials = "".join(word[0] for word in words)
    yield initials[:3]
    for first, second in combinations(words, 2):
        yield from (first[:2] + second[0], first[0] + second[:2])
    letters = folded.replace(" ", "")
    for size in (2, 3):
        yield from ("".join(picked) for picked in combinations(letters, size))


def rows_needed(name: str, enough: int) -> int:
    """In which row a name stands for the best three letters tried until it stood among the first `enough`."""
    best = len(NAMES)
    for query in dict.fromkeys(queries(name)):
        found = names(query, limit=8)
        if name in found:
            best = min(best, found.index(name) + 1)
        if best <= enough:
            break
    return best


def test_three_letters_bring_every_tag_of_the_vocabulary_into_the_first_two_rows() -> None:
    assert len(NAMES) == 725
    late = [name for name in NAMES if rows_needed(name, 2) > 2]
    assert late == []


def test_two_letters_and_enter_choose_common_tags() -> None:
    for query, name in {"fe": "female", "ma": "male", "po": "pop", "ro": "rock", "sa": "sad"}.items():
        assert names(query)[0] == name
    for query, name in {"pi": "piano", "ba": "bass", "dru": "drums", "jaz": "jazz", "hap": "happy"}.items():
        assert names(query)[0] == name
