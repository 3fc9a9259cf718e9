"""Searching and replacing in the rows of a text."""

from core.lyrics.find import hits, pattern_of, replace_all

ROWS = ["Rain, rain", "[verse] (rain)", "雪花飘 rain", ""]


def test_every_match_is_found_in_any_case_unless_told_otherwise() -> None:
    assert hits(ROWS, pattern_of("rain")) == [(0, 0, 4), (0, 6, 10), (1, 9, 13), (2, 4, 8)]
    assert hits(ROWS, pattern_of("Rain", exact=True)) == [(0, 0, 4)]
    assert hits(ROWS, pattern_of("花")) == [(2, 1, 2)]


def test_words_are_words_and_no_pattern() -> None:
    assert hits(ROWS, pattern_of("(rain)")) == [(1, 8, 14)]
    assert hits(ROWS, pattern_of(".")) == []
    assert hits(ROWS, pattern_of("")) == []


def test_replacing_counts_and_takes_the_new_words_as_they_are() -> None:
    pattern = pattern_of("rain")
    assert pattern is not None
    assert replace_all(ROWS, pattern, r"\1 $0") == ("\\1 $0, \\1 $0\n[verse] (\\1 $0)\n雪花飘 \\1 $0\n", 4)
    assert replace_all(ROWS, pattern, "")[0].startswith(", \n")
