"""What is foretold of a run holds: recorded runs, played again."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.making.pace import Order, Pace, expect
from core.making.paces import recall, remember
from core.paths import pace_file

PACES = Path(__file__).parent / "paces"
FRAMES: Order = (("unit", 1750),)


@pytest.fixture(autouse=True)
def _nothing_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def recorded(name: str, phase: int) -> tuple[int, list[tuple[float, int]]]:
    stage = json.loads((PACES / f"{name}.json").read_text())["stages"][str(phase)]
    return stage["total"], [(at, done) for at, done in stage["readings"]]


def foretold(
    readings: list[tuple[float, int]], order: Order, remembered: dict[str, float]
) -> list[tuple[float, float, float]]:
    """At each reading that foretold the end: at least, at most, and what it really took (s)."""
    pace, ends = Pace(order, remembered), readings[-1][0]
    told = []
    for at, done in readings[:-1]:
        pace.note(at, done)
        span = pace.remaining()
        if span is not None:
            told.append((*span, ends - at))
    return told


def share_that_held(told: list[tuple[float, float, float]]) -> float:
    return sum(low <= took <= high for low, high, took in told) / len(told)


@pytest.mark.parametrize("name", ["busy", "shared", "calm"])
def test_the_end_lies_inside_the_range_nine_times_of_ten(name: str) -> None:
    total, readings = recorded(name, 2)
    told = foretold(readings, (("unit", total),), {})
    assert len(told) > 60
    assert share_that_held(told) >= 0.9


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("shared", (("step", 10), ("chunk", 15), ("step", 10), ("chunk", 9))),
        ("calm", (("step", 10), ("chunk", 8))),
    ],
)
def test_so_it_does_where_units_are_not_alike(name: str, order: Order) -> None:
    told = foretold(recorded(name, 3)[1], order, {})
    assert told
    assert share_that_held(told) >= 0.9


@pytest.mark.parametrize("name", ["busy", "shared", "calm"])
def test_the_range_says_something(name: str) -> None:
    total, readings = recorded(name, 2)
    widths = sorted(high / max(low, 0.5) for low, high, _ in foretold(readings, (("unit", total),), {}))
    assert widths[len(widths) // 2] < 4


def test_units_of_another_kind_are_not_judged_by_those_that_were_seen() -> None:
    pace = Pace((("step", 10), ("chunk", 10)))
    for step in range(9):
        pace.note(step * 0.5, step)
    assert pace.remaining() is None
    for chunk in range(5):
        pace.note(4.5 + chunk * 2.0, 9 + chunk)
    span = pace.remaining()
    assert span is not None
    assert span[0] <= 7 * 2.0 <= span[1]


def test_what_earlier_runs_took_stands_in_until_this_one_has_shown_it() -> None:
    pace = Pace((("step", 10), ("chunk", 10)), {"chunk": 2.0})
    for step in range(9):
        pace.note(step * 0.5, step)
    span = pace.remaining()
    assert span is not None
    assert span[0] < 0.5 * 2 + 20 < span[1]


def test_a_steady_run_is_foretold_narrowly_at_its_end() -> None:
    pace = Pace(FRAMES)
    for second in range(170):
        pace.note(float(second), second * 10)
    span = pace.remaining()
    assert span is not None
    assert (span[0], span[1]) == pytest.approx((6.0, 6.0), abs=1.5)
    assert pace.rate == pytest.approx(10)
    assert pace.history == pytest.approx((10.0,) * 16)


def test_a_long_run_keeps_few_readings_and_still_knows_its_pace() -> None:
    pace = Pace((("unit", 1_000_000),))
    for reading in range(20_000):
        pace.note(reading * 0.5, reading * 5)
    assert len(pace._kept) <= 1024
    span = pace.remaining()
    assert span is not None
    assert span[0] < 90_000 < span[1]


@given(st.lists(st.tuples(st.floats(0, 1e4), st.integers(0, 50)), min_size=1, max_size=60))
def test_no_readings_break_it_and_no_time_is_negative(steps: list[tuple[float, int]]) -> None:
    pace, now, done = Pace((("a", 20), ("b", 30))), 0.0, 0
    for seconds, units in steps:
        now, done = now + seconds, min(50, done + units)
        pace.note(now, done)
        span = pace.remaining()
        assert span is None or 0 <= span[0] <= span[1]


def test_a_stage_that_was_never_run_is_unknown() -> None:
    assert expect({"step": 1.0}, (("step", 2), ("chunk", 1))) is None
    assert expect({"step": 1.0}, (("step", 10),)) == pytest.approx((6.0, 18.0))


def test_paces_are_kept_and_the_newest_run_weighs_most() -> None:
    assert recall("demo cpu tokens") == {}
    remember("demo cpu tokens", {"unit": 1.0, "load": 3.0})
    remember("demo cpu tokens", {"unit": 2.0})
    assert recall("demo cpu tokens") == {"unit": 1.5, "load": 3.0}


@pytest.mark.parametrize("content", ["{", "[]", '{"a": {"b": "x"}}', '{"a": 3}'])
def test_a_damaged_memory_is_an_empty_one(content: str) -> None:
    pace_file().parent.mkdir(parents=True, exist_ok=True)
    pace_file().write_text(content)
    assert recall("a") == {}
    remember("a", {"unit": 1.0})
    assert recall("a") == {"unit": 1.0}
