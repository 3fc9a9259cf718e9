"""Who drives a stage where no studio does: takes come from the shelf, and one that grows is followed."""

from collections.abc import Mapping
from typing import Any

from core.audio.listen.shelf import Card, Shelf
from core.audio.listen.stage import Command, Stage, State
from core.errors import SongdeskError

_NOTHING: Mapping[str, Any] = {
    "take": "",
    "title": "",
    "playing": False,
    "place": 0.0,
    "seconds": 0.0,
    "grows": False,
    "whole": 0.0,
    "loop": None,
}
"""No take in hand."""
_BETWEEN = ("running", "interrupted")
"""How a take seems to stand in the moment between its last preview and word of its finished sound."""


class Alone:
    """Does what tabs ask for; any thread may ask, and it may take a second where loudness is measured.

    The disk is asked first, and then the state is changed by what it is by then: somebody may be quicker.
    """

    def __init__(self, stage: Stage, shelf: Shelf) -> None:
        self._stage = stage
        self._shelf = shelf
        self._between = ""
        """The take that the last look found between two sounds."""

    def obey(self, command: Command) -> None:
        """Do it; what there is no take for, or no stem, is not done."""
        match command:
            case Command("take", take=str() as id_):
                self.take_up(id_, plays=True)
            case Command("stem", stem=str() as stem):
                self._hear(stem)
            case Command("next" | "previous"):
                self._step(1 if command.do == "next" else -1)
            case Command("compare"):
                self._compare()
            case Command("mark"):
                self._stage.obey(command)
                self._make_equally_loud()
            case _:
                self._stage.obey(command)

    def take_up(self, id: str, *, plays: bool) -> None:  # noqa: A002
        """Have a take in hand, at its beginning."""
        card = self._shelf.card(id)
        if card is not None and card.stems:
            self._stage.revise(lambda state: _begun(card, state, plays=plays))

    def look(self) -> None:
        """See how the take in hand stands: one that grows goes on, one that is gone falls silent.

        The finished sound of one that grew goes on where it was.
        """
        id_ = self._stage.state.take
        try:
            card = self._shelf.card(id_) if id_ else None
        except SongdeskError:  # the library cannot be read now, which tells nothing of the take
            return
        is_between = card is not None and not card.stems and card.state in _BETWEEN
        was_between, self._between = self._between == id_, id_ if is_between else ""
        if is_between and not was_between:
            return
        self._stage.revise(lambda state: _news(card, state) if state.take == id_ else None)

    def _hear(self, stem: str) -> None:
        id_ = self._stage.state.take
        card = self._shelf.card(id_)
        if card is not None and stem in card.stems:
            self._stage.revise(lambda state: {"stem": stem} if state.take == id_ else None)

    def _step(self, step: int) -> None:
        """The take below the one in hand in the list, or above it; past its ends nothing."""
        cards = self._shelf.cards()

        def stepped(state: State) -> Mapping[str, Any] | None:
            here = next((index for index, card in enumerate(cards) if card.id == state.take), None)
            to = 0 if here is None else here + step
            return _begun(cards[to], state, plays=state.playing) if 0 <= to < len(cards) else None

        self._stage.revise(stepped)

    def _compare(self) -> None:
        state = self._stage.state
        cards = {id_: self._shelf.card(id_) for id_ in (state.a, state.b) if id_}

        def turned(state: State) -> Mapping[str, Any] | None:
            card = cards.get(state.b if state.take == state.a else state.a) if state.a and state.b else None
            return {**_facts(card, state), "place": state.place} if card is not None and card.stems else None

        self._stage.revise(turned)

    def _make_equally_loud(self) -> None:
        """Find what makes the two that are compared equally loud, and the gain of the one in hand."""
        from core.audio.loudness import matched, of

        state = self._stage.state
        pair = state.a, state.b
        sounds = [self._shelf.sound(id_, "mix") for id_ in pair]
        gains: dict[str, float] = {}
        try:
            loud = [of(sound) for sound in sounds if sound is not None]
        except SongdeskError:
            loud = []
        if len(loud) == 2:
            gains = dict(zip(pair, matched(*loud), strict=True))

        def heard(state: State) -> Mapping[str, Any] | None:
            """For this pair alone: measuring takes its time, and others may be marked by then."""
            is_other = (state.a, state.b) != pair
            return None if is_other else {"gains": gains, "gain": gains.get(state.take, 1.0)}

        self._stage.revise(heard)


def _facts(card: Card, state: State) -> dict[str, Any]:
    return {
        "take": card.id,
        "title": card.title,
        "stem": _stem(card, state),
        "seconds": card.seconds or 0.0,
        "grows": card.grows,
        "whole": 0.0,
        "gain": state.gains.get(card.id, 1.0),
    }


def _begun(card: Card, state: State, *, plays: bool) -> Mapping[str, Any]:
    return {**_facts(card, state), "place": 0.0, "playing": plays, "loop": None}


def _stem(card: Card, state: State) -> str:
    return state.stem if state.stem in card.stems else card.stems[0]


def _news(card: Card | None, state: State) -> Mapping[str, Any] | None:
    """What is to be told of the take in hand; None where nothing is."""
    if card is None or not card.stems:  # it was thrown away, or given up with nothing left of it
        return _NOTHING if state.take else None
    now = {"grows": card.grows, "seconds": card.seconds or 0.0, "stem": _stem(card, state)}
    return {**now, "whole": 0.0} if any(getattr(state, key) != value for key, value in now.items()) else None
