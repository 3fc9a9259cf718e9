"""The one engine thread: jobs in, a meter out, and a stop that belongs to the job."""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core.device import Device, calm_threads, read_memory
from core.engine import Plan, Stage, Verdict
from core.errors import Cancelled, SongdeskError
from core.family import family_of
from core.job import Job, Outcome
from core.lyrics.budget import Budget, budget, section_at
from core.lyrics.parse import parse
from core.meter import Meter, State
from core.paths import log_path
from core.settings import Value

_log = logging.getLogger(__name__)

_SINGS = 2
"""The first phase whose work can be kept; before it has made anything, a stop is the end of the run."""
_READING = 0.1
"""Seconds between meter readings at least."""
_MEMORY_READING = 0.5
"""Seconds between looks at the memory at least."""
_RATE_WINDOW = 4.0
"""Seconds over which a rate is measured."""
_RATE_SETTLES = 0.7
"""Seconds before a rate is worth showing."""


class Runner:
    """Runs one job at a time on its own thread; its meter may be read from any thread."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Job, Callable[[Outcome], None]] | None] = queue.SimpleQueue()
        self._current: _Watch | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._idle = Meter()
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    @property
    def meter(self) -> Meter:
        """The latest reading."""
        current = self._current
        return current.reading if current else self._idle

    @property
    def busy(self) -> bool:
        """Whether a job runs."""
        return self._current is not None

    def submit(self, job: Job, finished: Callable[[Outcome], None]) -> None:
        """Queue a job; `finished` is called once, on the engine thread, however it ends."""
        self._jobs.put((job, finished))

    def stop(self, *, keep: bool) -> None:
        """End the present job at its next step: keep what it has made so far, or abandon it."""
        current = self._current
        if current:
            current.stop(keep=keep)

    def set_live(self, key: str, value: Value) -> None:
        """Turn a knob of the running job; the engine reads it at its next step."""
        current = self._current
        if current:
            current.knobs[key] = value

    def close(self, timeout: float = 10.0) -> bool:
        """Abandon the present job and end the thread; False when it did not end in time (s)."""
        with self._lock:
            self._closing.set()
            self.stop(keep=False)
        self._jobs.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (order := self._jobs.get()) is not None and not self._closing.is_set():
            try:
                self._do(*order)
            except Exception:  # noqa: BLE001 - a mistake in a callback must not end the thread
                _log.exception("the end of a job could not be told")

    def _do(self, job: Job, finished: Callable[[Outcome], None]) -> None:
        try:
            watch = _Watch(job)
        except SongdeskError as error:
            finished(Outcome(job, State.FAILED, error=_told(error)))
            return
        with self._lock:
            self._current = watch
            if self._closing.is_set():
                watch.stop(keep=False)
        outcome = _run(job, watch)
        self._idle = replace(watch.meter, state=outcome.state, rate=None, eta=None, preview=None)
        self._current = None
        finished(outcome)


def _run(job: Job, watch: "_Watch") -> Outcome:
    """Run a job to its outcome: whatever goes wrong becomes one line a person can act on."""
    started = time.monotonic()

    def ended(state: State, error: SongdeskError | None = None) -> Outcome:
        return Outcome(job, state, took=time.monotonic() - started, error=error)

    try:
        calm_threads()
        import torch

        from core.render import render

        with torch.inference_mode():
            return render(job, watch)
    except Cancelled:
        return ended(State.CANCELLED)
    except Exception as error:  # noqa: BLE001 - the thread must live on, and the person must be told
        return ended(State.FAILED, _told(error))


def _told(error: Exception) -> SongdeskError:
    """The error in words, without the frames it came through: they would keep a model in memory."""
    if isinstance(error, SongdeskError):
        return SongdeskError(error.what, hint=error.hint, where=error.where)
    _log.exception("a render failed", exc_info=error)
    if _is_memory(error):
        hint = "make the song shorter, or close other programs"
        return SongdeskError("not enough memory for this song", hint=hint)
    said = str(error).splitlines()
    what = f"songdesk broke: {type(error).__name__}{': ' + said[0] if said else ''}"
    return SongdeskError(what, hint=f"please report it with {log_path()}")


def _is_memory(error: Exception) -> bool:
    """Whether an allocation failed, on the host or on the device."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


class _Watch:
    """Follows one job: takes progress from the engine thread, and stops and knobs from the others."""

    def __init__(self, job: Job) -> None:
        kind, chosen = family_of(job.model)
        self.knobs: dict[str, Value] = dict(job.values)
        self.meter = Meter(job=job.id, title=job.song.title, state=State.RUNNING, stage="loading")
        self._abandon = threading.Event()
        self._finish = threading.Event()
        self._sections: Budget = budget(
            parse(job.song.lyrics),
            kind.dialect,
            token_limit=chosen.limits.lyric_tokens,
            seconds_limit=chosen.limits.seconds,
            count=None,
        )
        self._recent: deque[tuple[float, int]] = deque()
        self._device: Device = "cpu"
        self._program: int | None = None
        self._read_at = 0.0
        self._memory_at = 0.0

    def stop(self, *, keep: bool) -> None:
        """Ask the job to end at its next step."""
        nothing_yet = self.meter.phase < _SINGS or (self.meter.phase == _SINGS and not self.meter.done)
        (self._finish if keep and not nothing_yet else self._abandon).set()

    @property
    def reading(self) -> Meter:
        """The meter with what has been asked of the job since."""
        if self._abandon.is_set():
            return replace(self.meter, state=State.STOPPING)
        return replace(self.meter, state=State.FINISHING) if self._finish.is_set() else self.meter

    def begin(self, stage: Stage, plan: Plan, device: Device) -> None:
        """A stage starts: its meter starts at nothing."""
        self._heed()
        self._device = device
        self._finish.clear()
        self._recent.clear()
        self._read_at = 0.0
        load = next(load for load in plan.stages if load.stage == stage.id)
        self.meter = replace(
            self.meter,
            stage=stage.title,
            phase=stage.phase,
            done=0,
            total=load.units,
            unit=stage.unit,
            seconds=plan.seconds if stage.phase >= _SINGS else 0.0,
            rate=None,
            eta=None,
            section="",
            memory=read_memory(self._expected(plan), device=device),
        )

    def _expected(self, plan: Plan) -> int:
        """The fullest moment to come (bytes): on the processor the program itself counts as well."""
        if self._program is None:
            now = read_memory(device=self._device)
            self._program = (now.ours or 0) if now.where == "RAM" else 0
        return self._program + plan.peak

    def step(self, done: int, total: int) -> Verdict:
        """Take progress in; raises Cancelled when the job was abandoned."""
        self._heed()
        now = time.monotonic()
        if now - self._read_at >= _READING or done >= total:
            self._read_at = now
            self._publish(now, done, total)
        return Verdict.FINISH if self._finish.is_set() else Verdict.GO

    def live(self, key: str) -> Value:
        """The present value of a setting."""
        return self.knobs[key]

    def heard(self, preview: Path, seconds: float) -> None:
        """A file has so much of the song to play."""
        self.meter = replace(self.meter, preview=preview, preview_seconds=seconds)

    def _heed(self) -> None:
        if self._abandon.is_set():
            raise Cancelled

    def _publish(self, now: float, done: int, total: int) -> None:
        rate = self._rate(now, done)
        fraction = done / total if total else 0.0
        index = section_at(self._sections, fraction) if self.meter.phase >= _SINGS else None
        memory = self.meter.memory
        if now - self._memory_at >= _MEMORY_READING:
            self._memory_at = now
            memory = read_memory(memory.planned if memory else None, device=self._device)
        self.meter = replace(
            self.meter,
            done=done,
            total=total,
            rate=rate,
            eta=((total - done) / rate * 0.9, (total - done) / rate * 1.3) if rate else None,
            section=self._sections.sections[index].tag if index is not None else "",
            memory=memory,
        )

    def _rate(self, now: float, done: int) -> float | None:
        self._recent.append((now, done))
        while now - self._recent[0][0] > _RATE_WINDOW and len(self._recent) > 2:
            self._recent.popleft()
        since, before = self._recent[0]
        if now - since < _RATE_SETTLES or done <= before:
            return None
        return (done - before) / (now - since)
