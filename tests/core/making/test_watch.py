"""What a run shows of its end: the phase alone the first time, the whole song once it was seen to the end."""

from pathlib import Path

import pytest

import core.making.watch
from core.engine import Verdict
from core.family import family_of, resolve_for
from core.making.watch import Watch
from core.meter import State
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
