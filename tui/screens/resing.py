"""Going on from a take: sung anew from a place, with other endings, behind its end, or to its end."""

import asyncio

from textual import work
from textual.message import Message

from core.errors import SongdeskError
from core.takes.take import Take
from tui.screens.chooser import Chooser
from tui.screens.confirm import Confirm, Prompt
from tui.screens.take_page import read_all, take_page
from tui.screens.take_shelf import TakeShelf
from tui.take_points import END, OTHER, Points, kept_of, points_of, rows_of, terms, time_typed
from tui.widgets.take_rows import numbers_of
from tui.widgets.takes_list import Verb

_MOST_ENDINGS = 20
_WHY_WHOLE = "it is whole already"
_WHY_NOT = {
    "queued": "it waits in the queue, and is made in its turn",
    "running": "it is being made",
    "finishing": "it is being made",
    "stopping": "it is being abandoned",
    "pausing": "it is about to pause",
}
"""Why a take cannot be gone on with, by its state."""


class Branching(TakeShelf):
    """Asks from where and how, and has the studio make it."""

    class Wished(Message, namespace="takes_area"):
        """A take is to be gone on from."""

        def __init__(self, verb: str, take: str, seconds: float = 0.0, count: int = 1) -> None:
            super().__init__()
            self.verb = verb
            """`go_on`, `resing`, `extend`, `endings` or `render`."""
            self.take = take
            """Its id."""
            self.seconds = seconds
            """How much of it is kept (s); only `resing` and `endings` ask for it."""
            self.count = count
            """How many endings."""

    def do(self, verb: Verb, take: Take) -> None:
        """Do what was asked for a take."""
        match verb:
            case "go_on":
                self._go_on(take)
            case "resing":
                self._resing(take)
            case "endings":
                self._endings(take)
            case "render":
                self.post_message(self.Wished("render", take.id))
            case "details":
                self._tell(take)
            case _:
                super().do(verb, take)

    def stands_at(self, take: Take) -> float | None:
        """Where the player stands in a take (s); None when it has another one, or none."""
        raise NotImplementedError

    def _go_on(self, take: Take) -> None:
        if take.can_go_on:
            self.post_message(self.Wished("go_on", take.id))
            return
        resing = self.keys["takes.resing"]
        why = _WHY_NOT.get(
            take.state, f"{_WHY_WHOLE}: {resing} sings it anew from a place, or behind its end"
        )
        self.say(f"{self.called(take)} cannot be gone on with: {why}", kind="warning")

    @work(group="ask", exclusive=True)
    async def _resing(self, take: Take) -> None:
        asked = await self._asked_from(take, f"Sing {self.called(take)} anew from where?", with_end=True)
        if asked is None:
            return
        points, seconds = asked
        lines = await self._terms(points, seconds)
        if await self.app.push_screen_wait(self._confirms(lines)):
            is_behind = seconds >= points.seconds
            self.post_message(self.Wished("extend" if is_behind else "resing", take.id, seconds))

    @work(group="ask", exclusive=True)
    async def _endings(self, take: Take) -> None:
        asked = await self._asked_from(
            take, f"Other endings of {self.called(take)} from where?", with_end=False
        )
        if asked is None:
            return
        points, seconds = asked
        lines = [*await self._terms(points, seconds), "", "How many, each with a seed of its own?"]
        typed = await self.app.push_screen_wait(Prompt("\n".join(lines), value="3"))
        if typed is None:
            return
        count = int(typed) if typed.isdecimal() else 0
        if not 1 <= count <= _MOST_ENDINGS:
            self.say(f"{typed} is no number of endings: type one from 1 to {_MOST_ENDINGS}", kind="warning")
            return
        self.post_message(self.Wished("endings", take.id, seconds, count))

    @work(group="ask", exclusive=True)
    async def _tell(self, take: Take) -> None:
        """Show what a take was made from."""
        row = next((row for row in self.rows_shown if row.id == take.id), None)
        parent = self.take_named(take.kin.parent) if take.kin else None
        told = await asyncio.to_thread(
            read_all, take, row.state_text if row is not None else take.state, parent
        )
        numbers = numbers_of((*self.session.takes, *self.session.trashed))
        self.app.push_screen(take_page(told, numbers))

    async def _asked_from(self, take: Take, title: str, *, with_end: bool) -> tuple[Points, float] | None:
        """What there is of a take, and how much of it (s) somebody wants to keep; None for nothing."""
        here = self.stands_at(take)
        try:
            points = await asyncio.to_thread(points_of, take)
            rows = rows_of(points, here, with_end=with_end)
            chosen = await self.app.push_screen_wait(Chooser(title, rows))
            if chosen == OTHER:
                typed = await self.app.push_screen_wait(Prompt("From which time? Such as 1:07"))
                chosen = None if typed is None else str(time_typed(typed, points))
        except SongdeskError as error:
            self.complain(error)
            return None
        if chosen is None:
            return None
        return points, points.seconds if chosen == END else float(chosen)

    async def _terms(self, points: Points, seconds: float) -> list[str]:
        """What is kept and what is made anew, as the song stands now."""
        kept = await asyncio.to_thread(kept_of, points, seconds)
        return terms(points, kept, self.session.song, self.session.values)

    def _confirms(self, lines: list[str]) -> Confirm:
        yes, no = (self.keys[name] for name in ("confirm.yes", "confirm.no"))
        return Confirm("\n".join(lines), yes=f"Sing ({yes})", no=f"Back ({no})")
