"""The one screen: lyrics, style, settings and takes, with the transport at the foot."""

from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.binding import ActiveBinding, BindingType
from textual.content import Content

from tui.keys import KEYS, OF_THE_APP
from tui.listening import with_key
from tui.screens.deck import Deck
from tui.screens.elsewhere import Elsewhere
from tui.screens.listen import TakesArea
from tui.screens.page import Page
from tui.screens.style import StyleArea
from tui.screens.write import WriteArea
from tui.widgets.reference_panel import ReferencePanel
from tui.widgets.transport import Transport

_WHY_NOT = {
    "stop": "no song is being composed",
    "play": "there is no take in hand: choose one in the takes",
    "seek": "there is no take in hand: choose one in the takes",
}
"""Why an action chosen by its words does nothing now."""


class StudioScreen(Elsewhere):
    """Joins the areas, the session and the engine; decides nothing that a song is made of."""

    BINDINGS: ClassVar[list[BindingType]] = [key.binding for key in KEYS if key.id not in OF_THE_APP]

    # Takes

    @on(TakesArea.InHand)
    def _take_in_hand(self, event: TakesArea.InHand) -> None:
        self.has_sound = event.has_sound

    @on(Deck.Spoke)
    def _player_spoke(self, event: Deck.Spoke) -> None:
        self.query_one(Transport).show_player(
            with_key(event.text, self.keys["listen"]), event.position, event.duration
        )

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

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """The keys that work now: the one that pauses says what it would do."""
        found = super().active_bindings
        for key, active in found.items():
            if active.binding.action == "pause":
                label = "Pause" if self.composing else "Go on"
                binding = replace(active.binding, description=label, show=self.composing or self.goes_on)
                found[key] = active._replace(binding=binding)
        return found

    def action_explain(self, action: str) -> None:
        """Say why an action does nothing now."""
        self.say(_WHY_NOT.get(action, "this does nothing now"))

    def action_engine_text(self) -> None:
        """Show exactly what the model will read."""
        self.write.take_in()
        self.app.push_screen(Page("What the model reads", Content(self.session.engine_text())))
