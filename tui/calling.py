"""The studio's way to the person behind the terminal: bell, notification, taskbar and clipboard."""

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from textual import on
from textual.events import AppBlur, AppFocus

from core.clipboard import put_on_clipboard
from core.config import StudioConfig
from core.errors import SongdeskError
from core.notices import LONG, Notice, of_several, of_song
from core.passing import Takes, ask_what_passes, told
from tui.bridge import Bridge
from tui.in_turn import KeysInTurn
from tui.taskbar import Taskbar

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.takes.job import Outcome

Result = TypeVar("Result")


class Calling(KeysInTurn[Result]):
    """Calls the person back when a long song is ready, has failed, or was the last of several."""

    def __init__(self, config: StudioConfig, *, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self.ask_what_passes: Callable[[], Takes] = ask_what_passes
        """Asks what the terminal takes; from any thread."""
        self.steady_clock: Callable[[], float] = time.monotonic
        self._notify = config.notify
        self._taskbar = Taskbar(is_wanted=config.taskbar)
        self._takes = Takes()
        self._tells_focus = False
        """Whether the terminal says when it loses the focus: only then is it known to have it."""
        self._is_at_work = False
        self._since = 0.0
        """When the queue began to be made, which is at work."""
        self._began_at = 0.0
        """When its present song did."""
        self._ended: tuple[Outcome, ...] = ()
        """What ended of it."""

    def send(self, sequence: str) -> None:
        """Write an escape string to the terminal, whole, between what is drawn."""
        if sequence and self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    async def what_passes(self) -> Takes:
        """What the terminal takes now; of one that is none, nothing."""
        if not self.is_headless:
            self._takes = await asyncio.to_thread(self.ask_what_passes)
        return self._takes

    async def put_on_clipboard(self, text: str) -> str:
        """Put text on the clipboard of whoever sits at the terminal; gives in words how that went."""
        takes = await self.what_passes()
        written: list[str] = []
        how = await asyncio.to_thread(put_on_clipboard, text, takes, written.append)
        self.send("".join(written))
        return how

    async def try_notice(self) -> str:
        """Send a notification as any other is sent; gives in words what the terminal is known to take."""
        takes = await self.what_passes()
        self.send(Notice("a notification to try", "songs call like this").sequence(self._notify, takes))
        off = "" if self._notify == "auto" else f"; studio.notify is {self._notify}"
        return told(takes) + off + (f" → {takes.hint}" if takes.hint else "")

    def farewell(self) -> str:
        """What is to be written to the terminal when the studio has left it, however that came about."""
        return self._taskbar.clear()

    def on_app_blur(self, _: AppBlur) -> None:
        """The person looks elsewhere, and the terminal says so."""
        self._tells_focus = True

    @on(AppFocus)
    def _looked_at(self) -> None:
        if not self._is_at_work:
            self.send(self._taskbar.clear())

    @on(Bridge.RunBegan)
    def _song_begins(self) -> None:
        self._began_at = self.steady_clock()
        if not self._is_at_work:
            self._is_at_work, self._since, self._ended = True, self._began_at, ()
        if self._notify == "auto" or self._taskbar.is_wanted:
            self.run_worker(self.what_passes(), group="passing", exit_on_error=False)

    @on(Bridge.Read)
    def _song_goes_on(self, event: Bridge.Read) -> None:
        if event.meter.state.busy:
            self.send(self._taskbar.show(event.meter, self._takes, self.steady_clock()))

    @on(Bridge.RunFinished)
    def _song_ends(self, event: Bridge.RunFinished) -> None:
        self._ended = (*self._ended, event.outcome)
        took = self.steady_clock() - self._began_at
        self.run_worker(self._call(of_song(event.outcome), took), group="call", exit_on_error=False)

    @on(Bridge.Refused)
    def _song_is_refused(self, event: Bridge.Refused) -> None:
        took = self.steady_clock() - self._since if self._is_at_work else 0.0
        notice = Notice(f"{event.take.title} cannot be made", str(event.error))
        self.run_worker(self._call(notice, took), group="call", exit_on_error=False)

    async def _call(self, notice: Notice | None, took: float) -> None:
        """Tell, if it took long (s) or nobody looks; and tell of the queue instead when that is done."""
        bridge = self.screen_stack[0].query_one(Bridge)
        with suppress(SongdeskError):  # it is said by those who watch the library
            await asyncio.to_thread(bridge.count)
        if not bridge.busy:
            self.send(self._taskbar.clear())
            is_done = self._is_at_work and (notice is None or not bridge.meter.waiting)
            self._is_at_work = self._is_at_work and not is_done
            if notice is not None and is_done and len(self._ended) > 1:
                notice = of_several(self._ended, "the queue is done")
                took = self.steady_clock() - self._since
        if notice is not None and (took >= LONG or not self.app_focus):
            takes = await self.what_passes() if self._notify == "auto" else self._takes
            is_watched = self._tells_focus and self.app_focus
            self.send(notice.sequence(self._notify, takes, is_watched=is_watched))
