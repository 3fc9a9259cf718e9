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
