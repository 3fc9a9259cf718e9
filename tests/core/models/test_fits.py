"""What fits a machine: the longest song that is told fits the plan, and one step more does not."""

from dataclasses import replace

import pytest

from core.engine import Rung, StagePlan
from core.family import Family, family, resolve_for
from core.machine import Machine
from core.models import fits
from core.models.fits import fit_of
from core.registry import Variant, variant
from core.settings import Kind, Setting, Values
from core.song import Song

GIB = 1 << 30
OVERHEAD = GIB // 2


def machine(free: float | None, *, device: str = "cuda") -> Machine:
    room = None if free is None else int(free * GIB)
    here = Machine("cuda", "a card", "asked for", "", "", room, 24 * GIB, 1, 64 * GIB, 8)
    return here if device == "cuda" else replace(here, device="cpu", ram_free=room or 0)


class Bench:
    """A family whose ways take so many MiB: weights 4000 or 2000, and 10 a second, half of it by turns."""

    LIMIT = 200.0

    def __init__(self, usual: Family, chosen: Variant) -> None:
        table = {setting.key: setting for setting in usual.settings(chosen)}
        weights = Setting(
            "weights", Kind.CHOICE, "auto", "", stage="tokens", choices=("auto", "full", "int8")
        )
        self.settings = tuple({**table, "weights": weights}.values())
        self.asked: list[tuple[str, float]] = []

    def ladder(
        self, song: Song, chosen: Variant, values: Values, stage: str, device: str
    ) -> tuple[Rung, ...]:
        self.asked.append((stage, values.real("length")))
        if stage != "tokens":
            return (Rung(StagePlan(stage, 1, 100 << 20, 0, 0), name="as set"),)
        weights = 4000 if values["weights"] == "full" else 2000
        turns = 2 if values["schedule"] == "two-pass" else 1
        cache = int(
            values.real("length") * {"int8": 10, "mulaw8": 9, "fp16": 20, "fp32": 40}[str(values["kv_cache"])]
        )
        plan = StagePlan(stage, 1, (weights // turns) << 20, (cache // turns) << 20, 0)
        short = replace(plan, cache=0)
        return (
            Rung(plan, name="as set"),
            Rung(short, {"length": 10.0}, name="a song of 10 s"),
            Rung(replace(plan, weights=0, cache=0), name="on the processor", device="cpu"),
        )


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    usual, chosen = family("levo"), variant("v2-large")
    made = Bench(usual, chosen)
    known = replace(usual, settings=lambda _: made.settings, ladder=made.ladder)
    monkeypatch.setattr(fits, "family", lambda _: known)
    return made


def line(free: float | None) -> str:
    chosen = variant("v2-large")
    limited = replace(chosen, limits=replace(chosen.limits, seconds=Bench.LIMIT))
    return fit_of(limited, machine(free), overhead=OVERHEAD).line


def test_the_best_way_that_makes_the_longest_songs_is_told(bench: Bench) -> None:
    # MiB: full together 6000, by turns 3000; int8 together 4000, by turns 2000; 512 beside
    turns = "one transformer after the other"
    assert line(6.5) == "full weights, int8 cache, 6.4 GiB, up to 3:20"
    assert line(4.0) == f"full weights, int8 cache, 3.4 GiB, up to 3:20, {turns}"
    assert line(2.6) == f"int8 weights, int8 cache, 2.5 GiB, up to 3:20, {turns}"
    assert line(2.4) == f"int8 weights, mulaw8 cache, 2.4 GiB, up to 3:20, {turns}"
    assert line(2.2).startswith("int8 weights, mulaw8 cache, 2.2 GiB, up to 2:")
    assert line(1.5) == "does not fit: needs 1.6 GiB, 1.5 free"


def test_a_way_that_shortens_the_song_or_leaves_the_device_is_no_way_to_fit(bench: Bench) -> None:
    fit = fit_of(variant("v2-large"), machine(1.0), overhead=OVERHEAD)
    assert fit.best is None
    assert all(way.seconds == 0 and way.least > GIB for way in fit.ways)


def test_where_free_memory_is_unknown_the_need_is_told(bench: Bench) -> None:
    told = line(None)
    lean = "with int8 weights, one transformer after the other, mulaw8 cache, 2.4"
    assert told == f"needs 6.4 GiB for 3:20; {lean}"
    assert fit_of(variant("v2-large"), None, overhead=OVERHEAD).free is None
    assert all(way.seconds is None for way in fit_of(variant("v2-large"), None, overhead=OVERHEAD).ways)


def test_what_no_way_changes_is_reckoned_once_a_length(bench: Bench) -> None:
    fit_of(variant("v2-large"), machine(4.0), overhead=OVERHEAD)
    audio = [length for stage, length in bench.asked if stage == "audio"]
    assert len(audio) == len(set(audio)) < len([1 for stage, _ in bench.asked if stage == "tokens"])


@pytest.mark.parametrize("free", [5.0, 8.0, 11.0])
@pytest.mark.parametrize("name", ["v2-large", "v1-base"])
def test_of_the_real_models_the_longest_song_fits_and_a_longer_one_does_not(name: str, free: float) -> None:
    kind, chosen = family("levo"), variant(name)
    fit = fit_of(chosen, machine(free), overhead=OVERHEAD)
    assert fit.longest == chosen.limits.seconds
    for way in fit.ways:
        values = resolve_for(kind, chosen, []).replace(**way.settings)
        if not way.seconds:
            assert way.least > free * GIB
            continue
        assert way.peak <= free * GIB
        longer = way.seconds + 5
        if longer <= chosen.limits.seconds:
            rung = kind.ladder(Song("", "", ""), chosen, values.replace(length=longer), "tokens", "cuda")[0]
            assert rung.plan.peak + OVERHEAD > free * GIB


def test_on_the_processor_its_own_memory_counts() -> None:
    chosen = variant("v2-medium")
    fit = fit_of(chosen, machine(60.0, device="cpu"), overhead=OVERHEAD)
    assert fit.free == 60 * GIB
    assert fit.line.startswith("full weights, int8 cache, ")
    assert fit.line.endswith(" GiB, up to 4:30")
    assert fit.brief.startswith("up to 4:30, ")
