"""The one engine thread: jobs in, a meter out, and a stop that belongs to the job."""

import gc
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from core.environment import prepare
from core.errors import Cancelled, Paused, SongdeskError
from core.making.shortage import is_shortage
from core.making.watch import Watch
from core.meter import Meter, State
from core.paths import log_path
from core.settings import Value
from core.takes.job import Job, Outcome

_log = logging.getLogger(__name__)


class Runner:
    """Runs one job at a time on its own thread; its meter may be read from any thread."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Job, Callable[[Outcome], None]] | None] = queue.SimpleQueue()
        self._current: Watch | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._idle = Meter()
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    @property
    def meter(self) -> Meter:
        """The latest reading."""
        current = self._current
        reading = current.reading if current else self._idle
        waiting = self._jobs.qsize()
        return replace(reading, waiting=waiting) if waiting else reading

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

    def pause(self) -> None:
        """Put the present job down at its next step; a job with `goes_on` takes it up again."""
        current = self._current
        if current:
            current.pause()

    def set_live(self, key: str, value: Value) -> None:
        """Turn a knob of the running job; the engine reads it at its next step."""
        current = self._current
        if current:
            current.knobs[key] = value

    def close(self, timeout: float = 10.0) -> bool:
        """Pause the present job and end the thread; False when it did not end in time (s)."""
        with self._lock:
            self._closing.set()
            self.pause()
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
            watch = Watch(job)
        except Exception as error:  # noqa: BLE001 - whoever waits for the job must be told
            finished(Outcome(job, State.FAILED, error=_told(error)))
            return
        with self._lock:
            self._current = watch
            if self._closing.is_set():
                watch.pause()
        outcome = _run(job, watch)
        self._idle = watch.ended(outcome.state)
        self._current = None
        finished(outcome)


def _run(job: Job, watch: "Watch") -> Outcome:
    """Run a job to its outcome: whatever goes wrong becomes one line a person can act on."""
    started = time.monotonic()

    def ended(state: State, error: SongdeskError | None = None) -> Outcome:
        return Outcome(job, state, took=time.monotonic() - started, error=error)

    try:
        prepare()
        import torch

        from core.making.render import render

        _settle()
        with torch.inference_mode():
            return render(job, watch)
    except Paused:
        return ended(State.PAUSED)
    except Cancelled:
        return ended(State.CANCELLED)
    except Exception as error:  # noqa: BLE001 - the thread must live on, and the person must be told
        return ended(State.FAILED, _told(error))


@cache
def _settle() -> None:
    """Have the collector pass by what is loaded now: stages call it, and while it looks nothing else runs."""
    gc.collect()
    gc.freeze()


def _told(error: Exception) -> SongdeskError:
    """The error in words, without the frames it came through: they would keep a model in memory."""
    if isinstance(error, SongdeskError):
        return SongdeskError(error.what, hint=error.hint, where=error.where)
    _log.exception("a render failed", exc_info=error)
    if is_shortage(error):
        hint = "make the song shorter, or close other programs"
        return SongdeskError("not enough memory for this song", hint=hint)
    said = str(error).splitlines()
    what = f"songdesk broke: {type(error).__name__}{': ' + said[0] if said else ''}"
    return SongdeskError(what, hint=f"please report it with {log_path()}")
