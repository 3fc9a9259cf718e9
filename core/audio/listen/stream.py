"""What tabs are told without asking: every new state at once, and that the list of takes has changed."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict

from core.audio.listen.shelf import Shelf
from core.audio.listen.stage import Stage, State
from core.errors import SongdeskError

_log = logging.getLogger(__name__)
BEAT = 3.0
"""Seconds of silence after which a beat is sent: by it a page sees that the link holds, and says a word."""
LOOK = 2.0
"""Seconds between looks at the list of takes, while somebody listens."""


class Wire:
    """Carries the news of a stage and a shelf to any number of streams, on the server's own loop."""

    def __init__(self, stage: Stage, shelf: Shelf) -> None:
        self.stage = stage
        self._shelf = shelf
        self._streams: set[asyncio.Event] = set()
        self._version = 0
        self._watch: asyncio.Task[None] | None = None
        self._amiss = ""
        """Why the last look at the takes failed."""
        self._is_over = False

    def end(self) -> None:
        """Have every stream end; on the server's loop."""
        self._is_over = True
        if self._watch is not None:
            self._watch.cancel()
        self._wake()

    def facts(self) -> dict[str, object]:
        """The state as it is sent: its place is that of this moment."""
        state, now = self.stage.moment, time.monotonic()
        return {**asdict(state), **self._clock(state, now), "at": now}

    def _clock(self, state: State, now: float) -> dict[str, object]:
        """What tabs keep in step by."""
        return {"now": now, "place": state.place, "lead": state.lead, "tabs": len(self.stage.tabs())}

    async def events(self, tab: str) -> AsyncIterator[str]:
        """The stream of one tab, until the server ends."""
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def tell(_: State) -> None:
            with suppress(RuntimeError):  # the loop has ended: there is nobody to tell
                loop.call_soon_threadsafe(news.set)

        leave = self.stage.subscribe(tell)
        self._streams.add(news)
        try:
            await self._look()
            self._watch = self._watch or loop.create_task(self._look_on())
            with self.stage.attending(tab):
                yield "retry: 500\n"
                version = self._version
                yield self._state()
                while not self._is_over:
                    if not await _came(news):
                        yield _event("beat", self._clock(self.stage.moment, time.monotonic()))
                    elif not self._is_over:
                        if version != self._version:
                            version = self._version
                            yield _event("takes", {"version": version})
                        yield self._state()
        finally:
            leave()
            self._streams.discard(news)
            if not self._streams and self._watch is not None:
                self._watch.cancel()
                self._watch = None

    def _state(self) -> str:
        facts = self.facts()
        return _event("state", facts, facts["revision"])

    def _wake(self) -> None:
        for news in self._streams:
            news.set()

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            if await self._look():
                self._wake()

    async def _look(self) -> bool:
        """Whether the takes are others than at the last look; where none could be taken they are not."""
        before, amiss = self._version, ""
        try:
            self._version = await asyncio.to_thread(self._shelf.version)
        except SongdeskError:
            pass  # whoever asks for the takes is told
        except Exception as error:  # noqa: BLE001 - what plays goes on, and the next look may do better
            amiss = repr(error)
            if amiss != self._amiss:
                _log.warning("the takes could not be looked at", exc_info=error)
        self._amiss = amiss
        return self._version != before


async def _came(news: asyncio.Event) -> bool:
    """Whether there was news before the next beat; it is taken as told."""
    try:
        async with asyncio.timeout(BEAT):
            await news.wait()
    except TimeoutError:
        return False
    news.clear()
    return True


def _event(kind: str, facts: object, number: object = None) -> str:
    """One event in the words of server-sent events."""
    head = f"event: {kind}\n" + (f"id: {number}\n" if number is not None else "")
    return f"{head}data: {json.dumps(facts)}\n\n"
