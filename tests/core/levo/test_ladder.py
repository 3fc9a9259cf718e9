"""The ways a stage can be run: their order, what they keep, and the memory they are to stay within."""

from pathlib import Path
from typing import Any

import pytest

from core.device import Device
from core.engine import Rung
from core.levo.ladder import ladder
from core.levo.settings import resolved, settings_of
from core.registry import variant
from core.settings import Value, Values
from core.song import Reference, Song

SONG = Song("", "", "")
LARGE = variant("v2-large")
GIB = 1 << 30


def values(**changes: Value) -> Values:
    table = {setting.key: setting.default for setting in settings_of(LARGE)}
    return Values({**table, "ahead": "off", **changes})  # what is heard meanwhile has tests of its own


def rungs(stage: str, device: Device = "cuda", song: Song = SONG, **changes: Value) -> tuple[Rung, ...]:
    return ladder(song, LARGE, values(**changes), stage, device)


def names(found: tuple[Rung, ...]) -> list[str]:
    return [rung.name for rung in found]


@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_the_best_comes_first_and_shorter_songs_last(device: Device) -> None:
    found = rungs("tokens", device, length=150.0)
    assert names(found) == [
        "full weights",
        "full weights, one transformer after the other",
        "int8 weights",
        "int8 weights, one transformer after the other",
        *(
            f"only {seconds} s, int8 weights, one transformer after the other"
            for seconds in (120, 90, 60, 45, 30)
        ),
    ]
    assert found[0].costs == ""
    assert all(rung.costs for rung in found[1:])
    assert [rung.settings.get("length") for rung in found[3:6]] == [None, 120.0, 90.0]
    assert min(found, key=lambda rung: rung.plan.peak) is found[-1]


@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_a_cache_left_to_memory_is_unpacked_only_where_there_is_room(device: Device) -> None:
    found = rungs("tokens", device, length=30.0, kv_cache="auto")
    plain = "fp16" if device == "cuda" else "fp32"
    caches = [rung.settings["kv_cache"] for rung in found]
    assert caches == [plain, *["int8"] * 4], "µ-law's prefill takes more than its cache saves"
    peaks = [rung.plan.peak for rung in found]
    assert peaks[1] < peaks[0]


def test_mulaw_is_a_way_where_it_takes_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.levo.plan_tokens.PREFILL_CHUNK", 953)
    found = rungs("tokens", length=280.0, kv_cache="auto", minimum_length=280.0)
    assert [rung.settings["kv_cache"] for rung in found[-2:]] == ["int8", "mulaw8"]
    assert found[-1].plan.peak < found[-2].plan.peak


@pytest.mark.parametrize(
    ("fixed", "count"),
    [
        ({"weights": "full"}, 2), ({"weights": "int8"}, 2), ({"schedule": "lockstep"}, 2),
        ({"schedule": "two-pass"}, 2), ({"schedule": "lockstep", "weights": "full"}, 1),
        ({"kv_cache": "mulaw8"}, 4),
    ],
)  # fmt: skip
def test_what_a_person_fixed_is_kept(fixed: Any, count: int) -> None:
    found = rungs("tokens", length=31.0, **fixed)
    assert len(found) == count + 1
    assert names(found)[-1].startswith("only 30 s")
    for rung in found:
        assert not set(rung.settings) & {*fixed, "kv_cache"}
        assert rung.settings.keys() <= {"weights", "schedule", "length"}
    assert [rung.settings.get("length") for rung in found[:-1]] == [None] * count


def test_int4_is_taken_where_it_is_asked_for_and_nowhere_else() -> None:
    for kept in ("auto", "int8"):
        assert "int4" not in " ".join(names(rungs("tokens", length=280.0, kv_cache=kept)))
    asked = rungs("tokens", length=280.0, weights="int4")
    assert all(name.partition(", ")[0] == "int4 weights" for name in names(asked) if "only" not in name)
    assert asked[0].plan.peak < rungs("tokens", length=280.0, weights="int8")[0].plan.peak


def test_no_way_is_shorter_than_the_shortest_song_allowed() -> None:
    found = rungs("tokens", length=200.0, minimum_length=100.0)
    assert [rung.settings["length"] for rung in found if "length" in rung.settings] == [180.0, 150.0, 120.0]


@pytest.mark.parametrize("stage", ["conditions", "tokens", "audio"])
@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_the_engine_takes_the_first_way_where_nobody_chose(stage: str, device: Device) -> None:
    asked = values(kv_cache="auto")
    first = ladder(SONG, LARGE, asked, stage, device)[0]
    assert dict(first.settings).items() <= resolved(asked, half=device == "cuda").items()


@pytest.mark.parametrize("stage", ["conditions", "tokens", "audio"])
def test_no_way_leaves_anything_open_that_its_stage_reads(stage: str) -> None:
    read = {
        "conditions": ("listen_on",),
        "tokens": ("weights", "schedule", "kv_cache"),
        "audio": ("decode_chunk",),
    }[stage]
    for rung in rungs(stage, kv_cache="auto"):
        full = values(kv_cache="auto").replace(**rung.settings)
        assert not {"auto", 0} & {full[key] for key in read}


@pytest.mark.parametrize(
    ("settings", "most"),
    [
        ({"weights": "full", "schedule": "lockstep"}, 11.2),
        ({"weights": "full", "schedule": "two-pass"}, 8.3),
        ({"weights": "int8", "schedule": "two-pass"}, 5.52),
    ],
)
@pytest.mark.parametrize("cache", ["int8", "mulaw8"])
def test_the_large_model_stays_within_the_memory_it_was_promised(
    settings: dict[str, Value], most: float, cache: str
) -> None:
    """GiB for 280 s on an accelerator, without what the runtime takes."""
    (rung, *_) = (
        rung for rung in rungs("tokens", length=280.0, kv_cache=cache) if dict(rung.settings) == settings
    )
    assert rung.plan.peak / GIB <= most


def test_a_processor_is_planned_in_full_numbers() -> None:
    there, here = (rungs("tokens", device)[0].plan for device in ("cuda", "cpu"))
    assert here.weights == 2 * there.weights


def test_a_reference_can_be_heard_by_the_processor() -> None:
    song = Song("", "", "", reference=Reference(path=str(Path("a.wav"))))
    device, processor = rungs("conditions", song=song)
    assert (device.device, processor.device) == ("", "cpu")
    assert device.plan.peak > GIB
    assert [rung.settings["listen_on"] for rung in (device, processor)] == ["device", "cpu"]
    (fixed,) = rungs("conditions", song=song, listen_on="cpu")
    assert (fixed.device, dict(fixed.settings)) == ("cpu", {})
    (alone,) = rungs("conditions", "cpu", song=song)
    assert alone.device == ""


def test_sound_is_decoded_in_smaller_parts_where_that_takes_less() -> None:
    found = rungs("audio")
    assert [rung.settings["decode_chunk"] for rung in found] == [64, 32, 16, 8]
    peaks = [rung.plan.peak for rung in found]
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[-1] < peaks[0]
    (fixed,) = rungs("audio", decode_chunk=128)
    assert dict(fixed.settings) == {}


def test_every_way_is_told_in_one_line() -> None:
    every: list[Any] = [
        *rungs("tokens", kv_cache="auto", length=280.0), *rungs("audio"), *rungs("conditions"),
    ]  # fmt: skip
    assert all(0 < len(rung.name) <= 80 and "\n" not in rung.name for rung in every)
    assert len({(rung.name, rung.plan.stage) for rung in every}) == len(every)
