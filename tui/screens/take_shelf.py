"""The list of takes: ordered, searched, marked, and the trash."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from core.errors import SongdeskError
from core.takes.lineage import ORDERS, By
from core.takes.take import Take
from tui.screens.areas import Area
from tui.screens.confirm import Confirm, Prompt
from tui.session import Session
from tui.take_care import Memo, delete_all, give_star, last_trashed, learn, put_back, throw_away, write_note
from tui.widgets.bars import one_line
from tui.widgets.search_line import SearchLine
from tui.widgets.take_rows import SORTED, Arranger, Learned, View, numbers_of, row_of
from tui.widgets.takes_list import NOTHING, TakeRow, TakesList, Verb

_BIN_EMPTY = "The trash is empty."
_AT_WORK = ("running", "finishing", "stopping", "pausing")


class TakeShelf(Area):
    """Shows the takes of the open song, or its trash, and keeps what a person says of them."""

    def __init__(self, session: Session, keys: Mapping[str, str], *, id: str) -> None:  # noqa: A002
        super().__init__(session, keys, id=id)
        self.list = TakesList()
        """The takes; at hand, as the rest, also while the studio is taken down."""
        self._line = SearchLine()
        self._aside = Static(id="take-aside", markup=False)
        self._by: By = "new"
        self._in_bin = False
        self._arrange = Arranger()
        self._learned = Learned()
        self._memo: Memo = {}
        self._known: tuple[Take, ...] = ()
        """The takes of which it was learned."""
        self._changing = asyncio.Lock()

    def compose(self) -> ComposeResult:
        """What is searched for, the list, and the whole of what one row says."""
        yield self._line
        yield self.list
        yield self._aside

    @property
    def rows_shown(self) -> tuple[TakeRow, ...]:
        """The rows as they are to be listed."""
        session = self.session
        takes, others = session.takes, session.trashed
        if self._in_bin:
            takes, others = others, takes
        rows = map(row_of, takes) if self._in_bin else session.rows
        words = self._line.words
        return self._arrange(View(takes, self._by, words, others, self._learned), rows)

    def show_takes(self) -> None:
        """Show how the takes stand now."""
        rows, line = self.rows_shown, self._line
        nothing = "No take has these words." if line.words else _BIN_EMPTY if self._in_bin else NOTHING
        self.list.show(rows, nothing=nothing)
        if line.display:
            line.count(len(rows))
        self._tell_aside()
        takes = (*self.session.takes, *self.session.trashed)
        if takes != self._known:
            self._known = takes
            self._learn(takes)

    def forget(self) -> None:
        """Another song is open: begin with all of its takes."""
        self._in_bin, self._learned = False, Learned()
        self._memo.clear()
        self._line.close()

    def take_named(self, id: str) -> Take | None:  # noqa: A002
        """The take with an id, be it in the trash; None where there is none any more."""
        return next((t for t in (*self.session.takes, *self.session.trashed) if t.id == id), None)

    def called(self, take: Take) -> str:
        """A take as people are told of it: `take 3`."""
        numbers = numbers_of((*self.session.takes, *self.session.trashed))
        return f"take {numbers.get(take.id, '?')}"

    def do(self, verb: Verb, take: Take) -> None:
        """Do what was asked for a take that is not in the trash."""
        match verb:
            case "star":
                self._star(take)
            case "note":
                self._note(take)
            case "trash":
                self._trash(take)

    def take_out(self, take: Take) -> None:
        """Take a take out of the trash."""
        self._undo(take)

    @on(TakesList.Asked)
    def _asked(self, event: TakesList.Asked) -> None:
        take = self.take_named(event.id)
        match event.verb:
            case "search":
                self._line.open()
            case "sort":
                self._next_order()
            case "bin":
                self._turn_over()
            case "back":
                self._go_back()
            case "undo":
                self._undo(take if self._in_bin else None)
            case "empty":
                self._empty()
            case "details":
                self._for(take, event.verb)
            case _ if take is not None and take.is_trashed:
                self.say(f"it is in the trash: {self.keys['takes.undo']} takes it out first", kind="warning")
            case _:
                self._for(take, event.verb)

    def _for(self, take: Take | None, verb: Verb) -> None:
        if take is None:
            self.say("there is no take under the cursor", kind="warning")
        else:
            self.do(verb, take)

    # Looking

    @on(SearchLine.Typed)
    def _typed(self) -> None:
        self.show_takes()

    @on(SearchLine.Left)
    def _back_to_list(self) -> None:
        self.list.focus()

    @on(TakesList.Highlighted)
    def _highlighted(self) -> None:
        self._tell_aside()

    def _next_order(self) -> None:
        self._by = ORDERS[(ORDERS.index(self._by) + 1) % len(ORDERS)]
        self.show_takes()
        self.say(f"takes are sorted: {SORTED[self._by]}")

    def _turn_over(self) -> None:
        """Go from the takes to the trash, or back."""
        self._in_bin = not self._in_bin
        self._line.close()
        self.list.focus()
        self.show_takes()
        count = len(self.session.trashed)
        back, out, empty = (self.keys[f"takes.{name}"] for name in ("bin", "undo", "empty"))
        self.say(
            f"the trash, {count} take{'' if count == 1 else 's'}: {out} takes one out, {empty} deletes all "
            f"for good, {back} goes back"
            if self._in_bin
            else "the takes again"
        )

    def _go_back(self) -> None:
        """Show all takes again, after a search or the trash."""
        line = self._line
        if line.display:
            line.close()
            self.show_takes()
        elif self._in_bin:
            self._turn_over()

    def _tell_aside(self) -> None:
        """Say in full what the columns have no room for."""
        row = self.list.current
        note = f"“{row.note}” · " if row is not None and row.note else ""
        words = Content(one_line(f"{note}{row.detail}") if row is not None else "")
        aside = self._aside
        if words != aside.content:
            aside.update(words)

    @work(group="learn", exclusive=True)
    async def _learn(self, takes: tuple[Take, ...]) -> None:
        learned = await asyncio.to_thread(learn, takes, self._memo)
        if learned != self._learned and self.query(TakesList):
            self._learned = learned
            self.show_takes()

    # Changing

    @work(group="marks")
    async def _star(self, take: Take) -> None:
        async with self._changing:
            now = self.take_named(take.id) or take
            if await self._done(partial(give_star, now, not now.star), now):
                self.say(f"{self.called(now)} has {'no star any more' if now.star else 'a star'}")

    @work(group="ask", exclusive=True)
    async def _note(self, take: Take) -> None:
        prompt = Prompt(f"A note to {self.called(take)}", value=take.note, may_be_empty=True)
        note = await self.app.push_screen_wait(prompt)
        if note is None or note == take.note:
            return
        async with self._changing:
            await self._done(partial(write_note, take, note), take)

    @work(group="marks")
    async def _trash(self, take: Take) -> None:
        async with self._changing:
            now = self.take_named(take.id)
            if now is None or now.is_trashed:
                return
            if now.state in _AT_WORK:
                self.say(f"{self.called(now)} is being made: stop it first", kind="warning")
                return
            name = self.called(now)
            if await self._done(partial(throw_away, self.session.store, now), now):
                self.gone(now)
                self.say(f"{name} is in the trash: {self.keys['takes.undo']} takes it out again")

    @work(group="marks")
    async def _undo(self, take: Take | None) -> None:
        """Take a take out of the trash; without one, that which went there last."""
        async with self._changing:
            now = take or await asyncio.to_thread(last_trashed, self.session.trashed)
            if now is None:
                self.say("nothing is in the trash", kind="warning")
                return
            name = self.called(now)
            if await self._done(partial(put_back, self.session.store, now), now):
                if not self._in_bin:
                    self.list.go_to(now.id)
                self.say(f"{name} is out of the trash again")

    @work(group="ask", exclusive=True)
    async def _empty(self) -> None:
        there = self.session.trashed
        if not self._in_bin:
            self.say(f"{self.keys['takes.bin']} shows the trash first, for nothing comes back from there")
        elif not there:
            self.say(_BIN_EMPTY, kind="warning")
        elif await self.app.push_screen_wait(self._asks(len(there))):
            async with self._changing:
                if await self._done(partial(delete_all, self.session.store, self.session.home)):
                    self.say(f"{len(there)} take{'' if len(there) == 1 else 's'} deleted for good")

    def _asks(self, count: int) -> Confirm:
        yes, no = (self.keys[name] for name in ("confirm.yes", "confirm.no"))
        takes = "The take in the trash is" if count == 1 else f"The {count} takes in the trash are"
        return Confirm(
            f"{takes} deleted for good, with sound and recipe.", yes=f"Delete ({yes})", no=f"Keep ({no})"
        )

    async def _done(self, change: Callable[[], object], *takes: Take) -> bool:
        """Whether a change could be made; it is listed then."""
        error = await asyncio.to_thread(self._make, change, takes)
        if self.query(TakesList):  # none when the studio is already being taken down
            self.show_takes()
        if error is not None:
            self.complain(error)
        return error is None

    def _make(self, change: Callable[[], object], takes: tuple[Take, ...]) -> SongdeskError | None:
        """On a thread of its own: change the folders, and see what came of it."""
        try:
            change()
            if self.session.store is not None:
                self.session.store.note(*(take.folder for take in takes))
            self.session.reread()
        except SongdeskError as error:
            return error
        return None

    def gone(self, take: Take) -> None:
        """A take went into the trash."""
