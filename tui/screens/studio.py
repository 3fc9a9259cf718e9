"""The one screen: lyrics, style, settings and takes, with the transport at the foot."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from core.errors import SongdeskError
from core.meter import Meter, State
from core.settings import Live, Value
from tui.bridge import Bridge, MakeEngine
from tui.keys import KEYS, OF_THE_APP
from tui.screens.deck import Deck, OpenPlayer
from tui.screens.listen import TakesArea
from tui.screens.page import Page
from tui.screens.songs import SongActions
from tui.screens.style import StyleArea
from tui.screens.tune import TuneArea
from tui.screens.write import WriteArea
from tui.session import Session
from tui.widgets.problems import sentence
from tui.widgets.reference_panel import ReferencePanel
from tui.widgets.transport import Transport

_STATES = {State.FINISHING: "stopping, keeping", State.STOPPING: "abandoning"}
_WHY_NOT = {
    "stop": "no song is being composed",
    "play": "there is no take in hand: choose one in the takes",
    "seek": "there is no take in hand: choose one in the takes",
}
"""Why an action chosen by its words does nothing now."""


class StudioScreen(SongActions):
    """Joins the areas, the session and the engine; decides nothing that a song is made of."""

    BINDINGS: ClassVar[list[BindingType]] = [key.binding for key in KEYS if key.id not in OF_THE_APP]

    def __init__(
        self, session: Session, make_engine: MakeEngine, open_player: OpenPlayer, own_keys: dict[str, str]
    ) -> None:
        super().__init__(session, open_player, own_keys)
        self.bridge = Bridge(make_engine)
        self._stopped = ""
        """The job that was asked to end and be kept."""

    def compose(self) -> ComposeResult:
        """The areas, and the ear at the engine."""
        yield self.bridge
        yield from super().compose()

    # Composing

    @work(group="compose")
    async def action_compose(self) -> None:
        """Make the song that stands here, behind those that wait; or say what keeps it from being made."""
        async with self.changing:
            if self._is_refused():
                return
            self.composing = True
            await self.save()
            waits = self.bridge.busy
            try:
                job = await asyncio.to_thread(self.session.begin, waits=waits)
            except SongdeskError as error:
                self.composing = self.bridge.busy
                self.complain(error)
                return
            self.takes.list_takes()
            self.query_one(TuneArea).composing(True)
            self.query_one(StyleArea).note_use(job.song.style)
            self.say(f"{job.song.title} is made when what is composed now is done" if waits else "")
            self.bridge.compose_song(job)
            self.composing = True  # the run before it may have ended meanwhile

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
        if self.composing and self.bridge.meter.state.busy:  # else it is the meter of the song before
            self._turn_live(event.changes)
        self.show_plan()
        self.write.show_budget()

    def _turn_live(self, changes: Mapping[str, Value]) -> None:
        """Turn the knobs of the song being made, and say when each is heard."""
        heard: dict[Live, list[str]] = {}
        for key, value in changes.items():
            live = self.session.turn_live(self.bridge.meter.job, key, self.bridge.meter)
            if live is not Live.SONG:
                self.bridge.set_live(key, value)
            heard.setdefault(live, []).append(key)
        said = (
            f"{', '.join(keys)} {'is' if len(keys) == 1 else 'are'} heard from the {live.value} on"
            for live, keys in heard.items()
        )
        self.say("; ".join(said))
        self._follow(self.bridge.meter)

    def action_stop(self) -> None:
        """End the song here and keep it; once more, in whichever phase, abandons it."""
        if not self.bridge.meter.state.busy:
            self.say(f"the song has not begun yet: {self.keys['stop']} ends it once it has", kind="warning")
            return
        job, again = self.bridge.meter.job, self._is_stopping
        self.bridge.stop(keep=not again)
        if again or self.bridge.meter.state is State.STOPPING:
            self.say("stopping; nothing of this take is kept", kind="warning")
        else:
            stop = self.keys["stop"]
            self.say(f"stopping here, and keeping what is made; {stop} once more abandons it", kind="warning")
        self._stopped = job

    @property
    def _is_stopping(self) -> bool:
        """Whether the song being made was asked to end and be kept."""
        return bool(self._stopped) and self._stopped == self.bridge.meter.job

    @on(Bridge.Read)
    def _meter_read(self, event: Bridge.Read) -> None:
        meter = event.meter
        if meter.state.busy:
            self.query_one(Transport).show(meter)
            self._follow(meter)

    def _follow(self, meter: Meter) -> None:
        """Show how far the take that is being made has come, and how its knobs were turned."""
        if not meter.state.busy:
            return
        self.takes.follow(meter)
        self.query_one(TuneArea).follow(meter)
        going = "stopping, keeping" if self._is_stopping else "composing"
        self.session.mark(meter.job, _STATES.get(meter.state, going))
        self.takes.list_takes()

    @on(Bridge.RunFinished)
    def _run_finished(self, event: Bridge.RunFinished) -> None:
        self.bridge.acknowledge()
        self.composing = self.bridge.busy
        outcome = event.outcome
        meter = self.bridge.meter
        if meter.job == outcome.job.id:
            self.query_one(Transport).show(replace(meter, seconds=outcome.seconds or meter.seconds))
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

    @on(WriteArea.Described)
    def _style_pasted(self) -> None:
        self.query_one(StyleArea).fill()

    # The reference

    @on(ReferencePanel.Listen)
    @work(group="audition", exclusive=True)
    async def _reference_heard(self, event: ReferencePanel.Listen) -> None:
        await self.takes.deck.audition(event.path, event.start, event.seconds)

    @on(ReferencePanel.Hush)
    def _reference_hushed(self) -> None:
        self.workers.cancel_group(self, "audition")
        self.takes.deck.hush()

    def action_play(self) -> None:
        """Play or pause the take."""
        self.takes.deck.toggle()

    def action_seek(self, seconds: int) -> None:
        """Go back or on in the take (s)."""
        self.takes.deck.seek(seconds)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing are not shown."""
        match action:
            case "stop":
                return self.composing
            case "play" | "seek":
                return self.has_sound
        return super().check_action(action, parameters)

    def action_explain(self, action: str) -> None:
        """Say why an action does nothing now."""
        self.say(_WHY_NOT.get(action, "this does nothing now"))

    def action_engine_text(self) -> None:
        """Show exactly what the model will read."""
        self.write.take_in()
        self.app.push_screen(Page("What the model reads", Content(self.session.engine_text())))
