"""Dice are keyed and never throw what stands there; a rolled tag finds its place."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.style import bpm_of, bpm_tag, check_style, find, join, split, vocabulary
from core.style_dice import (
    _TEMPOS,
    DIMENSIONS,
    FASTEST,
    SLOWEST,
    TEMPO,
    Dice,
    dimension_of,
    fresh_dice,
    put,
    roll,
    roll_all,
    turn_tempo,
)

SEEDS = st.integers(min_value=0, max_value=2**31)


def test_the_same_seed_and_count_throw_the_same_and_another_count_another() -> None:
    assert [roll(Dice(7, n), "emotion") for n in range(5)] == [roll(Dice(7, n), "emotion") for n in range(5)]
    assert len({roll(Dice(7, n), "emotion") for n in range(20)}) > 10
    assert Dice(7).next().next() == Dice(7, 2)
    assert fresh_dice() != fresh_dice()


@given(SEEDS, st.sampled_from(DIMENSIONS))
def test_a_roll_is_of_its_dimension_and_nothing_that_stands_there(seed: int, dimension: str) -> None:
    before: list[str] = []
    for thrown in range(3 if dimension == "gender" else 12):
        tag = roll(Dice(seed, thrown), dimension, without=before)
        assert dimension == TEMPO or any(t.name == tag and t.dimension == dimension for t in vocabulary())
        assert tag not in before
        before.append(tag)


@given(SEEDS)
def test_a_whole_roll_is_a_description_without_contradictions(seed: int) -> None:
    tags = roll_all(Dice(seed))
    assert check_style(join(tags)) == ()
    counts = Counter(dimension_of(tag) for tag in tags)
    assert counts["gender"] == counts[TEMPO] == 1
    assert len(tags) in (6, 7)
    assert find(tags[0]) is not None
    assert dimension_of(tags[0]) == "gender"
    bpm = bpm_of(tags)
    assert bpm is not None
    assert 50 <= bpm <= 190
    voices = {tag.name for tag in vocabulary() if (tag.dimension, tag.group) == ("instrument", "voices")}
    assert not voices & set(tags[-3:])


def test_rolls_vary_and_take_one_genre_or_two() -> None:
    rolls = [roll_all(Dice(1, n)) for n in range(40)]
    assert len(set(rolls)) == 40
    assert {len(tags) for tags in rolls} == {6, 7}


def test_the_tempos_are_of_groups_there_are() -> None:
    groups = {tag.group for tag in vocabulary() if tag.dimension == "genre"}
    assert _TEMPOS.keys() <= groups
    assert all(SLOWEST <= slow < fast <= FASTEST for slow, fast in _TEMPOS.values())


@pytest.mark.parametrize(
    ("tags", "tag", "dimension", "thrown", "after"),
    [
        ("female, rock, piano", "male", "gender", (), "male, rock, piano"),
        ("rock, the bpm is 90", "the bpm is 120", TEMPO, (), "rock, the bpm is 120"),
        ("female, rock, sad, piano", "jazz", "genre", (), "female, rock, jazz, sad, piano"),
        ("female, rock, sad, piano", "jazz", "genre", ("rock",), "female, jazz, sad, piano"),
        ("sad, piano", "female", "gender", (), "female, sad, piano"),
        ("female, rain on glass", "piano", "instrument", (), "female, piano, rain on glass"),
        ("", "sad", "emotion", (), "sad"),
        ("female, male", "mixed", "gender", (), "mixed"),
    ],
)
def test_a_rolled_tag_finds_its_place(
    tags: str, tag: str, dimension: str, thrown: tuple[str, ...], after: str
) -> None:
    assert join(put(split(tags), tag, dimension, thrown=thrown)) == after


@pytest.mark.parametrize(
    ("tags", "by", "after"),
    [
        ("pop, the bpm is 96, sad", 1, "pop, the bpm is 97, sad"),
        ("pop, the bpm is 96", -5, "pop, the bpm is 91"),
        ("the bpm is 219", 5, "the bpm is 220"),
        ("the bpm is 41", -5, "the bpm is 40"),
        ("pop", 5, "pop, the bpm is 120"),
    ],
)
def test_the_tempo_is_turned_where_it_stands_and_within_its_range(tags: str, by: int, after: str) -> None:
    assert join(turn_tempo(split(tags), by)) == after


def test_a_tag_of_ones_own_has_no_dimension() -> None:
    assert [dimension_of(tag) for tag in ("rain on glass", bpm_tag(90), "Piano.")] == [
        "",
        TEMPO,
        "instrument",
    ]
