"""Song time as people say and write it."""

import pytest

from core.clock import clock, seconds_of


@pytest.mark.parametrize(("seconds", "said"), [(0, "0:00"), (59.9, "0:59"), (65, "1:05"), (3600, "60:00")])
def test_time_is_said_in_minutes_and_seconds(seconds: float, said: str) -> None:
    assert clock(seconds) == said


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("2:10", 130), ("130", 130), ("130s", 130), ("12.5 s", 12.5), ("0:07.25", 7.25), (" 1:5 ", 65)],
)
def test_time_is_read_as_people_write_it(said: str, seconds: float) -> None:
    assert seconds_of(said) == seconds


@pytest.mark.parametrize("said", ["", "chorus", "2:75", "-3", "1e3", "nan", "1:2:3", "²"])
def test_what_is_no_time_is_none(said: str) -> None:
    assert seconds_of(said) is None
