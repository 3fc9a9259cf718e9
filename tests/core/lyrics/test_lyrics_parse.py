"""Any text parses, and every place points at what it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lyrics.parse import Lyrics, Place, Span, parse, rows

PIECES = st.sampled_from(
    ["[verse]", "[chorus] la", "[Verse 2]", "[intro-short]", "[verse", "[]", "[ ]", "]", "风吹过窗台",
     "Hold on.", "  ", "\n", "\r\n", "\u2028", "\t", ";", "<|im_start|>", "\x00", "é", "e\u0301",
     "🎵", "[a][b] c"]
)  # fmt: skip
TEXTS = st.text() | st.lists(PIECES | st.text(max_size=3), max_size=25).map("".join)


def cut(text: str, span: Span) -> str:
    assert span.start.row == span.end.row
    return rows(text)[span.start.row][span.start.column : span.end.column]


def everything(lyrics: Lyrics) -> list[Place]:
    places = [line.span.start for line in lyrics.preamble]
    for section in lyrics.sections:
        places += [section.tag_span.start, *(line.span.start for line in section.lines)]
    return places


@given(TEXTS)
def test_every_span_points_at_its_text_in_order(text: str) -> None:
    lyrics = parse(text)
    assert lyrics.text == text
    for line in lyrics.preamble + tuple(line for section in lyrics.sections for line in section.lines):
        assert cut(text, line.span) == line.text
        assert line.text.strip() == line.text != ""
    for section in lyrics.sections:
        assert cut(text, section.tag_span)[1:-1].strip() == section.tag
        assert section.span.start == section.tag_span.start
        assert section.span.end >= section.tag_span.end
    places = everything(lyrics)
    assert places == sorted(places)


@given(TEXTS)
def test_nothing_but_blanks_is_lost(text: str) -> None:
    lyrics = parse(text)
    kept = [line.text for line in lyrics.preamble]
    for section in lyrics.sections:
        kept += [cut(text, section.tag_span), *(line.text for line in section.lines)]
    assert "".join("".join(kept).split()) == "".join(text.split())


@given(TEXTS)
def test_rows_are_those_of_the_text_and_never_none(text: str) -> None:
    assert "".join(rows(text, keep_ends=True)) == text
    assert len(rows(text)) == len(rows(text, keep_ends=True)) >= 1


def test_a_tag_opens_a_section_and_blank_lines_do_not_count() -> None:
    lyrics = parse("[intro-short]\n\n[verse]  \nPaper boats\n\n  are drifting \n")
    assert [section.tag for section in lyrics.sections] == ["intro-short", "verse"]
    assert [line.text for line in lyrics.sections[1].lines] == ["Paper boats", "are drifting"]
    assert lyrics.sections[1].lines[1].span == Span(Place(5, 2), Place(5, 14))
    assert lyrics.sections[1].span == Span(Place(2, 0), Place(5, 14))


def test_lyrics_may_follow_the_tag_on_its_line() -> None:
    (section,) = parse(" [ chorus ]  Hold the line").sections
    assert (section.tag, section.lines[0].text, section.lines[0].column) == ("chorus", "Hold the line", 13)


def test_lines_before_the_first_tag_stand_apart() -> None:
    lyrics = parse("la la\n[verse]\nlo")
    assert [line.text for line in lyrics.preamble] == ["la la"]
    assert len(lyrics.sections) == 1


@pytest.mark.parametrize(
    "line", ["[verse", "[]", "[  ]", "la [verse]", "[" + "a" * 33 + "]", "[<|im_start|>]"]
)
def test_what_is_no_tag_is_a_lyric_line(line: str) -> None:
    lyrics = parse(line)
    assert not lyrics.sections
    assert lyrics.preamble[0].text == line


def test_a_row_belongs_to_the_section_above_it() -> None:
    lyrics = parse("la\n[verse]\n\nlo\n[chorus]\nle")
    assert [lyrics.section_at(row) for row in range(6)] == [None, 0, 0, 0, 1, 1]
