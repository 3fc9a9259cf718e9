"""The area of the takes: their list, and the deck that plays one."""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from core.meter import Meter, State
from core.takes.take import Take
from tui.listening import with_key
from tui.screens.deck import Deck, OpenPlayer
from tui.screens.listen_keys import LISTEN_KEYS
from tui.screens.resing import Branching
from tui.screens.tracks import Pair
from tui.session import Session
from tui.widgets.automation import Automation
from tui.widgets.takes_list import TakesList

_NOTHING_LEFT = tuple(state.value for state in (State.CANCELLED, State.FAILED, State.PAUSED))
"""How a take stands that has no sound, or none any more."""
_ENDED = ("done", State.STOPPED.value, State.DRAFT.value, "interrupted", *_NOTHING_LEFT)
_SINGS = 2
"""The first phase in which sound may come to be: whatever the song is long by then, it will be at most."""


class TakesArea(Branching):
    """Lists the takes of the open song and plays them."""

    BINDINGS: ClassVar[list[BindingType]] = LISTEN_KEYS

    class InHand(Message):
        """A take is in hand and can be played, or none is."""

        def __init__(self, has_sound: bool) -> None:
            super().__init__()
            self.has_sound = has_sound

    def __init__(self, session: Session, keys: Mapping[str, str], open_player: OpenPlayer) -> None:
        super().__init__(session, keys, id="takes")
        self.deck = Deck(open_player)
        """What plays; at hand also while the studio is taken down."""
        self._automation = Automation()
        self._meter = Meter()

    def compose(self) -> ComposeResult:
        """The list over the deck, and under it how knobs were turned."""
        yield from super().compose()
        yield self.deck
        yield self._automation

    @property
    def take(self) -> str:
        """The take in hand; empty for none."""
        return self.deck.take

    @property
    def position(self) -> float:
        """Where the take in hand stands (s)."""
        return self.deck.position

    def fill(self) -> None:
        """Show the takes of the open song, none of them in hand."""
        for group in ("take", "finish", "mark"):
            self.workers.cancel_group(self, group)
        self.deck.clear()
        self._automation.show((), 0.0)
        self.post_message(self.InHand(False))
        self.forget()
        self.list_takes()

    def list_takes(self) -> None:
        """Show how the takes stand now."""
        self.show_takes()
        in_hand = self.take_named(self.take)
        if in_hand is not None and in_hand.is_trashed:  # by another studio
            self.gone(in_hand)
        made = self.take_named(self._meter.job)
        if made is None or made.state not in _ENDED:
            return
        self._meter = Meter()
        if made.state in _NOTHING_LEFT and self.deck.is_growing(made.id):
            self._put_away()
        if self.take in ("", made.id):
            self._automation.show((), 0.0)

    def stands_at(self, take: Take) -> float | None:
        """Where the player stands in a take (s); None when it has another one, or none."""
        return self.position if self.take == take.id else None

    def gone(self, take: Take) -> None:
        """A take went into the trash: it is no longer to be heard, nor compared."""
        if self.take == take.id:
            self._put_away()
        pair = self.deck.table.pair
        if pair.letter(take.id):
            kept = (None if track is None or track.take == take.id else track for track in (pair.a, pair.b))
            self.deck.table.compare(Pair(*kept))
            self.deck.look()

    def _put_away(self) -> None:
        self.deck.eject()
        self.post_message(self.InHand(False))

    def follow(self, meter: Meter) -> None:
        """Know how far the take that is being made has come."""
        self._meter = meter
        if meter.preview is not None:
            self.deck.grow(meter.job, meter.preview, meter.preview_seconds, _length_of(meter))
        if self.take in ("", meter.job) and any(row.id == meter.job for row in self.session.rows):
            self._show_lanes_made(meter)

    def offer(self, take: str, sound: Path) -> None:
        """Take up a take that has come to its end, unless another is being heard.

        Where it is heard already, as far as it was rendered, its finished sound goes on from there.
        """
        if self.deck.is_growing(take):
            self._finish(take, sound)
        elif self.session.sound_of(take) and not self.deck.playing:
            self._take_up(take, sound, play=False)

    def resume(self, take: str, position: float) -> None:
        """Take up a take where it was left (s), silent."""
        sound = self.session.sound_of(take)
        if sound is not None:
            self._take_up(take, sound, play=False, at=position)

    @on(TakesList.Chosen)
    def _chosen(self, event: TakesList.Chosen) -> None:
        take = self.take_named(event.id)
        if take is not None and take.is_trashed:
            self.take_out(take)
        else:
            self.play(event.id)

    def play(self, id: str) -> None:  # noqa: A002
        """Play a take of the open song, also one that is being made."""
        take, sound, meter = self.take_named(id), self.session.sound_of(id), self._meter
        if sound is not None:
            self._take_up(id, sound, play=True)
        elif meter.job == id and meter.preview is not None:
            self.say(f"the first {meter.preview_seconds:.0f} s of it, and on as it is rendered")
            self._take_up(id, meter.preview, play=True, whole=_length_of(meter))
        else:
            self.say(f"this take has no sound to play{self._why_silent(take)}", kind="warning")

    def play_next(self, step: int) -> None:
        """Play the take below that in hand in the list, or above for -1, of those that can be heard."""
        there = [row.id for row in self.rows_shown if self._can_be_heard(row.id)]
        at = there.index(self.take) + step if self.take in there else 0 if step > 0 else len(there) - 1
        if 0 <= at < len(there):
            self.play(there[at])
        else:
            self.say("there is no other take to hear" if there else "there is no take to hear")

    def _can_be_heard(self, id: str) -> bool:  # noqa: A002
        take, meter = self.take_named(id), self._meter
        is_made = meter.job == id and meter.preview is not None
        return take is not None and not take.is_trashed and (is_made or self.session.sound_of(id) is not None)

    def _why_silent(self, take: Take | None) -> str:
        """What can be done about a take without sound, in a few words."""
        if take is not None and take.state not in _ENDED:
            return " yet"
        if take is not None and take.can_go_on:
            return f": {self.keys['takes.go_on']} goes on with it"
        return ""

    @work(group="take", exclusive=True)
    async def _take_up(
        self, take: str, sound: Path, *, play: bool, at: float = 0.0, whole: float | None = None
    ) -> None:
        """Have a take in hand; one with a `whole` (s) is still rendered up to that."""
        mark = partial(self.session.marks, take)
        await self.deck.load(take, sound, mark, play=play, at=at, whole=whole)
        self.post_message(self.InHand(self.deck.path is not None))
        finished = self.session.sound_of(take)
        if finished is not None and self.deck.is_growing(take):
            await self.deck.finish(take, finished, mark)  # it came to its end meanwhile
        await self._show_lanes(take)

    @work(group="finish", exclusive=True)
    async def _finish(self, take: str, sound: Path) -> None:
        await self.deck.finish(take, sound, partial(self.session.marks, take))
        await self._show_lanes(take)

    async def _show_lanes(self, take: str) -> None:
        """Draw how knobs were turned in the take in hand."""
        lanes = await asyncio.to_thread(self.session.lanes, take)
        if self.take == take and self._meter.job != take:
            self._automation.show(lanes, self.deck.duration)

    def _show_lanes_made(self, meter: Meter) -> None:
        seconds, reached = self.session.lane_axis(meter)
        self._automation.show(self.session.lanes(meter.job), seconds, reached=reached)

    @on(Deck.Refused)
    def _refused(self, event: Deck.Refused) -> None:
        self.complain(event.error)

    @on(Deck.Silent)
    def _silent(self, event: Deck.Silent) -> None:
        self.say(with_key(event.reason, self.keys["listen"]), kind="warning")

    @on(Deck.Told)
    def _told(self, event: Deck.Told) -> None:
        self.say(event.text)

    @on(Deck.Signed)
    def _signed(self, event: Deck.Signed) -> None:
        self.list.mark(event.signs)

    def action_skip(self, seconds: int) -> None:
        """Go on in the take, or back (s)."""
        if self._has_take():
            self.deck.seek(seconds)

    def action_section(self, step: int) -> None:
        """Go to the start of the next section, or back."""
        if self._has_take():
            self.deck.section(step)

    def action_ends(self, last: bool) -> None:
        """Go to the start or to the end."""
        if self._has_take():
            self.deck.go_to_end(last=last)

    def action_loop(self) -> None:
        """Let the section go round, the whole, or nothing."""
        if self._has_take():
            self.deck.loop()

    def action_volume(self, steps: int) -> None:
        """Play louder or softer."""
        self.deck.turn_volume(steps)

    def action_hear(self, stem: str) -> None:
        """Hear one of the take's sounds."""
        if self._has_take():
            self.deck.hear(stem)

    def action_switch(self) -> None:
        """Go over to the other of A and B."""
        if self._has_take():
            self.deck.switch()

    def action_mark(self, letter: str) -> None:
        """Compare the take under the cursor, or no longer."""
        row = self.list.current
        self.compare_as(letter, row.id if row is not None else "")

    def compare_as(self, letter: str, take: str) -> None:
        """Compare a take as `a` or `b`, or no longer."""
        sound = self.session.sound_of(take)
        if sound is None:
            self.say("only a take that has its sound can be compared", kind="warning")
        else:
            self.say("measuring how loud it is…")
            self._mark(letter, take, sound)

    @work(group="mark")
    async def _mark(self, letter: str, take: str, sound: Path) -> None:
        await self.deck.mark(letter, take, sound, partial(self.session.marks, take))

    def _has_take(self) -> bool:
        if self.take:
            return True
        self.say(f"there is no take in hand: {self.keys['takes.play']} plays the one under the cursor")
        return False


def _length_of(meter: Meter) -> float:
    """What a take that is being rendered will be long (s), at most."""
    return meter.seconds if meter.phase >= _SINGS else 0.0
