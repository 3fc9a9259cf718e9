"""Sections as pieces of the text: nothing is lost or made up when they move, and blank rows stay put."""

from hypothesis import given
from hypothesis import strategies as st

from core.lyrics.parse import Lyrics, parse, rows
from core.lyrics.sections import (
    begun,
    block_at,
    blocks,
    delete,
    duplicate,
    known_lines,
    lines_to_repeat,
    move,
)

SONG = "words before\n\n[verse]\nA\nB\n\n[chorus]\nC\n\n\n[verse]\nA\nD"
ROW = st.sampled_from(
    ["[verse]", "[chorus]", "[verse] [bridge]", "[verse] with words", "la la", "雪花飘", "", "  "]
)
TEXTS = st.lists(ROW, max_size=12).map("\n".join)


def tags(text: str) -> list[str]:
    return [section.tag for section in parse(text).sections]


def test_a_block_is_a_tag_with_its_words_and_the_blank_rows_behind_it() -> None:
    found = blocks(parse(SONG))
    assert [(b.tag, b.first, b.words_end, b.end) for b in found] == [
        ("verse", 2, 5, 6),
        ("chorus", 6, 8, 10),
        ("verse", 10, 13, 13),
    ]
    assert [block_at(found, row) for row in (0, 1, 2, 5, 6, 9, 12)] == [None, None, 0, 0, 1, 1, 2]
    assert blocks(parse("")) == ()


def test_tags_on_one_row_are_one_block() -> None:
    assert [b.tag for b in blocks(parse("[intro-short] [verse]\nla\n[chorus]\nlo"))] == [
        "intro-short",
        "chorus",
    ]


def test_a_section_moves_and_the_blank_rows_stay_where_they_are() -> None:
    change = move(parse(SONG), 2, -1)
    assert change is not None
    assert change.text == "words before\n\n[verse]\nA\nB\n\n[verse]\nA\nD\n\n\n[chorus]\nC"
    assert rows(change.text)[change.row] == "[verse]"
    assert change.row == 6


def test_there_is_no_place_above_the_first_or_under_the_last() -> None:
    assert move(parse(SONG), 0, -1) is None
    assert move(parse(SONG), 2, 1) is None
    assert move(parse("la"), 0, 1) is None


def test_the_double_stands_under_the_section() -> None:
    change = duplicate(parse(SONG), 1)
    assert tags(change.text) == ["verse", "chorus", "chorus", "verse"]
    assert rows(change.text)[change.row : change.row + 4] == ["[chorus]", "C", "", ""]
    only = duplicate(parse("[verse]\nA"), 0)
    assert (only.text, only.row) == ("[verse]\nA\n\n[verse]\nA", 3)


def test_deleting_leaves_no_hole() -> None:
    assert delete(parse(SONG), 2).text == "words before\n\n[verse]\nA\nB\n\n[chorus]\nC"
    assert delete(parse(SONG), 0).text == "words before\n\n[chorus]\nC\n\n\n[verse]\nA\nD"
    assert delete(parse("[verse]\nA\n"), 0).text == ""


@given(TEXTS, st.integers(0, 11), st.integers(-3, 3))
def test_moving_keeps_every_row_and_moving_back_undoes_it(text: str, index: int, by: int) -> None:
    change = move(parse(text), index, by)
    if change is None:
        return
    assert sorted(rows(change.text)) == sorted(rows(text))
    back = move(parse(change.text), index + by, -by)
    assert back is not None
    assert back.text == text


@given(TEXTS, st.integers(0, 11))
def test_deleting_the_double_gives_the_text_back(text: str, index: int) -> None:
    lyrics = parse(text)
    if index < len(blocks(lyrics)):
        change = duplicate(lyrics, index)
        assert len(blocks(parse(change.text))) == len(blocks(lyrics)) + 1
        assert rows(change.text)[change.row] == rows(text)[blocks(lyrics)[index].first]
        assert delete(parse(change.text), index + 1).text == text


@given(TEXTS, st.integers(0, 11))
def test_deleting_takes_the_rows_of_one_section(text: str, index: int) -> None:
    found = blocks(parse(text))
    if index < len(found):
        left = delete(parse(text), index).text
        words = [row for row in rows(text) if row.strip()]
        gone = [row for row in rows(text)[found[index].first : found[index].words_end] if row.strip()]
        for row in gone:
            words.remove(row)
        assert sorted(row for row in rows(left) if row.strip()) == sorted(words)


def test_what_is_repeated_is_the_last_of_the_tag_before() -> None:
    lyrics = parse("[chorus]\nA\n\n[chorus]\nB\nC\n\n[chorus]\n\n[verse]\nD\n")
    assert lines_to_repeat(lyrics, "chorus", 7) == ("B", "C")
    assert lines_to_repeat(lyrics, "chorus", 0) == ("B", "C")
    assert lines_to_repeat(lyrics, "verse", 9) == ()
    assert lines_to_repeat(lyrics, "bridge", 9) == ()


def names(lyrics: Lyrics, typed: str, row: int = 99) -> list[str]:
    return [known.text for known in begun(known_lines(lyrics), typed, row)]


def test_a_beginning_finds_the_lines_that_go_on_from_it() -> None:
    lyrics = parse("[verse]\nHold the line\nSail\n\n[chorus]\nhold the Light\nHold the line\n")
    assert names(lyrics, "Hol") == ["Hold the line", "hold the Light"]
    assert names(lyrics, "hold the li") == ["Hold the line", "hold the Light"]
    assert names(lyrics, "Hold the line") == [], "it is there already"
    assert names(lyrics, "Ho") == [], "too short to mean anything"
    assert names(lyrics, "the line") == []


def test_a_line_is_not_offered_to_itself() -> None:
    lyrics = parse("[verse]\nHold the line\nSail on\n\n[chorus]\nSail on\n")
    assert names(lyrics, "Hold", row=1) == []
    assert names(lyrics, "Sail", row=2) == ["Sail on"]


def test_a_known_line_brings_what_followed_it() -> None:
    found = begun(known_lines(parse("[chorus]\nOne thing\nTwo\nThree\n")), "one", 99)
    assert found[0].rest == ("Two", "Three")
