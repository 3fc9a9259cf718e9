"""Finding lines by a few letters."""

import pytest

from core.fuzzy import LONGEST_QUERY, rank

LINES = [
    ("Night train", "2 takes"),
    ("Paper boats", "no takes"),
    ("Boats of paper", ""),
    ("Épaves", "damaged"),
    ("Steamboats", ""),
]


def found(query: str) -> list[str]:
    return [LINES[index][0] for index, _ in rank(query, LINES)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("boats", "Boats of paper"),
        ("paper b", "Paper boats"),
        ("train n", "Night train"),
        ("epav", "Épaves"),
        ("ntr", "Night train"),
        ("damaged", "Épaves"),
        ("NIGHT", "Night train"),
    ],
)
def test_the_best_line_comes_first(query: str, first: str) -> None:
    assert found(query)[0] == first


def test_starts_of_words_go_before_their_middles_and_words_before_scattered_letters() -> None:
    assert found("boats") == ["Boats of paper", "Paper boats", "Steamboats"]
    assert found("paper boats") == ["Paper boats", "Boats of paper"]


def test_nothing_typed_finds_all_in_their_order_and_nonsense_none() -> None:
    assert found("") == found("  ") == [words for words, _ in LINES]
    assert found("xqz") == []


def test_the_letters_that_matched_are_told() -> None:
    assert rank("boats", [("Steam boats boats", "")]) == [(0, (6, 7, 8, 9, 10))]
    assert rank("sbt", [("Steam boats", "")]) == [(0, (4 - 4, 6, 9))]


def test_a_hopeless_query_over_long_lines_ends() -> None:
    lines = [("na " * 400, "")] * 200
    assert rank("nan" * 20 + "x", lines)[:1] == rank(("nan" * 20)[:LONGEST_QUERY], lines)[:1]
