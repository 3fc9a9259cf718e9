"""Gives the takes of the queue to an engine, one after the other; the studio and the command line alike."""

import logging
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol

from core.errors import SongdeskError
from core.library import queue
from core.library.queue import Claim
from core.library.scan import key_of
from core.library.store import Store
from core.meter import Meter, State
from core.takes import branch
from core.takes.job import Job, Outcome
from core.takes.take import Take

_log = logging.getLogger(__name__)
_LOOK = 0.05
"""Seconds between looks at a run that is to pause."""


class Engine(Protocol):
    """What makes takes: `core.making.runner.Runner`, or what stands for it in tests."""

    @property
    def meter(self) -> Meter:
        """The latest reading."""

    def submit(self, job: Job, finished: Callable[[Outcome], None]) -> None:
        """Make a take; `finished` is called once, on the engine's thread."""

    def pause(self) -> None:
        """Put the present job down."""


def _ignore(*_: object) -> None:
    """Nobody wants to know."""


class Feed:
    """Keeps an engine at work on a library's queue: it holds a take, has it made, and settles how it ended.

    Any thread may call it. `go`, `watch` and `waiting` read and write the disk: they are for a thread that
    may wait. What it is given to call is called on the thread that went on: mostly the engine's.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        *,
        device: str = "auto",
        begun: Callable[[Job], None] = _ignore,
        ended: Callable[[Outcome], None] = _ignore,
        refused: Callable[[Take, SongdeskError], None] = _ignore,
        only: Collection[Path] | None = None,
        auto: bool = False,
        job_of: Callable[..., Job] = branch.job_of,
    ) -> None:
        """`begun` is told of a job before the engine is, `ended` of its end once it is settled.

        `refused` is told of a take for which there is no job, which is then on hold. With `only` none but the
        takes in those folders are made, each once. With `auto` also `watch` begins what waits.
        """
        self.auto = auto
        self.trouble = ""
        """Why the queue could not be read or written when last that was tried on the engine's thread."""
        self._engine = engine
        self._store = store
        self._device = device
        self._begun = begun
        self._ended = ended
        self._refused = refused
        self._job_of = job_of
        self._only = None if only is None else _folders(store, only)
        self._lock = threading.Lock()
        self._claim: Claim | None = None
        self._rests = False
        self._is_closed = False
        self._is_told = False
        """Whether the present take was told to pause by `watch`: the queue says why."""

    @property
    def busy(self) -> bool:
        """Whether a take is being made; until `ended` has returned."""
        return self._claim is not None

    @property
    def waiting(self) -> int:
        """How many items are to be made that nobody makes yet."""
        now = self._claim
        return sum(
            not item.held
            and item.take.state != State.RUNNING.value
            and (now is None or item.take.folder != now.take.folder)
            for item in queue.items(self._store)
        )

    def go(self) -> bool:
        """Have the next take made unless one is, or the queue stands still; whether one was begun.

        When it has ended the next one follows. SongdeskError where the library cannot be read or written.
        """
        self._rests = False
        return self._go()

    def rest(self) -> None:
        """Begin nothing more when the present take has ended, until `go` is called."""
        self._rests = True

    def watch(self) -> None:
        """See what others did to the queue; to be called about once a second.

        The take that is made pauses when the queue or that item was put on hold, or the item was taken out.
        """
        claim = self._claim
        if claim is None:
            if self.auto:
                self._go()
            return
        self._store.note(claim.take.folder)  # others see that it is being made
        on_hold = queue.is_on_hold(self._store, claim.take)
        stands = self._only is None and queue.is_paused(self._store)
        if on_hold is not False or stands:
            with self._lock:
                if self._claim is claim:  # and has not ended meanwhile
                    self._is_told = True
                    self._pause(claim)

    def close(self, patience: float = 10.0) -> bool:
        """Begin nothing more, and have the present take paused, the next to be gone on with.

        Waits for it, so not for the engine's thread; False when it did not end in time (s). The engine stays
        open.
        """
        with self._lock:  # behind one that is just being begun
            self._is_closed = True
        until = time.monotonic() + patience
        while (claim := self._claim) is not None and time.monotonic() < until:
            self._pause(claim)
            time.sleep(_LOOK)
        return self._claim is None

    def _pause(self, claim: Claim) -> None:
        if self._engine.meter.job == claim.take.id:
            self._engine.pause()

    def _go(self) -> bool:
        with self._lock:
            if self._claim is not None or self._is_closed or self._rests:
                return False
            refusals: list[tuple[Take, SongdeskError]] = []
            self._claim, job = self._next(refusals)
            self._is_told = False
        try:
            for take, error in refusals:
                self._refused(take, error)
            if job is not None:
                self._begun(job)
                self._engine.submit(job, self._finished)
        except BaseException:
            self._let_go()
            raise
        return job is not None

    def _next(self, refusals: list[tuple[Take, SongdeskError]]) -> tuple[Claim, Job] | tuple[None, None]:
        """The next take that there is a job for; what cannot be begun is put on hold on the way."""
        while (claim := queue.claim_next(self._store, self._only)) is not None:
            if self._only is not None:
                self._only.discard(claim.take.folder)
            try:
                return claim, self._job_of(claim.take.folder, device=self._device)
            except SongdeskError as error:
                queue.refuse(self._store, claim, error)
                claim.release()
                refusals.append((claim.take, error))
            except BaseException:
                claim.release()
                raise
        return None, None

    def _finished(self, outcome: Outcome) -> None:
        """On the engine's thread: the present take has come to an end."""
        claim = self._claim
        assert claim is not None
        if outcome.state is State.PAUSED and not self._is_told:
            self._rests = True  # somebody wants the engine's memory: nothing else is to take it
        stays_ready = self._is_closed or self._is_told
        try:
            queue.settle(self._store, claim, outcome, stays_ready=stays_ready)
        except Exception as error:  # noqa: BLE001 - its recipe tells the next one who looks
            self._complain(error)
        claim.release()
        try:
            self._ended(outcome)
        finally:
            self._let_go()
            try:
                self._go()
            except SongdeskError as error:
                self._complain(error)

    def _let_go(self) -> None:
        with self._lock:
            claim, self._claim = self._claim, None
        if claim is not None:
            claim.release()

    def _complain(self, error: Exception) -> None:
        self.trouble = str(error)
        _log.error("the queue: %s", error)


def _folders(store: Store, only: Collection[Path]) -> set[Path]:
    """The folders of takes as the store calls them."""
    return {key.folder(store.root) for folder in only if (key := key_of(folder, store.root)) is not None}
