"""What is remembered between two edits changes nothing, and saves the work it should."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.levo.text import Tokenizers, demo_tokenizers, qwen_tokenizers
from core.lyrics import budget as budgets
from core.lyrics import line_rules, wire
from core.lyrics.budget import Budget, budget, tokens_of
from core.lyrics.check import Diagnostic, check
from core.lyrics.parse import parse
from core.lyrics.tags import dialect
from core.lyrics.wire import to_wire
from core.paths import conf_file, qwen2

LEVO = dialect("levo")
PIECES = st.sampled_from(
    ["[verse]\n", "[chorus]\n", "[Hook]\n", "[verse] ", "[inst-short]\n", "[silence]", "la la", "Hold on.",
     "Why?!", "don't", "it's 3.5", "风吹过", "。", "，", "；", ";", " ; ", "<|im_start|>", "\n", "\n", " ",
     "\u0301", "é", "，" * 5, "é\u0323", "한국", "\ud83d", "🎵", "...", "[", "]", "'s", "...s", "\t",
     "word " * 30]
)  # fmt: skip
TEXTS = st.text(max_size=40) | st.lists(PIECES, max_size=25).map("".join)
REMEMBERING = (
    line_rules.check_line,
    line_rules._findings,
    wire._section,
    wire._pieces,
    wire._block,
    budgets._sung_seconds,
)


def forget() -> None:
    for function in REMEMBERING:
        function.cache_clear()


def judged(text: str) -> tuple[tuple[Diagnostic, ...], Budget, str]:
    lyrics = parse(text)
    made = budget(lyrics, LEVO, token_limit=600, seconds_limit=280, count=lambda part: len(part.split()))
    return check(lyrics, LEVO), made, to_wire(lyrics, LEVO)


@pytest.fixture(scope="module", params=["demo-v1", "demo-v2", "qwen2-v1", "qwen2-v2"])
def vocabulary(request: pytest.FixtureRequest) -> Tokenizers:
    """Both versions over the demo's words, and over the published ones where they are here."""
    words, version = request.param.split("-")
    if words == "demo":
        return demo_tokenizers(conf_file("demo-tokenizer.json"), version)
    if not (qwen2() / "vocab.json").is_file():
        pytest.skip("the published vocabulary is not here")
    return qwen_tokenizers(qwen2(), version)


@settings(deadline=None)
@given(TEXTS, st.lists(st.tuples(st.integers(0, 100), st.integers(0, 9), PIECES), max_size=4))
def test_what_is_remembered_changes_no_result(text: str, edits: list[tuple[int, int, str]]) -> None:
    for at, deleted, written in [(0, 0, ""), *edits]:
        text = text[:at] + written + text[at + deleted :]
        remembered = judged(text)
        forget()
        assert judged(text) == remembered


@settings(deadline=None)
@given(text=TEXTS)
def test_parts_add_up_to_the_tokens_of_the_whole(vocabulary: Tokenizers, text: str) -> None:
    lyrics = parse(text)
    assert tokens_of(lyrics, LEVO, vocabulary.count) == vocabulary.count(to_wire(lyrics, LEVO))


def song(sections: int) -> list[str]:
    lines = []
    for index in range(sections):
        lines += [
            f"[{('verse', 'chorus')[index % 2]}]",
            *(f"line {index} {at} of the song" for at in range(5)),
            "",
        ]
    return lines


def counter() -> tuple[list[str], Callable[[str], int]]:
    """A tokenizer that remembers, as the studio's does, and the texts that it had to read."""
    read: list[str] = []
    known: dict[str, int] = {}

    def count(text: str) -> int:
        if text not in known:
            read.append(text)
            known[text] = len(text.split())
        return known[text]

    return read, count


@pytest.mark.parametrize("sections", [3, 43])
def test_an_edit_has_one_section_read_again(sections: int) -> None:
    read, count = counter()
    lines = song(sections)
    draw = random.Random(5)

    def budgeted() -> Budget:
        lyrics = parse("\n".join(lines))
        tokens = tokens_of(lyrics, LEVO, count)
        made = budget(lyrics, LEVO, token_limit=600, seconds_limit=280, count=count)
        assert tokens == made.tokens
        return made

    budgeted()
    assert len(read) <= sections + 2  # nothing, and a separator
    for edit in range(10):
        read.clear()
        row = draw.choice([at for at, line in enumerate(lines) if line.startswith("line")])
        lines[row] += f" again{edit}"
        budgeted()
        assert len(read) == 1
        assert f"again{edit}" in read[0]
    read.clear()
    lines.insert(1, "a line more")
    budgeted()
    assert len(read) == 1


def test_an_edit_has_one_line_checked_again() -> None:
    forget()
    lines = song(43)
    check(parse("\n".join(lines)), LEVO)
    before = line_rules.check_line.cache_info().misses
    lines[100] += ", oh"
    check(parse("\n".join(lines)), LEVO)
    assert line_rules.check_line.cache_info().misses == before + 1


def test_a_line_that_only_moved_is_not_looked_through_again() -> None:
    forget()
    lines = song(43)
    check(parse("\n".join(lines)), LEVO)
    before = line_rules._findings.cache_info().misses
    lines.insert(1, "a line more")
    check(parse("\n".join(lines)), LEVO)
    assert line_rules._findings.cache_info().misses == before + 1


def test_a_line_found_wrong_is_told_of_where_it_stands_now() -> None:
    first, second = (check(parse(f"{above}[verse]\nla；"), LEVO)[0] for above in ("", "\n\n"))
    assert (first.span.start.row, second.span.start.row) == (1, 3)
    assert first.fix
    assert second.fix
    assert [edit.span.start.row for edit in second.fix.edits] == [3]
