"""Syllables that are heard beside those that are written."""

import pytest

from core.bench.demo.matching import fitted, syllables_of
from corpus.song import Line, Syllable
from corpus.sounds import Sound


def line(*starts: float, end: float) -> Line:
    sung = tuple(Syllable(Sound("la", "a"), start, start + 0.2, 60) for start in starts)
    return Line("la", "female", starts[0], end, sung)


def test_as_many_onsets_as_syllables_belong_together_wherever_they_are() -> None:
    found = syllables_of(line(0.0, 1.0, 2.0, end=3.0), (10.0, 13.0), [10.1, 10.4, 12.9])
    assert [start for start, _ in found] == [10.1, 10.4, 12.9]
    assert found[0][1] == 10.4


def test_an_onset_too_many_is_passed_over_and_one_too_few_is_shared() -> None:
    planned = line(0.0, 1.0, 2.0, end=3.0)
    assert [start for start, _ in syllables_of(planned, (10.0, 13.0), [10.0, 10.5, 11.0, 12.0])] == [
        10,
        11,
        12,
    ]
    starts = [start for start, _ in syllables_of(planned, (10.0, 13.0), [10.0, 12.0])]
    assert starts[0] == 10.0
    assert starts[2] == 12.0
    assert starts == sorted(starts)


def test_without_onsets_the_line_is_cut_as_planned() -> None:
    found = syllables_of(line(0.0, 1.0, end=2.0), (10.0, 14.0), [])
    assert [start for start, _ in found] == [10.0, 12.0]


@pytest.mark.parametrize("onsets", [[], [1.0], [1.0, 1.05], [1.0, 1.5, 1.9, 1.95]])
def test_every_syllable_lasts(onsets: list[float]) -> None:
    found = syllables_of(line(0.0, 0.5, 1.0, end=1.5), (1.0, 2.0), onsets)
    assert len(found) == 3
    assert all(end - start >= 0.09 for start, end in found)


def test_another_line_is_spread_over_the_syllables() -> None:
    assert fitted(["a", "i", "u"], 5) == ["a", "a", "i", "u", "u"]
    assert fitted(["a", "i", "u"], 1) == ["a"]
    assert fitted(["a"], 3) == ["a", "a", "a"]
