"""Takes of the queue made in this process, with progress told, until they are done or somebody leaves."""

import queue
import time
from collections.abc import Collection
from pathlib import Path

from core.cli.departure import Departure
from core.cli.progress import READINGS_PER_SECOND, Teller, teller
from core.cli.render import EXIT_FAILED, PATIENCE, end_engine
from core.cli.report import say, talk, tell
from core.cli.take_words import called, take_facts
from core.config import Config
from core.errors import SongdeskError
from core.library.feed import Feed
from core.library.store import Store
from core.making.runner import Runner
from core.meter import State
from core.takes.claim import is_held
from core.takes.job import Outcome
from core.takes.take import Take, take_of

_MADE = (State.DONE, State.STOPPED, State.DRAFT)
_LOOK_EVERY = 1.0
"""Seconds between looks at what others do to the queue."""


def make(
    store: Store, config: Config, only: Collection[Path] | None, *, as_json: bool, waits: bool = False
) -> int:
    """Make what is in the queue, or the takes in some folders alone; gives the exit code.

    Prints a path, or with `as_json` an object, for each as it ends. Whoever leaves before the end pauses the
    take that is being made. With `waits` an empty queue is not the end.
    """
    with Departure() as departure:
        runner = Runner()
        desk = _Desk(as_json=as_json)
        feed = Feed(
            runner, store, device=config.device, ended=desk.ended, refused=desk.refused, only=only, auto=waits
        )
        try:
            feed.go()
            looked = time.monotonic()
            # Between two takes it is not busy for a moment: only when nothing can be begun is it over.
            while not departure.code and (waits or feed.busy or feed.go() or feed.busy):
                desk.tell(runner)
                if time.monotonic() - looked >= _LOOK_EVERY:
                    looked = time.monotonic()
                    feed.watch()
        finally:
            is_over = feed.close(PATIENCE)
            desk.close()
            end_engine(runner, departure.code if is_over else departure.code or EXIT_FAILED)
    left = _tell_left(only or (), desk.seen)
    if feed.trouble:
        say(f"songdesk: {feed.trouble}")
    return departure.code or (EXIT_FAILED if desk.failed or left or feed.trouble else 0)


class _Desk:
    """Tells of one take after the other: its progress while it is made, and how it ended."""

    def __init__(self, *, as_json: bool) -> None:
        self.failed = 0
        self.seen: set[Path] = set()
        """Folders of the takes that have ended."""
        self._as_json = as_json
        self._outcomes: queue.SimpleQueue[Outcome | tuple[Take, SongdeskError]] = queue.SimpleQueue()
        self._show: Teller | None = None

    def ended(self, outcome: Outcome) -> None:
        """A take came to its end; from any thread."""
        self._outcomes.put(outcome)

    def refused(self, take: Take, error: SongdeskError) -> None:
        """A take could not be begun; from any thread."""
        self._outcomes.put((take, error))

    def tell(self, runner: Runner) -> None:
        """Take one reading, or tell of an end."""
        try:
            found = self._outcomes.get(timeout=1 / READINGS_PER_SECOND)
        except queue.Empty:
            if runner.busy:
                self._show = self._show or teller()
                self._show.show(runner.meter)
            return
        self._say(found)

    def close(self) -> None:
        """Tell of what ended meanwhile."""
        while not self._outcomes.empty():
            self._say(self._outcomes.get())
        self._hide()

    def _say(self, found: Outcome | tuple[Take, SongdeskError]) -> None:
        self._hide()
        if isinstance(found, Outcome):
            self.seen.add(found.job.folder)
            self.failed += found.state not in _MADE
            _report(found, as_json=self._as_json)
            return
        take, error = found
        self.seen.add(take.folder)
        self.failed += 1
        say(f"{take.title}: not made: {error}")

    def _hide(self) -> None:
        if self._show is not None:
            self._show.close()
            self._show = None


def _report(outcome: Outcome, *, as_json: bool) -> None:
    """Tell how a take ended: its files, or an object, on stdout."""
    tell(outcome, _talk(outcome), _facts(outcome) if as_json else None)


def _talk(outcome: Outcome) -> list[str]:
    take = called(outcome.job.folder)
    match outcome.state:
        case State.PAUSED:
            return [*outcome.notes, f"paused; songdesk continue {take} goes on with it"]
        case State.CANCELLED:
            return [*outcome.notes, f"given up; songdesk continue {take} still goes on with it"]
        case State.DRAFT:
            return [*talk(outcome), f"a draft; songdesk continue {take} makes all of it"]
        case _:
            return talk(outcome)


def _facts(outcome: Outcome) -> dict[str, object]:
    take = take_of(outcome.job.folder)
    return take_facts(take) if take else {"id": outcome.job.id, "folder": str(outcome.job.folder)}


def _tell_left(only: Collection[Path], seen: Collection[Path]) -> int:
    """Say which of the takes asked for were not made here, and why; gives how many that are."""
    left = [folder for folder in only if folder not in seen]
    for folder in left:
        why = "another songdesk is making it" if is_held(folder) else "it waits in the queue"
        say(f"{folder.name}: not made here: {why}")
    return len(left)
