"""The only place that meets the engine thread: readings by the studio's clock, and one message at the end."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from textual.message import Message
from textual.widget import Widget

from core.job import Job, Outcome
from core.meter import Meter
from core.settings import Value

READINGS_PER_SECOND = 8


class Engine(Protocol):
    """What the studio asks of whoever runs jobs; `core.runner.Runner` is one."""

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

    def set_live(self, key: str, value: Value) -> None:
        """Turn a knob of the running job."""

    def close(self, timeout: float = 10.0) -> bool:
        """End the thread; False when it did not end in time (s)."""


MakeEngine = Callable[[], Engine]


def real_engine() -> Engine:
    """Start the engine thread; torch is imported by its first job."""
    from core.runner import Runner

    return Runner()


class Bridge(Widget):
    """Follows the engine for the studio; invisible."""

    DEFAULT_CSS = "Bridge { display: none; }"

    class Read(Message):
        """The engine has a new reading."""

        def __init__(self, meter: Meter) -> None:
            super().__init__()
            self.meter = meter

    class RunFinished(Message):
        """A job has ended, one way or another."""

        def __init__(self, outcome: Outcome) -> None:
            super().__init__()
            self.outcome = outcome

    def __init__(self, make_engine: MakeEngine) -> None:
        super().__init__()
        self._engine = make_engine()
        self._shown = Meter()
        self._waiting = 0
        self._is_leaving = False

    def on_mount(self) -> None:
        """Begin to read the meter."""
        self.set_interval(1 / READINGS_PER_SECOND, self._read)

    @property
    def meter(self) -> Meter:
        """The latest reading."""
        return self._engine.meter

    @property
    def busy(self) -> bool:
        """Whether a job waits, runs, or has ended without its message having arrived."""
        return self._waiting > 0

    def compose_song(self, job: Job) -> None:
        """Hand a job to the engine; `RunFinished` tells its end."""
        self._waiting += 1
        self._engine.submit(job, self._finished)

    def stop(self, *, keep: bool) -> None:
        """End the job at its next step and keep what it has made, or abandon it."""
        self._engine.stop(keep=keep)

    def set_live(self, key: str, value: Value) -> None:
        """Turn a knob of the song being made."""
        self._engine.set_live(key, value)

    async def close(self, timeout: float = 10.0) -> bool:  # noqa: ASYNC109
        """Abandon the job and end the engine thread; False when it did not end in time (s)."""
        self._is_leaving = True
        return await asyncio.to_thread(self._engine.close, timeout)

    def acknowledge(self) -> None:
        """The end of one job has been taken note of."""
        self._waiting -= 1

    def _read(self) -> None:
        meter = self._engine.meter
        if meter != self._shown:
            self._shown = meter
            self.post_message(self.Read(meter))

    def _finished(self, outcome: Outcome) -> None:
        """Called on the engine thread; a studio that is leaving hears no more."""
        if not self._is_leaving:
            self.post_message(self.RunFinished(outcome))
