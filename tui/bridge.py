"""The only place that meets the engine thread: readings by the studio's clock, a message at begin and end."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from textual.message import Message
from textual.widget import Widget

from core.errors import SongdeskError
from core.meter import Meter
from core.settings import Value
from core.takes.job import Job, Outcome
from core.takes.recipe import Recipe
from core.takes.take import Take
from tui.line import Line
from tui.making import recipe_so_far
from tui.queued import Queued

if TYPE_CHECKING:
    from core.library.store import Store

READINGS_PER_SECOND = 8


class Engine(Protocol):
    """What the studio asks of whoever runs jobs; `core.making.runner.Runner` is one."""

    @property
    def meter(self) -> Meter:
        """The latest reading, from any thread."""

    @property
    def busy(self) -> bool:
        """Whether a job runs."""

    def submit(self, job: Job, finished: Callable[[Outcome], None]) -> None:
        """Queue a job; `finished` is called once, on the engine's own thread."""

    def stop(self, *, keep: bool) -> None:
        """End the present job at its next step, keeping what it made or not."""

    def pause(self) -> None:
        """Put the present job down at its next step, to be gone on with, and give its memory back."""

    def set_live(self, key: str, value: Value) -> None:
        """Turn a knob of the running job."""

    def close(self, timeout: float = 10.0) -> bool:
        """Pause the present job and end the thread; False when it did not end in time (s)."""


MakeEngine = Callable[[], Engine]


def real_engine() -> Engine:
    """Start the engine thread; torch is imported by its first job."""
    from core.making.runner import Runner

    return Runner()


class Bridge(Widget):
    """Follows the engine for the studio; invisible."""

    DEFAULT_CSS = "Bridge { display: none; }"

    class Read(Message):
        """The engine has a new reading."""

        def __init__(self, meter: Meter) -> None:
            super().__init__()
            self.meter = meter

    class RunBegan(Message):
        """A job begins; its take may belong to any song of the library."""

        def __init__(self, job: Job, recipe: Recipe) -> None:
            super().__init__()
            self.job = job
            self.recipe = recipe
            """With the knobs that earlier runs turned."""

    class Refused(Message):
        """A take in the queue cannot be begun; it is on hold there."""

        def __init__(self, take: Take, error: SongdeskError) -> None:
            super().__init__()
            self.take = take
            self.error = error

    class RunFinished(Message):
        """A job has ended, one way or another."""

        def __init__(self, outcome: Outcome) -> None:
            super().__init__()
            self.outcome = outcome

    def __init__(
        self, make_engine: MakeEngine, store: "Store | None" = None, *, device: str = "auto"
    ) -> None:
        """What is asked for goes through the queue of the library; without its store it waits in memory."""
        super().__init__()
        self._engine = make_engine()
        self._source: Line | Queued = (
            Line(self._engine, begun=self._began, ended=self._finished)
            if store is None
            else Queued(
                self._engine,
                store,
                device=device,
                begun=self._began,
                ended=self._finished,
                refused=self._refused,
            )
        )
        self._shown = Meter()
        self._waiting = 0
        self._untold = 0
        """Jobs that began and whose end was not taken note of."""
        self._lock = threading.Lock()
        self._is_leaving = False

    def on_mount(self) -> None:
        """Begin to read the meter."""
        self.set_interval(1 / READINGS_PER_SECOND, self._read)

    @property
    def meter(self) -> Meter:
        """The latest reading, with what waits in the library."""
        meter = self._engine.meter
        return meter if meter.waiting == self._waiting else replace(meter, waiting=self._waiting)

    @property
    def busy(self) -> bool:
        """Whether a job runs, or has ended without its message having arrived."""
        return self._untold > 0

    def ask_for(self, *jobs: Job, first: bool = False) -> None:
        """Put takes into the queue, before all others or behind them, and have it go on. From any thread.

        `RunBegan` and `RunFinished` tell of each. SongdeskError when it cannot be written down.
        """
        self._source.add(jobs, first=first)
        self._source.go()
        self.count()

    def go(self) -> None:
        """Have the queue go on, if nothing runs and it is not paused. From any thread."""
        self._source.go()
        self.count()

    def count(self) -> None:
        """Count anew what waits. From any thread."""
        self._waiting = self._source.waiting

    def heed(self) -> str:
        """Heed what others did to the queue; gives what is wrong with it, or nothing. From any thread."""
        trouble = self._source.watch()
        self.count()
        return trouble

    def stop(self, *, keep: bool) -> None:
        """End the job at its next step and keep what it has made, or abandon it."""
        self._engine.stop(keep=keep)

    def pause(self) -> None:
        """Put the job down at its next step; nothing else begins by itself."""
        self._source.rest()
        self._engine.pause()

    def rest(self) -> None:
        """Begin nothing more when the job has ended."""
        self._source.rest()

    def set_live(self, key: str, value: Value) -> None:
        """Turn a knob of the song being made."""
        self._engine.set_live(key, value)

    async def close(self, timeout: float = 10.0, *, hands_over: bool = False) -> bool:  # noqa: ASYNC109
        """Pause the job and end the engine thread; False when it did not end in time (s).

        With `hands_over` the job is what the queue goes on with; else it is on hold there.
        """
        self._is_leaving = True
        self._source.rest()
        return await asyncio.to_thread(self._close, timeout, hands_over)

    def _close(self, patience: float, hands_over: bool) -> bool:
        until = time.monotonic() + patience
        if hands_over:
            self._source.hand_over(patience)
        return self._engine.close(max(1.0, until - time.monotonic()))

    def acknowledge(self) -> None:
        """The end of one job has been taken note of."""
        with self._lock:
            self._untold -= 1

    def _read(self) -> None:
        meter = self.meter
        if meter != self._shown:
            self._shown = meter
            self.post_message(self.Read(meter))

    def _began(self, job: Job) -> None:
        """Called on whichever thread begins a job."""
        with self._lock:
            self._untold += 1
        if not self._is_leaving:
            self.post_message(self.RunBegan(job, recipe_so_far(job)))

    def _refused(self, take: Take, error: SongdeskError) -> None:
        if not self._is_leaving:
            self.post_message(self.Refused(take, error))

    def _finished(self, outcome: Outcome) -> None:
        """Called on the engine thread; a studio that is leaving hears no more."""
        if not self._is_leaving:
            self.post_message(self.RunFinished(outcome))
