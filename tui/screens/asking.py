"""Takes that are asked for: composed, grown out of others, paused and gone on with, through the queue."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.reactive import reactive

from core.errors import SongdeskError
from core.takes import branch
from core.takes.job import Job
from core.takes.take import Take
from tui.bridge import Bridge, MakeEngine
from tui.screens.confirm import Prompt
from tui.screens.deck import OpenPlayer
from tui.screens.listen import TakesArea
from tui.screens.planning import Planning
from tui.screens.queue_page import QueuePage
from tui.screens.style import StyleArea
from tui.screens.tune import TuneArea
from tui.session import Session
from tui.take_care import reached_in
from tui.unfinished import broken_off, can_be_gone_on_with, left_over, made_elsewhere, why_it_waits
from tui.widgets.bars import clock
from tui.widgets.problems import sentence
from tui.widgets.takes_list import TakesList

DRAFTS = 3
"""How many drafts are made where nobody says otherwise."""
_MOST_DRAFTS = 20
_DRAFT_SECONDS = 20.0


class Asking(Planning):
    """The open song with the queue of the library, through which everything goes that is made."""

    goes_on: reactive[bool] = reactive(False, bindings=True)
    """Whether the open song has a take that was broken off and can be gone on with."""

    def __init__(
        self, session: Session, make_engine: MakeEngine, open_player: OpenPlayer, own_keys: dict[str, str]
    ) -> None:
        super().__init__(session, open_player, own_keys)
        self.bridge = Bridge(make_engine, session.store, device=session.device)
        self._asked: set[Path] = set()
        """Takes that somebody asked for here, by their folders."""

    def compose(self) -> ComposeResult:
        """The areas, and the ear at the engine."""
        yield self.bridge
        yield from super().compose()

    def on_mount(self) -> None:
        """Say what waits in the library."""
        self.call_after_refresh(self._say_what_waits)

    def list_takes(self) -> None:
        """Show the takes as they stand now."""
        self.goes_on = any(can_be_gone_on_with(take) for take in self.session.takes)
        if self.is_up:
            self.takes.list_takes()

    @property
    def is_up(self) -> bool:
        """Whether there is anything to show it on: the studio may be about to be taken down."""
        return bool(self.query(TakesList))

    # Asking for takes

    @work(group="compose")
    async def action_compose(self) -> None:
        """Make the song that stands here, behind those that wait; or say what keeps it from being made."""
        async with self.changing:
            if self._is_refused():
                return
            self.composing = True
            await self.save()
            waits = self.bridge.busy
            jobs = await self._ask(self.session.begin, first=not waits)
            if jobs and self.is_up:
                self.query_one(StyleArea).note_use(jobs[0].song.style)
                await self._say_queued(jobs[0].song.title, jobs[0].folder, waits=waits)

    def _is_refused(self) -> bool:
        wrong = self.write.first_error()
        if wrong is not None:
            self.say(f"not composed: {sentence(wrong)}", kind="error")
            self.action_area("write")
            self.write.go_to(wrong)
            return True
        finding = self.session.refusal()
        if finding is not None:
            self.say(f"not composed: {finding}", kind="error")
            self.action_area("style" if finding.part == "style" else "write")
            return True
        tune = self.query_one(TuneArea)
        if tune.wrong:
            self.say(f"not composed: {tune.wrong}", kind="error")
            self.action_area("tune")
            tune.go_to_wrong()
            return True
        return False

    async def _ask(self, make: Callable[[], Job | Sequence[Job]], *, first: bool) -> tuple[Job, ...]:
        """Have takes' folders made and put into the queue; what keeps them from it is said."""

        def queued() -> tuple[Job, ...]:
            made = make()
            jobs = (made,) if isinstance(made, Job) else tuple(made)
            self._asked |= {job.folder for job in jobs}
            self.bridge.ask_for(*jobs, first=first)
            self.session.making.add(*jobs)
            return jobs

        self.composing = True
        try:
            jobs = await asyncio.to_thread(queued)
        except SongdeskError as error:
            self.complain(error)
            jobs = ()
        self.composing = self.bridge.busy
        self.list_takes()
        return jobs

    async def _say_queued(self, what: str, folder: Path, *, waits: bool) -> None:
        if not self.bridge.busy:
            try:
                why = await asyncio.to_thread(why_it_waits, self.session.store, folder)
            except SongdeskError as error:
                self.complain(error)
                return
            self.say(f"{what} {why}; {self.keys['queue']} shows it", kind="warning")
        elif waits:
            self.say(f"{what} is made when what is composed now is done")
        else:
            self.say_begun()

    @on(TakesArea.Wished)
    @work(group="compose")
    async def _take_wished(self, event: TakesArea.Wished) -> None:
        async with self.changing:
            take = self.session.making.take(event.take)
            if take is None:
                self.say("this take is gone", kind="warning")
            elif event.verb == "go_on":
                await self._go_on(take)
            else:
                await self._branch(event, take)

    async def _branch(self, event: TakesArea.Wished, take: Take) -> None:
        """Make children of a take, from the song as it stands."""
        if event.verb == "resing" and self._is_refused():
            return
        await self.save()
        song = self.session.song
        try:
            values = self.session.values_under(take.model or self.session.chosen.id)
        except SongdeskError as error:
            self.complain(error)
            return
        makes: dict[str, Callable[[], Job | Sequence[Job]]] = {
            "resing": lambda: branch.resing(take, song, values, event.seconds),
            "extend": lambda: branch.extend(take, song, values),
            "endings": lambda: branch.endings(take, song, values, event.seconds, event.count),
            "render": lambda: branch.render_again(take, values),
        }
        waits = self.bridge.busy
        jobs = await self._ask(makes[event.verb], first=not waits)
        if jobs:
            await self._say_queued(f"{song.title} ({event.verb})", jobs[0].folder, waits=waits)

    @work(group="files", exclusive=True)
    async def action_drafts(self) -> None:
        """Make the beginnings of several takes, to choose one from and finish it."""
        asked = await self.app.push_screen_wait(
            Prompt(f"How many drafts, of {_DRAFT_SECONDS:.0f} s each?", value=str(DRAFTS))
        )
        if asked is None:
            return
        if not asked.isdecimal() or not 1 <= int(asked) <= _MOST_DRAFTS:
            self.say(f"no drafts: name a number from 1 to {_MOST_DRAFTS}", kind="error")
            return
        async with self.changing:
            if not self._is_refused():
                await self._draft(int(asked))

    async def _draft(self, count: int) -> None:
        await self.save()
        session, waits = self.session, self.bridge.busy

        def make() -> tuple[Job, ...]:
            session.written()
            return branch.drafts(
                session.song, session.chosen.id, session.values, home=session.home, count=count
            )

        if await self._ask(make, first=not waits):
            go_on = self.keys["takes.go_on"]
            self.say(f"{count} drafts asked for; {go_on} in the takes finishes the one you choose")

    # Pausing and going on

    def action_pause(self) -> None:
        """Pause what is being made; where nothing is, go on with what was paused or broken off last."""
        if self.bridge.meter.state.busy:
            self.bridge.pause()
            self.say("pausing…")
        elif self.bridge.busy:
            self.say(
                f"the song has not begun yet: {self.keys['pause']} pauses it once it has", kind="warning"
            )
        else:
            self._go_on_with_last()

    @work(group="compose")
    async def _go_on_with_last(self) -> None:
        async with self.changing:
            try:
                take = await asyncio.to_thread(broken_off, self.session.takes, self.session.store)
            except SongdeskError as error:
                self.complain(error)
                return
            if take is not None:
                await self._go_on(take)
                return
            if not await self._drain():
                self.say("nothing was paused or broken off, and nothing waits", kind="warning")

    async def _drain(self) -> bool:
        """Have the queue go on; whether something is being made then."""
        try:
            await asyncio.to_thread(self.bridge.go)
        except SongdeskError as error:
            self.complain(error)
        self.composing = self.bridge.busy
        return self.composing

    async def _go_on(self, take: Take) -> None:
        """Have a take made to its end from where it stands."""
        waits, device = self.bridge.busy, self.session.device
        far = await asyncio.to_thread(reached_in, take.folder)
        jobs = await self._ask(lambda: branch.job_of(take.folder, device=device), first=True)
        if not jobs:
            return
        if waits or not self.bridge.busy:
            await self._say_queued(take.title, take.folder, waits=waits)
        else:
            self.say(f"{take.title} goes on" + (f" at {clock(far)}" if far else ""))

    @work(group="waits")
    async def _say_what_waits(self) -> None:
        """Say, once, what was left to be made; nothing is made unasked."""
        try:
            words = await asyncio.to_thread(left_over, self.session.store)
            elsewhere = await asyncio.to_thread(made_elsewhere, self.session.store)
            await asyncio.to_thread(self.bridge.count)
        except SongdeskError as error:
            self.complain(error)
            return
        if words:
            words = f"{words}: {self.keys['pause'].upper()} goes on"
        if self.is_up and (words or elsewhere):
            self.say(" · ".join(part for part in (words, elsewhere) if part), kind="warning")

    @work(group="files", exclusive=True)
    async def action_queue(self) -> None:
        """Look at all that waits to be made, and change its order."""
        store = self.session.store
        if store is None:
            self.say("the queue cannot be shown: the library's index cannot be used", kind="warning")
            return
        chosen = await self.app.push_screen_wait(QueuePage(store, self.keys, go=self._look_again))
        if chosen is not None:
            await self.open_home(Path(chosen))

    @work(group="queue")
    async def _look_again(self) -> None:
        """Somebody let the queue go on by hand."""
        await self._drain()
