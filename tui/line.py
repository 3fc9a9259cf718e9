"""What waits to be made where the library has no index: in memory, and gone with the process."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from core.meter import State
from core.takes.job import Job, Outcome


class Submits(Protocol):
    """Who makes one job after the other."""

    def submit(self, job: Job, finished: Callable[[Outcome], None]) -> None:
        """Begin a job; `finished` is called once, on a thread of its own."""


class Line:
    """Jobs in the order they were asked for; the next begins when one ends, unless that was paused."""

    def __init__(
        self, engine: Submits, *, begun: Callable[[Job], None], ended: Callable[[Outcome], None]
    ) -> None:
        self._engine, self._begun, self._ended = engine, begun, ended
        self._jobs: deque[Job] = deque()
        self._lock = threading.Lock()
        self._is_resting = False
        self.busy = False
        """Whether a job was begun that has not ended."""

    @property
    def waiting(self) -> int:
        """Jobs that have not begun."""
        return len(self._jobs)

    def add(self, jobs: Sequence[Job], *, first: bool) -> None:
        """Take jobs up, before all others or behind them."""
        if first:
            self._jobs.extendleft(reversed(jobs))
        else:
            self._jobs.extend(jobs)

    def go(self) -> None:
        """Begin the next, unless one runs."""
        self._is_resting = False
        self._next()

    def rest(self) -> None:
        """Begin nothing more by itself."""
        self._is_resting = True

    def watch(self) -> str:
        """Nobody else can change it."""
        return ""

    def hand_over(self, patience: float) -> None:
        """There is nobody to hand it to."""

    def _next(self) -> None:
        with self._lock:
            if self.busy or self._is_resting or not self._jobs:
                return
            self.busy, job = True, self._jobs.popleft()
        self._begun(job)
        self._engine.submit(job, self._done)

    def _done(self, outcome: Outcome) -> None:
        self.busy = False
        if outcome.state is State.PAUSED:
            self.rest()
        self._ended(outcome)
        self._next()
