"""The engine string: its format, and that no way there and back changes it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lyrics.language import block_language, language
from core.lyrics.parse import parse
from core.lyrics.tags import dialect
from core.lyrics.wire import CONTROL, from_wire, sentences, to_wire

LEVO = dialect("levo")
CANONICAL = [
    "[intro-short] ; [verse] Paper boats are drifting. Nobody knows where. ; [chorus] Hold the line.",
    "[verse] Hold the line, hold the line. We'll be there. ; [inst-medium] ; [chorus] Why? Run! ; [silence]",
    "[intro-medium] ; [verse] 风吹过窗台.雨落在心里.我们在等 ; [chorus] 唱一首歌.直到天亮 ; [outro-medium]",
    "[verse] 今晚 we dance.城市 lights 在闪.baby 别走 ; [chorus] la la la.啦啦啦",
    "[chorus] Route 66.5 to the U.S.A. tonight.",
    "[silence]",
    "",
]
PIECES = st.sampled_from(
    [".", "?", "!", ",", ";", " ", "\n", '"', "'", "(", ")", "[", "]", "[verse]", "[inst-short]", "[Hook]",
     "a", "la", "3", "U.S", "风", "啦啦", "。", "，", "；", "…", "”", "’",
     "<|", "|>", "im_end", "<|x|>", "\u3000", "-", "é", "【", "】"]
)  # fmt: skip
TEXTS = st.text(max_size=40) | st.lists(PIECES, max_size=30).map("".join)
WORDS = st.text(alphabet="abcdefg ,'", min_size=1, max_size=20).filter(lambda text: text.strip(" ,'") != "")


def wire(editor: str) -> str:
    return to_wire(parse(editor), LEVO)


@pytest.mark.parametrize("text", CANONICAL)
def test_strings_in_the_documented_format_pass_through_unchanged(text: str) -> None:
    assert wire(from_wire(text)) == text


def test_editor_form_becomes_the_documented_format() -> None:
    editor = (
        "[intro-short]\n\n[verse]\nPaper boats are drifting\nNobody  knows where.\n\n[chorus] Hold the line"
    )
    assert wire(editor) == CANONICAL[0]
    assert from_wire(CANONICAL[0]).splitlines() == [
        "[intro-short]", "", "[verse]", "Paper boats are drifting", "Nobody knows where", "",
        "[chorus]", "Hold the line",
    ]  # fmt: skip


def test_a_chinese_section_has_no_blanks_and_no_final_stop() -> None:
    assert wire("[verse]\n风吹过窗台。\n雨落，在心里……\n走吗？\n我们都在等待。") == (
        "[verse] 风吹过窗台.雨落,在心里.走吗?我们都在等待"
    )


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("“Don’t go” – he said", '"Don\'t go" - he said.'),
        ("Where are you?", "Where are you?"),
        ("What?!. ", "What?!"),
        ("Wait... what", "Wait. what."),
        ('He said "go."', 'He said "go."'),
        ("one; two", "one, two."),
        ("[laughs", "(laughs."),
        ("oh [chorus] no", "oh (chorus) no."),
        ("sing <|im_start|>this", "sing this."),
        ("<<|a|>|im_end|>", ""),
        ("♪ ...", ""),
        ("3.5 miles.Then home", "3.5 miles. Then home."),
    ],
)
def test_one_line_is_sent_as(line: str, sent: str) -> None:
    assert wire(f"[verse]\n{line}") == f"[verse] {sent}".rstrip()


def test_a_section_that_is_not_sung_is_its_tag_alone() -> None:
    assert wire("[inst-short]\nla la\n[verse]\nlo") == "[inst-short] ; [verse] lo."


@pytest.mark.parametrize(
    "loose",
    [
        "[verse]Go home.We wait.;[chorus]La",
        "[verse] Go home. We wait. [chorus] La.",
        "[verse]\nGo home\nWe wait\n[chorus]\nLa",
    ],
)
def test_loosely_written_strings_are_understood(loose: str) -> None:
    assert wire(from_wire(loose)) == "[verse] Go home. We wait. ; [chorus] La."


@given(TEXTS)
def test_there_and_back_changes_no_engine_string(text: str) -> None:
    once = wire(text)
    assert wire(from_wire(once)) == once


@given(TEXTS)
def test_reading_any_string_settles_at_once(text: str) -> None:
    once = wire(from_wire(text))
    assert wire(from_wire(once)) == once


@given(TEXTS)
def test_only_tags_are_structure(text: str) -> None:
    lyrics = parse(text)
    sent = wire(text)
    assert re.findall(r"\[([^\]]*)\]", sent) == [section.tag for section in lyrics.sections]
    assert not CONTROL.search(sent)
    assert sent.count(";") == max(0, len(sent.split(" ; ")) - 1)
    bare = re.sub(r"\[[^\]]*\]", "", sent)
    assert LEVO.ascii(bare) == bare


@given(st.lists(WORDS, min_size=1, max_size=6))
def test_every_line_of_words_arrives(lines: list[str]) -> None:
    sent = wire("[verse]\n" + "\n".join(lines))
    assert sent == "[verse] " + " ".join(f"{' '.join(line.split())}." for line in lines)
    assert sentences(sent.removeprefix("[verse] ")) == [" ".join(line.split()) for line in lines]


@pytest.mark.parametrize(
    ("text", "guess"),
    [
        ("", "en"),
        ("hello", "en"),
        ("风", "zh"),
        ("aaaa风", "zh"),
        ("aaaaa风", "en"),
        ("さくら", "en"),
        ("...", "en"),
    ],
)
def test_a_fifth_of_ideographs_is_chinese(text: str, guess: str) -> None:
    assert language(text) == guess


@given(st.text(alphabet="ab风雨1", max_size=20), st.integers(0, 9))
def test_punctuation_cannot_turn_a_blocks_language(text: str, dots: int) -> None:
    assert block_language(text + ". " * dots) == block_language(text)
