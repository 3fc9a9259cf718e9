"""What a song is foretold to take: the way, the room and the time, in a line that fits a terminal."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.device import Device
from core.engine import Rung, StagePlan
from core.family import family_of, resolve_for
from core.machine import Machine
from core.making.forecast import Forecast, forecast
from core.making.paces import about, remember
from core.registry import Variant
from core.settings import Value, Values
from core.song import Song

GIB = 1 << 30
SONG = Song("boats", "[verse]\nPaper boats", "pop")
GPU = Machine("cuda", "GPU", "", "2.11", "CUDA", 15 * GIB, 16 * GIB, 20 * GIB, 32 * GIB, 8)
WAYS: dict[str, tuple[tuple[str, int, dict[str, Value]], ...]] = {
    "conditions": (("texts", 0, {}),),
    "tokens": (
        ("full weights, int8 cache", 11, {"schedule": "lockstep"}),
        ("int8 weights, one transformer after the other, int8 cache", 5, {"schedule": "two-pass"}),
    ),
    "audio": (("as set", 4, {}),),
}


TURNS = "int8 weights, one transformer after the other"


def ladder(song: Song, chosen: Variant, values: Values, stage: str, device: Device) -> tuple[Rung, ...]:
    return tuple(
        Rung(StagePlan(stage, 100, size * GIB, 0, 0), settings, name) for name, size, settings in WAYS[stage]
    )


KIND, CHOSEN = family_of("demo")
KIND = replace(KIND, ladder=ladder)
VALUES = resolve_for(KIND, CHOSEN, [])


@pytest.fixture(autouse=True)
def _nothing_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def told(free: float | None, **more: object) -> Forecast:
    machine = replace(GPU, free=None if free is None else int(free * GIB))
    return forecast(KIND, CHOSEN, SONG, VALUES, machine)


def names(found: Forecast) -> list[str]:
    return [stage.rung.name for stage in found.stages]


def test_the_way_and_the_room_are_told() -> None:
    found = told(15.2)
    assert found.fits is True
    assert found.words == "fits: full weights, int8 cache, 11.6 of 15.2 GiB free"
    assert names(told(11.5)) == ["texts", WAYS["tokens"][1][0], "as set"]


def test_what_does_not_fit_says_what_it_would_need() -> None:
    found = told(5)
    assert found.fits is False
    assert [stage.fits for stage in found.stages] == [True, False, True]
    assert found.words == f"too big: {TURNS}, 5.6 of 5.0 GiB free"


def test_how_it_is_composed_is_told_though_another_stage_takes_more(monkeypatch: pytest.MonkeyPatch) -> None:
    more: tuple[tuple[str, int, dict[str, Value]], ...] = (
        ("decoding 64 latents at a time", 12, {}),
        ("decoding 8 latents at a time", 11, {}),
    )
    monkeypatch.setitem(WAYS, "audio", more)
    found = told(15.2)
    assert found.fullest.stage == "audio"
    assert found.words == "fits: full weights, int8 cache, 12.6 of 15.2 GiB free"
    assert told(11.5).words == "too big: rendering (decoding 8 latents at a time), 11.6 of 11.5 GiB free"


def test_unknown_memory_is_called_unknown() -> None:
    found = told(None)
    assert (found.fits, found.free) == (None, None)
    assert found.words == "free memory unknown: full weights, int8 cache, 11.6 GiB"
    assert forecast(KIND, CHOSEN, SONG, VALUES, None).fits is None


def test_what_is_more_than_all_there_is_does_not_fit_though_it_is_unknown_what_is_free() -> None:
    def small(total: int) -> Forecast:
        machine = replace(GPU, free=None, total=total * GIB)
        return forecast(KIND, CHOSEN, SONG, VALUES, machine)

    assert names(small(8)) == ["texts", WAYS["tokens"][1][0], "as set"]
    assert small(8).fits is None
    assert small(5).fits is False
    assert small(5).words == f"too big: {TURNS}, 5.6 of 5.0 GiB in all"
    values = VALUES.replace(memory="trusted")
    machine = replace(GPU, free=None, total=GIB)
    assert forecast(KIND, CHOSEN, SONG, values, machine).fits is None


def test_the_time_is_told_once_every_stage_was_seen() -> None:
    assert told(15).seconds is None
    remember(about("demo", "cuda", "tokens"), {"load": 10.0, "unit": 1.5})
    assert told(15).seconds is None
    remember(about("demo", "cuda", "audio"), {"load": 5.0, "unit": 0.8})
    found = told(15)
    assert found.seconds == pytest.approx((0.6 * 245, 1.8 * 245))
    assert found.words == "fits: full weights, int8 cache, 11.6 of 15.0 GiB free · about 2 to 7 min"
    remember(about("demo", "cuda", "tokens", WAYS["tokens"][1][0]), {"load": 10.0, "unit": 15.0})
    slow = told(8).seconds
    assert slow is not None
    assert slow[1] > 1.8 * 1500, "ways are told apart"
    assert told(15).seconds == found.seconds


def test_every_line_fits_a_terminal() -> None:
    remember(about("demo", "cuda", "tokens"), {"load": 10.0, "unit": 150.0})
    remember(about("demo", "cuda", "audio"), {"load": 5.0, "unit": 80.8})
    assert all(len(told(free).words) <= 78 for free in (None, 1, 5.6, 8, 11.7, 1000))


def test_it_imports_no_torch_and_no_numpy() -> None:
    code = "import sys, core.making.forecast; sys.exit(bool({'torch', 'numpy'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
