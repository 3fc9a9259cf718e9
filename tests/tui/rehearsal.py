"""An engine that plays readings instead of making songs: for pictures and for tests of the studio."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core.errors import SongdeskError
from core.meter import Memory, Meter, State
from core.settings import Value
from core.takes import recipe as recipes
from core.takes.job import Job, Outcome

_GIB = 1 << 30
READING = Meter(
    state=State.RUNNING,
    stage="composing",
    phase=2,
    done=430,
    total=1000,
    unit="frames",
    seconds=30.0,
    section="verse",
    rate=41.0,
    eta=(12.0, 18.0),
    memory=Memory("RAM", ours=_GIB, in_use=5 * _GIB, total=16 * _GIB, planned=2 * _GIB),
)
"""What a run looks like in its middle."""


class Rehearsal:
    """Takes jobs and ends them only when told to; with a rate, its readings go on by the clock."""

    def __init__(self, reading: Meter = READING, *, rate: float = 0.0) -> None:
        self.reading = reading
        self.jobs: list[Job] = []
        self.stops: list[bool] = []
        """For each stop, whether to keep what was made."""
        self.pauses = 0
        """How often somebody asked to pause."""
        self.knobs: dict[str, Value] = {}
        self.is_closed = False
        self.obeys = False
        """Whether a pause is the end of the job, without a word from the test."""
        self.keeps_nothing = False
        """Whether a stop comes before there is anything to keep."""
        self._rate = rate
        self._began = 0.0
        self._state = State.IDLE
        self._finished: Callable[[Outcome], None] | None = None
        self._behind: list[Callable[[Outcome], None]] = []
        """Who is told the end of each job that waits."""

    @property
    def meter(self) -> Meter:
        """The reading, further on if time passes."""
        if not self.jobs:
            return Meter()
        done = self.reading.done
        rate, eta = self.reading.rate, self.reading.eta
        if self._rate and self.busy:
            passed = time.monotonic() - self._began
            done = int(passed * self._rate) % self.reading.total
            rate = self._rate + (passed * 7) % 1
            eta = (0.9 * (self.reading.total - done) / rate, 1.3 * (self.reading.total - done) / rate)
        job = self.jobs[len(self.jobs) - 1 - len(self._behind)]
        memory = self.reading.memory
        if self._state is State.PAUSED and memory is not None:
            memory = replace(memory, ours=_GIB // 4)
        return replace(
            self.reading,
            memory=memory,
            job=job.id,
            title=job.song.title,
            state=self._state,
            done=done,
            rate=rate,
            eta=eta,
            waiting=len(self._behind),
        )

    @property
    def busy(self) -> bool:
        """Whether a job waits for its end."""
        return self._finished is not None

    def submit(self, job: Job, finished: Callable[[Outcome], None]) -> None:
        """Begin a job, behind those that wait."""
        self.jobs.append(job)
        if self.busy:
            self._behind.append(finished)
            return
        self._state, self._finished, self._began = State.RUNNING, finished, time.monotonic()
        _tell(job, State.RUNNING)

    def stop(self, *, keep: bool) -> None:
        """Note the wish; `end` ends the job."""
        self.stops.append(keep)
        self._state = State.FINISHING if keep and not self.keeps_nothing else State.STOPPING

    def pause(self) -> None:
        """Note the wish; `end` ends the job."""
        self.pauses += 1
        self._state = State.PAUSING
        if self.obeys and self.busy:  # on a thread of its own, as an engine does
            threading.Thread(target=self.end, args=(State.PAUSED,)).start()
            self.obeys = False

    def go_on(self, *, phase: int) -> None:
        """Come to another phase."""
        self.reading, self._state = replace(self.reading, phase=phase), State.RUNNING

    def set_live(self, key: str, value: Value) -> None:
        """Note a turned knob."""
        self.knobs[key] = value

    def close(self, timeout: float = 10.0) -> bool:
        """End a job that still runs, as paused."""
        if self.busy:
            self.end(State.PAUSED)
        self.is_closed = True
        return True

    def end(self, state: State, *, file: Path | None = None, error: SongdeskError | None = None) -> None:
        """End the job in hand."""
        assert self._finished is not None
        job = self.jobs[len(self.jobs) - 1 - len(self._behind)]
        finished, self._finished, self._state = self._finished, None, state
        if self._behind:
            self._finished, self._state = self._behind.pop(0), State.RUNNING
        seconds = 12.0 if state in (State.DONE, State.STOPPED) else 0.0
        files = (file,) if file else ()
        _tell(job, state, seconds=seconds, error=str(error or ""))
        finished(Outcome(job, state, files=files, seconds=seconds, took=3.0, error=error))


def _tell(job: Job, state: State, *, seconds: float = 0.0, error: str = "") -> None:
    """Write into the take's recipe how it stands, as a real engine does."""
    recipe = recipes.load(job.folder)
    if recipe is not None:
        recipes.save(replace(recipe, state=state.value, seconds=seconds, error=error), job.folder)


class Obedient(Rehearsal):
    """An engine that pauses as soon as it is told to."""

    def __init__(self, reading: Meter = READING, *, rate: float = 0.0) -> None:
        super().__init__(reading, rate=rate)
        self.obeys = True


class Stubborn(Rehearsal):
    """An engine whose thread does not come to its end."""

    def submit(self, job: Job, finished: Callable[[Outcome], None]) -> None:
        """Begin a job that nothing ends."""
        threading.Thread(target=threading.Event().wait).start()
        super().submit(job, finished)

    def close(self, timeout: float = 10.0) -> bool:
        """It did not end in time."""
        return False


class Broken(Rehearsal):
    """An engine whose reading is a mistake once a job runs."""

    @property
    def meter(self) -> Meter:
        """Raises."""
        return super().meter if not self.jobs else replace(super().meter, done=1 // 0)


class Breaking(Rehearsal):
    """An engine whose reading is a mistake after a few seconds of a job."""

    @property
    def meter(self) -> Meter:
        """Raises."""
        late = self.busy and time.monotonic() > self._began + 4.0
        return super().meter if not late else replace(super().meter, done=1 // 0)
