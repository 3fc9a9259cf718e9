"""The one screen: lyrics, style, settings and takes, with the transport at the foot."""

import asyncio
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.reactive import reactive

from core.errors import SongdeskError
from core.meter import State
from core.settings import Live
from tui.bridge import Bridge, MakeEngine
from tui.keys import KEYS, OF_THE_APP
from tui.screens.deck import Deck, OpenPlayer
from tui.screens.help import help_text
from tui.screens.listen import TakesArea
from tui.screens.page import Page
from tui.screens.songs import SongActions
from tui.screens.tune import TuneArea
from tui.session import Session
from tui.widgets.problems import sentence
from tui.widgets.transport import Transport

_STATES = {State.FINISHING: "stopping, keeping", State.STOPPING: "abandoning"}
_WHY_NOT = {
    "compose": "a song is being composed already",
    "stop": "no song is being composed",
    "play": "there is no take in hand: choose one in the takes",
    "seek": "there is no take in hand: choose one in the takes",
}
"""Why an action chosen by its words does nothing now."""


class StudioScreen(SongActions):
    """Joins the areas, the session and the engine; decides nothing that a song is made of."""

    BINDINGS: ClassVar[list[BindingType]] = [key.binding for key in KEYS if key.id not in OF_THE_APP]

    composing: reactive[bool] = reactive(False, bindings=True)

    def __init__(
        self, session: Session, make_engine: MakeEngine, open_player: OpenPlayer, own_keys: dict[str, str]
    ) -> None:
        super().__init__(session, open_player, own_keys)
        self.bridge = Bridge(make_engine)
        self._own_keys = own_keys
        self._job = ""
        """The job in hand."""
        self._is_stopping = False
        """Whether it was asked to end and be kept."""

    def compose(self) -> ComposeResult:
        """The areas, and the ear at the engine."""
        yield self.bridge
        yield from super().compose()

    # Composing

    @work(group="compose", exclusive=True)
    async def action_compose(self) -> None:
        """Make the song that stands here, or say what keeps it from being made."""
        if self.composing or self._is_refused():
            return
        self.composing = True
        await self.save()
        try:
            job = await asyncio.to_thread(self.session.begin)
        except SongdeskError as error:
            self.composing = False
            self.complain(error)
            return
        self._job, self._is_stopping = job.id, False
        self.takes.list_takes()
        self.query_one(TuneArea).composing(True)
        self.say("")
        self.bridge.compose_song(job)

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
        return finding is not None

    @on(TuneArea.Turned)
    def _setting_turned(self, event: TuneArea.Turned) -> None:
        if self.composing:
            heard = self.session.turn_live(self._job, event.key, self.bridge.meter)
            if heard is not Live.SONG:
                self.bridge.set_live(event.key, event.value)
            self.say(f"{event.key} is heard from the {heard.value} on")
            self.takes.list_takes()
        self.show_plan()
        self.write.show_budget()

    def action_stop(self) -> None:
        """End the song here and keep it; once more, in whichever phase, abandons it."""
        self.bridge.stop(keep=not self._is_stopping)
        if self._is_stopping or self.bridge.meter.state is State.STOPPING:
            self.say("stopping; nothing of this take is kept", kind="warning")
        else:
            stop = self.keys["stop"]
            self.say(f"stopping here, and keeping what is made; {stop} once more abandons it", kind="warning")
        self._is_stopping = True

    @on(Bridge.Read)
    def _meter_read(self, event: Bridge.Read) -> None:
        meter = event.meter
        if not meter.state.busy:
            return
        self.query_one(Transport).show(meter)
        self.takes.follow(meter)
        going = "stopping, keeping" if self._is_stopping else "composing"
        self.session.mark(meter.job, _STATES.get(meter.state, going))
        self.takes.list_takes()

    @on(Bridge.RunFinished)
    def _run_finished(self, event: Bridge.RunFinished) -> None:
        self.bridge.acknowledge()
        self.composing = self.bridge.busy
        outcome = event.outcome
        made = outcome.seconds or self.bridge.meter.seconds
        self.query_one(Transport).show(replace(self.bridge.meter, seconds=made))
        self.query_one(TuneArea).composing(self.composing)
        self.session.end(outcome)
        self.takes.list_takes()
        if outcome.error is not None:
            self.complain(outcome.error)
            return
        title, play = outcome.job.song.title, self.keys["play"]
        match outcome.state:
            case State.CANCELLED:
                self.say(f"{title} was abandoned")
            case _:
                kept = "is ready" if outcome.state is State.DONE else "was stopped and kept"
                self.say(f"{title} {kept}: {play} plays it · {outcome.file}")
                if outcome.file:
                    self.takes.offer(outcome.job.id, outcome.file)

    # Takes

    @on(TakesArea.InHand)
    def _take_in_hand(self, event: TakesArea.InHand) -> None:
        self.has_sound = event.has_sound

    @on(Deck.Spoke)
    def _player_spoke(self, event: Deck.Spoke) -> None:
        self.query_one(Transport).show_player(event.text, event.position, event.duration)

    def action_play(self) -> None:
        """Play or pause the take."""
        self.takes.deck.toggle()

    def action_seek(self, seconds: int) -> None:
        """Go back or on in the take (s)."""
        self.takes.deck.seek(seconds)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing are not shown."""
        match action:
            case "compose":
                return not self.composing
            case "stop":
                return self.composing
            case "play" | "seek":
                return self.has_sound
        return super().check_action(action, parameters)

    def action_explain(self, action: str) -> None:
        """Say why an action does nothing now."""
        self.say(_WHY_NOT.get(action, "this does nothing now"))

    def action_help(self) -> None:
        """Show every key."""
        self.app.push_screen(Page("Keys", help_text(self._own_keys)))

    def action_engine_text(self) -> None:
        """Show exactly what the model will read."""
        self.write.take_in()
        self.app.push_screen(Page("What the model reads", Content(self.session.engine_text())))
