"""The engine thread: progress, stop, knobs, errors and leaving."""

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import core.making.render
from core.engine import Verdict
from core.errors import SongdeskError
from core.family import family_of, resolve_for
from core.making.runner import Runner
from core.making.watch import Watch
from core.meter import Meter, State
from core.song import Song
from core.takes.job import Job, Outcome

KIND, CHOSEN = family_of("demo")
VALUES = resolve_for(KIND, CHOSEN, []).replace(seed=1)
SONG = Song("boats", "[verse]\nPaper boats are drifting\n\n[chorus]\nHold the line", "pop")

Work = Callable[[Job, Watch], Outcome]


def job(name: str = "a", folder: Path = Path("unused")) -> Job:
    return Job(name, SONG, "demo", VALUES, folder / name, folder / f"{name}.wav")


class Ends:
    """Collects outcomes from the engine thread."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self._there = threading.Condition()

    def __call__(self, outcome: Outcome) -> None:
        with self._there:
            self.outcomes.append(outcome)
            self._there.notify_all()

    def wait(self, count: int = 1) -> list[Outcome]:
        with self._there:
            assert self._there.wait_for(lambda: len(self.outcomes) >= count, timeout=20)
        return self.outcomes


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.002)


@pytest.fixture
def runner() -> Iterator[Runner]:
    made = Runner()
    yield made
    assert made.close()


def working(monkeypatch: pytest.MonkeyPatch, work: Work) -> None:
    monkeypatch.setattr(core.making.render, "render", work)


def steps(watch: Watch, count: int = 100_000) -> State:
    """A stage that goes on until it is done or told to finish."""
    watch.begin(KIND.stages[1], KIND.plan(SONG, CHOSEN, VALUES), "cpu")
    for done in range(1, count + 1):
        if watch.step(done, count) is Verdict.FINISH:
            return State.STOPPED
        time.sleep(0.0005)
    return State.DONE


def sing(asked: Job, watch: Watch) -> Outcome:
    return Outcome(asked, steps(watch))


def test_jobs_run_in_the_order_they_came(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    working(monkeypatch, lambda asked, watch: Outcome(asked, steps(watch, 3)))
    ends = Ends()
    for name in "abc":
        runner.submit(job(name), ends)
    assert [o.job.id for o in ends.wait(3)] == ["a", "b", "c"]
    assert runner.meter.state is State.DONE
    assert not runner.busy


def test_progress_is_read_without_asking_the_engine(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    working(monkeypatch, sing)
    ends = Ends()
    runner.submit(job(), ends)
    seen: list[Meter] = []

    def measured() -> bool:
        seen.append(runner.meter)
        return runner.meter.rate is not None

    until(measured)
    busy = [meter for meter in seen if meter.phase]
    assert [m.done for m in busy] == sorted(m.done for m in busy)
    assert busy[-1].stage == "composing"
    assert busy[-1].section in ("verse", "chorus")
    assert busy[-1].eta is not None
    assert busy[-1].eta[0] < busy[-1].eta[1]
    runner.stop(keep=False)
    ends.wait()


def test_songs_that_wait_are_counted(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    working(monkeypatch, sing)
    ends = Ends()
    for name in "abc":
        runner.submit(job(name), ends)
    until(lambda: runner.meter.job == "a")
    assert runner.meter.waiting == 2
    for left in (1, 0):
        runner.stop(keep=False)
        until(lambda left=left: runner.meter.waiting == left)  # type: ignore[misc]
    runner.stop(keep=False)
    ends.wait(3)


def test_stop_ends_the_run_and_the_next_one_starts_clean(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    working(monkeypatch, sing)
    ends = Ends()
    runner.submit(job("first"), ends)
    until(lambda: runner.meter.done > 0)
    runner.stop(keep=False)
    assert ends.wait()[0].state is State.CANCELLED
    working(monkeypatch, lambda asked, watch: Outcome(asked, steps(watch, 5)))
    runner.submit(job("second"), ends)
    assert ends.wait(2)[1].state is State.DONE


def test_stop_and_keep_lets_the_stage_wind_up(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    working(monkeypatch, sing)
    ends = Ends()
    runner.submit(job(), ends)
    until(lambda: runner.meter.done > 0)
    runner.stop(keep=True)
    assert runner.meter.state in (State.FINISHING, State.STOPPED)
    assert ends.wait()[0].state is State.STOPPED


def test_stop_and_keep_before_anything_is_made_ends_the_run(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = threading.Event()

    def load(asked: Job, watch: Watch) -> Outcome:
        assert ready.wait(20)
        return Outcome(asked, steps(watch))

    working(monkeypatch, load)
    ends = Ends()
    runner.submit(job(), ends)
    until(lambda: runner.busy)
    runner.stop(keep=True)
    ready.set()
    assert ends.wait()[0].state is State.CANCELLED


def test_an_error_is_handed_on_without_what_it_held_in_memory(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Model:
        pass

    held: list[weakref.ref[Model]] = []

    def fail(asked: Job, watch: Watch) -> Outcome:
        model = Model()
        held.append(weakref.ref(model))
        raise SongdeskError("no luck", where="here")

    working(monkeypatch, fail)
    ends = Ends()
    runner.submit(job(), ends)
    outcome = ends.wait()[0]
    assert str(outcome.error) == "here: no luck"
    gc.collect()
    assert held[0]() is None


def test_a_listener_that_fails_does_not_end_the_thread(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    working(monkeypatch, lambda asked, watch: Outcome(asked, State.DONE))
    ends = Ends()

    def fail(outcome: Outcome) -> None:
        raise ValueError

    runner.submit(job(), fail)
    runner.submit(job("next"), ends)
    assert ends.wait()[0].job.id == "next"


def test_a_job_for_a_model_that_is_gone_is_a_failed_one(runner: Runner) -> None:
    ends = Ends()
    runner.submit(replace(job(), model="gone"), ends)
    assert "unknown model" in str(ends.wait()[0].error)


def test_a_knob_turned_while_it_runs_is_read_by_the_engine(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[object] = []

    def listen(asked: Job, watch: Watch) -> Outcome:
        watch.begin(KIND.stages[1], KIND.plan(SONG, CHOSEN, VALUES), "cpu")
        for done in range(100_000):
            heard.append(watch.live("temperature"))
            watch.step(done, 100_000)
            if heard[-1] == 1.25:
                break
            time.sleep(0.0005)
        return Outcome(asked, State.DONE)

    working(monkeypatch, listen)
    ends = Ends()
    runner.submit(job(), ends)
    until(lambda: len(heard) > 3)
    runner.set_live("temperature", 1.25)
    ends.wait()
    assert heard[0] == VALUES["temperature"]
    assert heard[-1] == 1.25


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (SongdeskError("no weights", hint="get them"), "no weights → get them"),
        (MemoryError(), "not enough memory"),
        (RuntimeError("[enforce fail] can't allocate memory: you tried"), "not enough memory"),
        (ValueError("odd\nsecond line"), "songdesk broke: ValueError: odd"),
    ],
)
def test_whatever_goes_wrong_becomes_one_line_and_the_thread_lives_on(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, problem: Exception, said: str
) -> None:
    def fail(asked: Job, watch: Watch) -> Outcome:
        raise problem

    working(monkeypatch, fail)
    ends = Ends()
    runner.submit(job(), ends)
    outcome = ends.wait()[0]
    assert outcome.state is State.FAILED
    assert said in str(outcome.error)
    assert "\n" not in str(outcome.error)
    working(monkeypatch, lambda asked, watch: Outcome(asked, State.DONE))
    runner.submit(job(), ends)
    assert ends.wait(2)[1].state is State.DONE


def test_closing_puts_down_the_job_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    working(monkeypatch, sing)
    runner, ends = Runner(), Ends()
    runner.submit(job(), ends)
    runner.submit(job("never"), ends)
    until(lambda: runner.meter.done > 0)
    assert runner.close()
    assert [o.state for o in ends.outcomes] == [State.PAUSED]
