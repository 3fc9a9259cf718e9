"""The vocabulary as shipped, and what lyrics will take."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lyrics.budget import Budget, SectionBudget, budget, section_at, section_words, syllables
from core.lyrics.parse import parse
from core.lyrics.tags import dialect

LEVO = dialect("levo")
LINES = st.lists(st.text(alphabet="ab oe风雨.,'3", max_size=20), max_size=12)


def plan(text: str, *, counted: bool = False) -> Budget:
    count = (lambda wire: sum(char.isalnum() for char in wire)) if counted else None
    return budget(parse(text), LEVO, token_limit=600, seconds_limit=280, count=count)


def test_the_thirteen_tags_are_those_of_the_engine() -> None:
    sung = [tag.name for tag in LEVO.tags if tag.sung]
    still = {tag.name for tag in LEVO.tags if not tag.sung}
    lengths = {
        f"{part}-{size}" for part in ("intro", "inst", "outro") for size in ("short", "medium", "long")
    }
    assert sung == ["verse", "chorus", "bridge"]
    assert still == lengths | {"silence"}
    for part in ("intro", "inst", "outro"):
        short, medium, long = (LEVO.tag(f"{part}-{size}") for size in ("short", "medium", "long"))
        assert short
        assert medium
        assert long
        assert short.seconds == (0.0, 10.0)
        assert medium.seconds == (10.0, 20.0)
        assert long.seconds[0] == 20 < long.seconds[1]
    assert all(tag.meaning and tag.seconds[0] < tag.seconds[1] for tag in LEVO.tags)


def test_every_alias_leads_to_a_tag_and_hides_none() -> None:
    names = {tag.name for tag in LEVO.tags}
    assert {target for _, target in LEVO.aliases} <= names
    assert not {alias for alias, _ in LEVO.aliases} & names


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Verse", "verse"),
        ("VERSE 2", "verse"),
        ("verse: soft", "verse"),
        ("chrous", "chorus"),
        ("Pre Chorus", "verse"),
        ("Solo (guitar)", "inst-medium"),
        ("Outro", "outro-short"),
        ("intro_long", "intro-long"),
        ("主歌2", "verse"),
    ],
)
def test_the_nearest_tag_is_what_was_meant(written: str, meant: str) -> None:
    tag = LEVO.nearest(written)
    assert tag
    assert tag.name == meant


@pytest.mark.parametrize("written", ["", "xyzzy", "1", "...", "爱"])
def test_nothing_near_is_nothing(written: str) -> None:
    assert LEVO.nearest(written) is None


def test_a_dialect_is_read_once_and_an_unknown_one_refused() -> None:
    assert dialect("levo") is LEVO
    with pytest.raises(KeyError):
        dialect("no-such-family")


def test_instruments_take_their_tags_time_and_words_their_own() -> None:
    made = plan("[inst-medium]\n[verse]\nHold the line")
    assert made.sections[0].seconds == (10.0, 20.0)
    low, high = made.sections[1].seconds
    assert 0 < low < high < 10
    assert made.seconds == (10 + low, 20 + high)


def test_without_a_counter_tokens_stay_unknown() -> None:
    made = plan("[verse]\nla")
    assert made.tokens is None
    assert made.sections[0].tokens is None
    assert not made.over_tokens


def test_tokens_are_counted_on_the_engine_string() -> None:
    made = plan("[intro-short]\n[verse]\nHold the line", counted=True)
    assert made.tokens == len("introshortverseHoldtheline")
    assert [section.tokens for section in made.sections] == [len("introshort"), len("verseHoldtheline")]


def test_limits_are_reached_only_above_them() -> None:
    lyrics = parse("[verse]\nHold the line")
    exact = budget(lyrics, LEVO, token_limit=4, seconds_limit=1e9, count=lambda wire: len(wire.split()))
    tight = budget(lyrics, LEVO, token_limit=3, seconds_limit=0, count=lambda wire: len(wire.split()))
    assert (exact.over_tokens, exact.over_seconds) == (False, False)
    assert (tight.over_tokens, tight.over_seconds) == (True, True)


@given(LINES, st.integers(0, 11))
def test_a_line_more_never_takes_less(lines: list[str], at: int) -> None:
    less = plan("[verse]\n" + "\n".join(lines[:at]), counted=True)
    more = plan("[verse]\n" + "\n".join(lines), counted=True)
    assert less.seconds[0] <= more.seconds[0]
    assert less.seconds[1] <= more.seconds[1]
    assert (less.tokens or 0) <= (more.tokens or 0)


@given(
    st.lists(st.sampled_from(["[verse]\nla la\n", "[silence]\n", "[verse]\n", "[bogus]\nlo\n"]), max_size=6)
)
def test_a_total_is_the_sum_of_its_sections(parts: list[str]) -> None:
    made = plan("".join(parts))
    assert len(made.sections) == len(parts)
    for end in (0, 1):
        assert made.seconds[end] == pytest.approx(sum(section.seconds[end] for section in made.sections))


@pytest.mark.parametrize(
    ("text", "number"),
    [("", 0), ("la", 1), ("hold the line", 3), ("hmm", 1), ("paper boats", 3), ("风吹过", 3), ("4 ever", 3)],
)
def test_syllables_are_about_right(text: str, number: int) -> None:
    assert syllables(text) == number


def test_sections_follow_each_other_through_the_song() -> None:
    made = plan("[inst-short]\n[inst-medium]\n[inst-long]")
    assert [section_at(made, tenth / 10) for tenth in range(11)] == [0, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2]


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (SectionBudget("verse", 24, (11.6, 20.2)), "24 tokens, 12–20 s"),
        (SectionBudget("verse", 1, (0.0, 0.0)), "1 token, 0 s"),
        (SectionBudget("inst-short", None, (0.0, 10.0)), "0–10 s"),
    ],
)
def test_a_section_is_told_in_words(section: SectionBudget, words: str) -> None:
    made = Budget(24, 600, section.seconds, 280, (SectionBudget("intro-short", 3, (0, 10)), section))
    assert section_words(made, 1) == words


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_outside_the_song_there_is_no_section(fraction: float) -> None:
    assert section_at(plan("[verse]\nla"), fraction) is None


@pytest.mark.parametrize("text", ["", "la", "[verse]"])
def test_a_song_of_no_length_has_no_section_to_be_in(text: str) -> None:
    assert section_at(plan(text), 0.5) is None


@given(LINES, st.floats(0, 1), st.floats(0, 1))
def test_later_is_never_an_earlier_section(lines: list[str], first: float, second: float) -> None:
    made = plan("\n".join(f"[verse]\n{line}" for line in lines) + "\n[silence]")
    one, two = (section_at(made, fraction) for fraction in sorted((first, second)))
    assert one is not None
    assert two is not None
    assert one <= two


def test_the_lyrics_core_needs_no_torch() -> None:
    code = (
        "import sys, core.lyrics.check, core.lyrics.budget, core.lyrics.wire, core.lyrics.foreign;"
        "import core.lyrics.mend, core.plaintext;"
        "sys.exit(bool({'torch', 'textual', 'numpy', 'core.family', 'core.engine'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
