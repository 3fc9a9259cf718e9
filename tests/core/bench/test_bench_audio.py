"""What the report says of phase 3, and what it refuses to say."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from core.bench import audio
from core.bench.audio import TOLERANCE, Agreement, Measured, Report, Task, bench_audio, sizes
from core.bench.measure import Lap
from core.bench.straightforward import decode_overlapping
from core.errors import SongdeskError
from core.levo.shapes import shapes_of
from core.registry import variant

CPU = torch.device("cpu")


def measured(*laps: tuple[float, float, float, int], weights: int = 100) -> Measured:
    return Measured(tuple(Lap(*lap) for lap in laps), song=4.0, frames=120, chunk=64, weights=weights)


def a_report(baseline: Measured, ours: Measured, planned: int) -> Report:
    return Report(
        model="toy", weights="random", shapes=shapes_of(variant("demo").shapes), device="CPU", torch="2",
        threads=1, launch="one by one", memory_is="bytes", task=Task(100, 2, 1.5, "fp32", cut_down=False),
        agreement=Agreement(60, 0.0, 0.0), baseline=baseline, ours=ours, planned=planned,
    )  # fmt: skip


def test_a_way_is_the_least_of_its_times_and_the_most_of_its_memory() -> None:
    way = measured((12.0, 1.0, 11.0, 20), (8.0, 2.0, 13.0, 30))
    assert (way.seconds, way.factor, way.first, way.memory) == (8.0, 2.0, 1.0, 130)
    assert way.processor == 11.0
    assert way.spread == 0.5


def test_ratios_are_above_one_where_ours_is_ahead() -> None:
    report = a_report(measured((8.0, 8.0, 9.0, 200)), measured((4.0, 1.0, 5.0, 50)), planned=120)
    assert report.ratios == (2.0, 8.0, 2.0)
    assert report.plan_error == pytest.approx(-0.2)
    assert report.task.song == 4.0


@pytest.mark.parametrize("off", [2 * TOLERANCE, float("nan")])
def test_an_agreement_needs_both_numbers(off: float) -> None:
    assert Agreement(60, TOLERANCE, TOLERANCE).holds
    assert not Agreement(60, off, 0.0).holds
    assert not Agreement(60, 0.0, off).holds


def test_both_ways_agree_on_the_toy_and_do_the_whole_song(windowed: str) -> None:
    report = bench_audio(variant(windowed), CPU, "CPU", seconds=3, steps=2)
    assert 0 < report.agreement.latents < TOLERANCE
    assert 0 <= report.agreement.sound < TOLERANCE
    assert (report.task.frames, report.task.steps) == (75, 2)
    assert (report.baseline.frames, report.ours.frames) == (60 + 60, 60 + 35)
    assert all(len(way.laps) == 2 for way in (report.baseline, report.ours))
    assert all(way.memory > way.weights > 0 for way in (report.baseline, report.ours))


def test_no_speed_is_given_when_the_ways_disagree(windowed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    decode = decode_overlapping

    def off(*args: Any) -> Tensor:
        return decode(*args) + 0.01

    monkeypatch.setattr(audio, "decode_overlapping", off)
    monkeypatch.setattr(audio, "take_turns", None)
    with pytest.raises(SongdeskError, match="the two ways differ"):
        bench_audio(variant(windowed), CPU, "CPU", seconds=4, steps=1)


@pytest.mark.parametrize(("seconds", "steps"), [(0.0, 1), (1000.0, 1), (4.0, 0), (4.0, 101)])
def test_song_and_steps_must_be_in_range(windowed: str, seconds: float, steps: int) -> None:
    with pytest.raises(SongdeskError):
        bench_audio(variant(windowed), CPU, "CPU", seconds=seconds, steps=steps)


@pytest.mark.parametrize(
    ("model", "device", "given", "expected"),
    [
        ("demo", "cpu", (None, None), (60, 10, False)),
        ("v2-large", "cuda", (None, None), (60, 10, False)),
        ("v2-large", "cpu", (None, None), (10, 1, True)),
        ("v2-large", "cpu", (40.0, None), (40, 1, True)),
        ("v2-large", "cpu", (40.0, 3), (40, 3, False)),
    ],
)
def test_a_processor_is_given_less_of_a_wide_model(
    model: str, device: str, given: tuple[float | None, int | None], expected: tuple[float, int, bool]
) -> None:
    values, cut_down = sizes(variant(model), torch.device(device), seconds=given[0], steps=given[1])
    assert (values["length"], values["flow_steps"], cut_down) == expected


def test_a_song_is_never_longer_than_the_model_allows(windowed: str) -> None:
    chosen = variant(windowed)
    short = replace(chosen, limits=replace(chosen.limits, seconds=20))
    assert sizes(short, CPU, seconds=None, steps=None)[0]["length"] == 20
