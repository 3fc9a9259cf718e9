"""The bridge: a thread's news arrive on the studio's own, once each, and not after it has left."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult

from core.meter import Meter, State
from core.settings import Value, Values
from core.song import Song
from core.takes.job import Job, Outcome
from tui.bridge import Bridge


class ThreadedEngine:
    """An engine whose jobs end on a thread of its own."""

    def __init__(self) -> None:
        self.meter = Meter()
        self.busy = False
        self.calls: list[tuple[str, object]] = []
        self.finish = threading.Event()
        self.threads: list[threading.Thread] = []

    def submit(self, job: Job, finished: Callable[[Outcome], None]) -> None:
        def work() -> None:
            self.finish.wait(10)
            finished(Outcome(job, State.DONE))

        self.threads.append(threading.Thread(target=work, daemon=True))
        self.threads[-1].start()

    def stop(self, *, keep: bool) -> None:
        self.calls.append(("stop", keep))

    def pause(self) -> None:
        self.calls.append(("pause", True))

    def set_live(self, key: str, value: Value) -> None:
        self.calls.append((key, value))

    def close(self, timeout: float = 10.0) -> bool:
        self.finish.set()
        for thread in self.threads:
            thread.join(timeout)
        self.calls.append(("close", threading.get_ident()))
        return True


class Listener(App[None]):
    def __init__(self, engine: ThreadedEngine) -> None:
        super().__init__()
        self.bridge = Bridge(lambda: engine)
        self.read: list[Meter] = []
        self.begins: list[str] = []
        self.ends: list[tuple[Outcome, int]] = []

    def compose(self) -> ComposeResult:
        yield self.bridge

    def on_bridge_read(self, event: Bridge.Read) -> None:
        self.read.append(event.meter)

    def on_bridge_run_began(self, event: Bridge.RunBegan) -> None:
        self.begins.append(event.job.id)

    def on_bridge_run_finished(self, event: Bridge.RunFinished) -> None:
        self.ends.append((event.outcome, threading.get_ident()))
        self.bridge.acknowledge()


def job(name: str) -> Job:
    return Job(name, Song("a", "", ""), "demo", Values(), Path(), Path())


async def test_a_job_that_ends_on_another_thread_is_told_once_on_the_studios(until: Any) -> None:
    engine = ThreadedEngine()
    app = Listener(engine)
    async with app.run_test() as pilot:
        app.bridge.ask_for(job("one"))
        assert app.bridge.busy
        engine.finish.set()
        await until(pilot, lambda: app.ends)
        assert [(outcome.job.id, thread) for outcome, thread in app.ends] == [("one", threading.get_ident())]
        assert app.begins == ["one"]
        assert not app.bridge.busy


async def test_readings_arrive_and_equal_ones_do_not(until: Any) -> None:
    engine = ThreadedEngine()
    app = Listener(engine)
    async with app.run_test() as pilot:
        engine.meter = Meter(job="one", state=State.RUNNING, done=1, total=9)
        await until(pilot, lambda: len(app.read) == 1)
        engine.meter = replace(engine.meter)
        await pilot.pause(0.4)
        assert len(app.read) == 1
        engine.meter = replace(engine.meter, done=2)
        await until(pilot, lambda: [m.done for m in app.read] == [1, 2])


async def test_many_readings_between_two_looks_become_one(until: Any) -> None:
    engine = ThreadedEngine()
    app = Listener(engine)
    async with app.run_test() as pilot:
        for done in range(1000):
            engine.meter = Meter(done=done + 1, total=1000)
        await until(pilot, lambda: app.read)
        assert [m.done for m in app.read] == [1000]


async def test_stop_knobs_and_pause_go_through() -> None:
    engine = ThreadedEngine()
    app = Listener(engine)
    async with app.run_test():
        app.bridge.stop(keep=True)
        app.bridge.set_live("temperature", 0.5)
        app.bridge.pause()
        assert engine.calls == [("stop", True), ("temperature", 0.5), ("pause", True)]


async def test_closing_waits_off_the_studios_thread_and_tells_nothing_more() -> None:
    engine = ThreadedEngine()
    app = Listener(engine)
    async with app.run_test() as pilot:
        app.bridge.ask_for(job("one"))
        assert await app.bridge.close(5.0)
        name, thread = engine.calls[-1]
        assert name == "close"
        assert thread != threading.get_ident()
        await pilot.pause(0.1)
        assert app.ends == []
