"""Settings: parsing, ranges, overrides and idleness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SongdeskError
from core.settings import (
    Kind,
    Override,
    Setting,
    Shadow,
    Values,
    changed,
    idle_reason,
    parse_pairs,
    resolve,
)

HEAT = Setting("heat", Kind.REAL, 0.8, "warmth", stage="tokens", lo=0, hi=2, aliases=("temp",))
COUNT = Setting(
    "count", Kind.WHOLE, 50, "how many", stage="tokens", lo=0, hi=100, unit="frames",
    shadowed_by=(Shadow("heat", (0.0,), "no heat, no choice"),),
)  # fmt: skip
FORM = Setting("form", Kind.CHOICE, "wav", "file", stage="audio", choices=("wav", "flac"))
BAN = Setting("ban", Kind.FLAG, True, "ban", stage="tokens")
TABLE = (HEAT, COUNT, FORM, BAN)


@given(st.floats(min_value=0, max_value=2))
def test_every_number_in_range_survives_being_shown_and_read(number: float) -> None:
    shown = HEAT.show(number)
    assert HEAT.parse(shown) == pytest.approx(number, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("raw", ["2.01", "-0.1", "warm", "nan", "inf", ""])
def test_a_number_outside_its_range_is_refused_with_the_range(raw: str) -> None:
    with pytest.raises(SongdeskError) as refusal:
        HEAT.parse(raw, "song.jsonl:3")
    assert refusal.value.where == "song.jsonl:3"
    assert "0 to 2" in refusal.value.hint


@pytest.mark.parametrize(("raw", "value"), [("on", True), ("FALSE", False), ("1", True), (False, False)])
def test_flags_are_read_in_the_usual_spellings(raw: object, value: bool) -> None:
    assert BAN.parse(raw) is value


def test_a_choice_outside_the_list_names_the_list() -> None:
    with pytest.raises(SongdeskError, match="wav, flac"):
        FORM.parse("ogg")


def test_later_overrides_win_and_aliases_reach_their_setting() -> None:
    values = resolve(TABLE, Override({"temp": "0.5"}), Override({"HEAT": 1.5, "form": "flac"}))
    assert values.real("heat") == 1.5
    assert values.text("form") == "flac"
    assert changed(TABLE, values) == {"heat": 1.5, "form": "flac"}


def test_an_unknown_setting_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SongdeskError, match="did you mean count"):
        resolve(TABLE, Override({"cuont": 3}, "--set"))


def test_the_published_parameter_string_is_read() -> None:
    pairs = parse_pairs("temp:0.9, cfg_coef:1.5, Record_Window:50,", between=":")
    assert pairs == {"temp": "0.9", "cfg_coef": "1.5", "record_window": "50"}


@pytest.mark.parametrize("text", ["temp", "temp:", ":0.9", "temp 0.9"])
def test_a_malformed_parameter_is_quoted_back(text: str) -> None:
    with pytest.raises(SongdeskError, match=r"cannot read"):
        parse_pairs(text, between=":")


def test_a_shadowed_setting_says_why_it_is_idle() -> None:
    assert idle_reason(COUNT, {"heat": 0.0}) == "no heat, no choice"
    assert idle_reason(COUNT, {"heat": 0.8}) is None


def test_values_are_frozen() -> None:
    source = {"heat": 1.0}
    values = Values(source)
    source["heat"] = 2.0
    assert values["heat"] == 1.0
    assert values.replace(heat=0.5)["heat"] == 0.5
    assert values["heat"] == 1.0


def test_a_number_goes_by_its_step_from_one_multiple_to_the_next() -> None:
    fine = Setting("heat", Kind.REAL, 0.8, "warmth", stage="tokens", lo=0, hi=2, step=0.05)
    assert [fine.nudge(0.8, by) for by in (1, -1, 3, 100, -100)] == [0.85, 0.75, 0.95, 2.0, 0.0]
    assert fine.nudge(0.83, 1) == 0.85
    assert fine.nudge(0.83, -1) == 0.8
    assert isinstance(fine.nudge(1.0, 1), float)
    assert COUNT.nudge(50, -1) == 49
    assert COUNT.nudge(100, 1) == 100


@given(st.floats(min_value=0, max_value=2), st.integers(min_value=-50, max_value=50))
def test_a_step_never_leaves_the_range_nor_goes_the_wrong_way(value: float, by: int) -> None:
    fine = Setting("heat", Kind.REAL, 0.8, "warmth", stage="tokens", lo=0, hi=2, step=0.05)
    there = fine.nudge(value, by)
    assert isinstance(there, float)
    assert fine.parse(there) == there
    assert (there - value) * by >= 0


def test_a_wide_range_goes_by_one_two_and_five() -> None:
    wide = Setting("k", Kind.WHOLE, 5000, "how many", stage="tokens", lo=0, hi=16384, step=0)
    up = [0]
    while up[-1] < 16384:
        up.append(int(wide.nudge(up[-1], 1)))
    assert up == [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 16384]
    down = [16384]
    while down[-1] > 0:
        down.append(int(wide.nudge(down[-1], -1)))
    assert down == [16384, *up[-2::-1]]
    assert wide.nudge(4999, 1) == 5000


def test_a_large_whole_number_stays_exact() -> None:
    seed = Setting("seed", Kind.WHOLE, -1, "seed", stage="tokens", lo=-1, hi=2**63 - 1)
    assert seed.nudge(2**62 + 1, 1) == 2**62 + 2
    assert seed.nudge(0, -3) == -1


def test_choices_and_flags_are_turned_around() -> None:
    assert [FORM.nudge("wav", by) for by in (1, 2, -1)] == ["flac", "wav", "flac"]
    assert [BAN.nudge(True, by) for by in (1, -1, 2)] == [False, False, True]


def test_an_unquoted_off_of_a_yaml_file_is_the_choice() -> None:
    choice = Setting("c", Kind.CHOICE, "off", "c", stage="tokens", choices=("off", "fork"))
    assert choice.parse(False) == "off"
    with pytest.raises(SongdeskError):
        choice.parse(True)
