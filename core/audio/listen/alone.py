"""Who drives a stage where no studio does: takes come from the shelf, and one that grows is followed."""

from collections.abc import Mapping
from typing import Any

from core.audio.listen.shelf import Card, Shelf
from core.audio.listen.stage import Command, Stage
from core.errors import SongdeskError


class Alone:
    """Does what tabs ask for; any thread may ask, and it may take a second where loudness is measured."""

    def __init__(self, stage: Stage, shelf: Shelf) -> None:
        self._stage = stage
        self._shelf = shelf

    def obey(self, command: Command) -> None:
        """Do it; what there is no take for is not done."""
        match command:
            case Command("take", take=str() as id_):
                self.take_up(id_, plays=True)
            case Command("next" | "previous"):
                self._step(1 if command.do == "next" else -1)
            case Command("compare"):
                self._compare()
            case Command("mark"):
                self._stage.obey(command)
                self._stage.change(**self._equally_loud())
            case _:
                self._stage.obey(command)

    def take_up(self, id: str, *, plays: bool) -> None:  # noqa: A002
        """Have a take in hand, at its beginning."""
        card = self._shelf.card(id)
        if card is not None and card.stems:
            self._stage.change(**self._facts(card), place=0.0, playing=plays, loop=None)

    def look(self) -> None:
        """See how far a take in hand that grows has come; its finished sound goes on where it was."""
        state = self._stage.state
        card = self._shelf.card(state.take) if state.grows else None
        if not state.grows or (card is not None and card.grows and card.seconds == state.seconds):
            return
        if card is not None and card.stems:
            self._stage.change(grows=card.grows, seconds=card.seconds or 0.0, whole=0.0)
        else:  # it was given up, and nothing is left of it
            self._stage.change(grows=False, playing=False)

    def _step(self, step: int) -> None:
        """The take below the one in hand in the list, or above it; past its ends nothing."""
        state, cards = self._stage.state, self._shelf.cards()
        here = next((index for index, card in enumerate(cards) if card.id == state.take), None)
        to = 0 if here is None else here + step
        if 0 <= to < len(cards):
            self.take_up(cards[to].id, plays=state.playing)

    def _compare(self) -> None:
        state = self._stage.state
        other = state.b if state.take == state.a else state.a
        card = self._shelf.card(other) if state.a and state.b else None
        if card is not None and card.stems:
            self._stage.change(**self._facts(card), place=self._stage.position())

    def _facts(self, card: Card) -> Mapping[str, Any]:
        state = self._stage.state
        return {
            "take": card.id,
            "title": card.title,
            "stem": state.stem if state.stem in card.stems else card.stems[0],
            "seconds": card.seconds or 0.0,
            "grows": card.grows,
            "whole": 0.0,
            "gain": state.gains.get(card.id, 1.0),
        }

    def _equally_loud(self) -> Mapping[str, Any]:
        """What makes the two that are compared equally loud, and the gain of the one in hand."""
        from core.audio.loudness import matched, of

        state = self._stage.state
        sounds = [self._shelf.sound(id_, "mix") for id_ in (state.a, state.b)]
        gains: dict[str, float] = {}
        try:
            loud = [of(sound) for sound in sounds if sound is not None]
        except SongdeskError:
            loud = []
        if len(loud) == 2:
            gains = dict(zip((state.a, state.b), matched(*loud), strict=True))
        return {"gains": gains, "gain": gains.get(state.take, 1.0)}
