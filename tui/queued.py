"""The queue of the library as what the studio makes its songs from."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from core.errors import SongdeskError
from core.library import queue
from core.library.feed import Feed
from core.library.store import Store
from core.takes.job import Job, Outcome
from core.takes.take import Take, take_of

if TYPE_CHECKING:
    from tui.bridge import Engine


class Queued:
    """Gives the engine what is next in the queue, once something was asked for."""

    def __init__(
        self,
        engine: "Engine",
        store: Store,
        *,
        device: str,
        begun: Callable[[Job], None],
        ended: Callable[[Outcome], None],
        refused: Callable[[Take, SongdeskError], None],
    ) -> None:
        self._store = store
        self._feed = Feed(engine, store, device=device, begun=begun, ended=ended, refused=refused)

    @property
    def waiting(self) -> int:
        """Items that would be made next, one after the other."""
        return self._feed.waiting

    def add(self, jobs: Sequence[Job], *, first: bool) -> None:
        """Put takes into the queue, before all others or behind them."""
        folders = [job.folder for job in jobs]
        queue.add_all(self._store, folders)
        for folder in reversed(folders) if first else ():
            if (take := take_of(folder)) is not None:
                queue.move(self._store, take, 0)

    def go(self) -> None:
        """Begin the next, unless one runs or the queue is paused."""
        self._feed.go()

    def rest(self) -> None:
        """Begin nothing more by itself."""
        self._feed.rest()

    def watch(self) -> str:
        """Heed what others did to the queue; why it could not be read or written lately, or nothing."""
        self._feed.watch()
        return self._feed.trouble

    def hand_over(self, patience: float) -> None:
        """Pause what is being made, within a time (s), and leave it as what is made next."""
        self._feed.close(patience)
