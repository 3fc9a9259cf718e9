"""The area of the takes: their list, and the deck that plays one."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.message import Message

from core.meter import Meter
from tui.screens.areas import Area
from tui.screens.deck import Deck, OpenPlayer
from tui.session import Session
from tui.widgets.takes_list import TakesList


class TakesArea(Area):
    """Lists the takes of the open song and plays them."""

    class InHand(Message):
        """A take is in hand and can be played, or none is."""

        def __init__(self, has_sound: bool) -> None:
            super().__init__()
            self.has_sound = has_sound

    def __init__(self, session: Session, keys: Mapping[str, str], open_player: OpenPlayer) -> None:
        super().__init__(session, keys, id="takes")
        self._open_player = open_player
        self._meter = Meter()

    def compose(self) -> ComposeResult:
        """The list over the deck."""
        yield TakesList()
        yield Deck(self._open_player)

    @property
    def deck(self) -> Deck:
        """What plays."""
        return self.query_one(Deck)

    def fill(self) -> None:
        """Show the takes of the open song, none of them in hand."""
        self.deck.eject()
        self.post_message(self.InHand(False))
        self.list_takes()

    def list_takes(self) -> None:
        """Show how the takes stand now."""
        self.query_one(TakesList).show(self.session.rows)

    def follow(self, meter: Meter) -> None:
        """Know how far the take that is being made has come."""
        self._meter = meter

    def offer(self, take: str, sound: Path) -> None:
        """Take up a take that has come to its end, unless another is being heard."""
        if self.session.sound_of(take) and not self.deck.playing:
            self._take_up(take, sound, play=False)

    @on(TakesList.Chosen)
    def _chosen(self, event: TakesList.Chosen) -> None:
        sound, meter = self.session.sound_of(event.id), self._meter
        if sound is None and meter.job == event.id and meter.preview is not None:
            sound = meter.preview
            self.say(f"the first {meter.preview_seconds:.0f} s of it, as far as it is rendered")
        if sound is None:
            self.say("this take has no sound to play", kind="warning")
        else:
            self._take_up(event.id, sound, play=True)

    @work(group="take", exclusive=True)
    async def _take_up(self, take: str, sound: Path, *, play: bool) -> None:
        await self.deck.load(sound, partial(self.session.marks, take), play=play)
        self.post_message(self.InHand(self.deck.path is not None))

    @on(Deck.Refused)
    def _refused(self, event: Deck.Refused) -> None:
        self.complain(event.error)

    @on(Deck.Silent)
    def _silent(self, event: Deck.Silent) -> None:
        self.say(event.reason, kind="warning")
