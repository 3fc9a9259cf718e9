"""What a run shows of its end: the phase alone the first time, the whole song once it was seen to the end."""

from dataclasses import replace
from pathlib import Path

import pytest

import core.making.watch
from core.device import Device
from core.engine import Rung, StagePlan, Verdict
from core.family import family_of, resolve_for
from core.making import watchdog
from core.making.governor import Choice, Room
from core.making.watch import Watch
from core.meter import Memory, State
from core.song import Song
from core.takes.job import Job

KIND, CHOSEN = family_of("demo")
VALUES = resolve_for(KIND, CHOSEN, ())
SONG = Song("boats", "[verse]\nPaper boats are drifting", "pop")
TOKENS, AUDIO = KIND.stages[1:]
FRAME, STEP = 0.01, 0.5
"""Seconds."""


@pytest.fixture(autouse=True)
def _nothing_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(core.making.watch, "time", clock)
    return clock


def watch() -> Watch:
    return Watch(Job("a", SONG, "demo", VALUES, Path("a"), Path("a.wav")))


def go(watch: Watch, clock: Clock, stage: str, seconds: float, share: float = 1.0) -> None:
    """Do a share of a stage, each unit in the same time (s), after a second of loading."""
    plan = KIND.plan(SONG, CHOSEN, VALUES)
    total = next(load.units for load in plan.stages if load.stage == stage)
    watch.begin(KIND.stage(stage), plan, "cpu")
    clock.now += 1.0
    for done in range(1, int(total * share) + 1):
        clock.now += seconds
        watch.step(done, total)


def test_the_first_run_foretells_its_phase_and_the_second_the_whole_song(clock: Clock) -> None:
    first = watch()
    go(first, clock, TOKENS.id, FRAME, share=0.5)
    half = first.meter
    assert half.eta is not None
    assert half.ready is None
    go(first, clock, TOKENS.id, FRAME)
    go(first, clock, AUDIO.id, STEP)
    last = first.meter
    assert last.ready is not None, "the last phase is the rest of the song"
    first.ended(State.DONE)
    second = watch()
    go(second, clock, TOKENS.id, FRAME, share=0.5)
    plan = KIND.plan(SONG, CHOSEN, VALUES)
    units = {load.stage: load.units for load in plan.stages}
    took = units[TOKENS.id] * FRAME / 2 + 1.0 + units[AUDIO.id] * STEP
    assert second.meter.ready is not None
    assert second.meter.ready[0] <= took <= second.meter.ready[1]


@pytest.mark.parametrize("state", [State.CANCELLED, State.FAILED, State.STOPPED])
def test_a_run_that_was_cut_short_teaches_nothing_of_its_last_phase(clock: Clock, state: State) -> None:
    cut = watch()
    go(cut, clock, AUDIO.id, STEP)
    ended = cut.ended(state)
    assert (ended.state, ended.eta, ended.ready, ended.rates) == (state, None, None, ())
    after = watch()
    go(after, clock, TOKENS.id, FRAME)
    assert after.meter.ready is None


def test_progress_never_goes_back_within_a_phase(clock: Clock) -> None:
    run = watch()
    go(run, clock, TOKENS.id, FRAME, share=0.5)
    before = run.meter.done
    clock.now += 1.0
    assert run.step(before - 10, run.meter.total) is Verdict.GO
    assert run.meter.done == before


def way(name: str, *, broke: bool = False, kept: bool = False, peak: int = 5000) -> Choice:
    rung, other = (Rung(StagePlan("tokens", 100, peak, 0, 0), {}, called) for called in (name, "other"))
    return Choice(rung, Room(9000, 300), other, broke=(other,) if broke else (), kept=kept)


def test_the_way_and_what_it_is_to_take_are_shown(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(planned: int | None = None, *, device: Device) -> Memory:
        return Memory("VRAM", 1, 2, 3, planned)

    monkeypatch.setattr(core.making.watch, "read_memory", read)
    run, plan = watch(), KIND.plan(SONG, CHOSEN, VALUES)
    run.begin(TOKENS, plan, "cuda", way("int8 weights"))
    assert run.meter.way == "int8 weights"
    assert run.meter.memory == Memory("VRAM", 1, 2, 3, 5300)
    run.begin(AUDIO, plan, "cuda", way("small chunks", peak=0))
    assert run.meter.memory == Memory("VRAM", 1, 2, 3, 0)


def test_a_stage_that_begins_again_shows_no_more_loss_than_there_is(clock: Clock) -> None:
    run, plan = watch(), KIND.plan(SONG, CHOSEN, VALUES)
    go(run, clock, TOKENS.id, FRAME, share=0.5)
    half, total = run.meter.done, run.meter.total
    run.stop(keep=True)
    run.begin(TOKENS, plan, "cpu", way("lean", broke=True, kept=True))
    assert (run.meter.done, run.meter.total) == (half, total), "until it says where it goes on"
    assert run.meter.way == "memory ran out: goes on with lean"
    clock.now += 1
    assert run.step(half - 20, 2 * total) is Verdict.FINISH, "what the person asked for still holds"
    assert (run.meter.done, run.meter.total) == (half - 20, 2 * total)
    clock.now += 1
    run.step(half - 25, 2 * total)
    assert run.meter.done == half - 20


def test_a_stop_is_not_heard_by_sound_that_is_begun_anew(clock: Clock) -> None:
    run, plan = watch(), KIND.plan(SONG, CHOSEN, VALUES)
    go(run, clock, AUDIO.id, STEP, share=0.5)
    run.stop(keep=True)
    run.begin(AUDIO, plan, "cpu", way("lean", broke=True))
    clock.now += 1
    assert run.step(1, plan.stages[2].units) is Verdict.GO
    assert run.reading.state is State.RUNNING


def test_later_stages_are_foretold_for_where_the_song_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def pace_of(model: str, device: str, stage: str, way: str) -> dict[str, float]:
        asked.append((stage, device))
        return {}

    monkeypatch.setattr(core.making.watch, "pace_of", pace_of)
    run, plan = watch(), KIND.plan(SONG, CHOSEN, VALUES)
    run.begin(KIND.stages[0], plan, "cpu", replace(way("on the processor"), run_on="cuda"))
    assert asked == [("conditions", "cpu"), ("tokens", "cuda"), ("audio", "cuda")]
    assert run.meter.memory is not None
    assert run.meter.memory.where == "RAM"


def test_sound_that_is_begun_again_is_not_there_any_more(clock: Clock) -> None:
    run = watch()
    go(run, clock, AUDIO.id, STEP, share=0.5)
    run.heard(Path("preview.wav"), 3.0)
    run.begin(AUDIO, KIND.plan(SONG, CHOSEN, VALUES), "cpu", way("lean", broke=True))
    assert (run.meter.done, run.meter.preview, run.meter.preview_seconds) == (0, None, 0.0)


def test_a_pace_belongs_to_a_way(clock: Clock) -> None:
    plan = KIND.plan(SONG, CHOSEN, VALUES)
    for name, seconds in (("fast", FRAME), ("slow", 10 * FRAME)):
        run = watch()
        run.begin(TOKENS, plan, "cpu", way(name))
        for done in range(1, plan.stages[1].units + 1):
            clock.now += seconds
            run.step(done, plan.stages[1].units)
        run.ended(State.DONE)
    found = {}
    for name in ("fast", "slow", "new"):
        run = watch()
        go(run, clock, AUDIO.id, STEP)
        run.ended(State.DONE)
        run.begin(TOKENS, plan, "cpu", way(name))
        assert run.meter.ready is not None
        found[name] = run.meter.ready[0]
    assert found["fast"] < found["new"] < found["slow"]


def test_a_run_that_spills_is_warned_of_and_told_by_the_recipe(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "is_wsl", lambda: True)
    monkeypatch.setattr(core.making.watch, "read_memory", lambda planned=None, *, device: Memory("VRAM"))
    plan = KIND.plan(SONG, CHOSEN, VALUES)
    total = plan.stages[1].units
    for each, spills in ((FRAME, False), (50 * FRAME, True)):
        run = watch()
        run.begin(TOKENS, plan, "cuda", way("full"))
        for done in range(1, total + 1):
            clock.now += each
            run.step(done, total)
        assert bool(run.meter.warning) is spills
        assert bool(run.remarks()) is spills
        run.ended(State.DONE)
    assert run.ended(State.DONE).warning == "", "nothing is wrong with what is over"
