"""Settings of a song taken along to another model."""

from core.family import family_of
from core.models.suited import suited
from core.settings import Kind, Setting

TABLE = (
    Setting("length", Kind.REAL, 30.0, "", stage="tokens", lo=1, hi=120, aliases=("seconds",)),
    Setting("steps", Kind.WHOLE, 10, "", stage="audio", lo=2, hi=100),
    Setting("kv_cache", Kind.CHOICE, "fp32", "", stage="tokens", choices=("fp32", "int8")),
)


def test_what_another_model_knows_stays_as_it_was_written() -> None:
    given = {"Seconds": "60", "kv_cache": "INT8"}
    carried = suited(TABLE, given)
    assert (carried.given, carried.notes) == (given, ())


def test_what_it_has_no_room_for_goes_to_the_end_and_what_it_does_not_know_is_left_out() -> None:
    carried = suited(
        TABLE, {"length": "250.5", "steps": 1, "kv_cache": "mulaw8", "depth": "3", "seconds": "x"}
    )
    assert carried.given == {"length": "120", "steps": "2"}
    assert carried.notes == (
        "length 250.5 is 120: its most",
        "steps 1 is 2: its least",
        "kv_cache mulaw8 is left out",
        "depth 3 is left out",
        "seconds x is left out",
    )


def test_between_the_models_there_are_nothing_but_the_length_is_lost() -> None:
    large, demo = (family_of(name) for name in ("v2-large", "demo"))
    given = {setting.key: setting.show(setting.default) for setting in large[0].settings(large[1])}
    carried = suited(demo[0].settings(demo[1]), {**given, "length": "280"})
    assert carried.notes == ("length 280 is 120: its most",)
