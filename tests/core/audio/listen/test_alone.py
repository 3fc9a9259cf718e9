"""A stage that no studio drives: its takes come from the shelf."""

from pathlib import Path

import pytest
import soundfile

from core.audio.listen.alone import Alone
from core.audio.listen.stage import Command, Stage
from core.audio.spool import growing
from core.library.listening import LibraryShelf
from core.library.store import Store
from core.meter import State
from core.takes.claim import claimed
from core.takes.job import PREVIEW
from tests.core.audio.listen.conftest import RATE, make_sounding, sound
from tests.made import change, finish, make


@pytest.fixture
def alone(stage: Stage, shelf: LibraryShelf) -> Alone:
    alone = Alone(stage, shelf)
    stage.drive(alone.obey)
    return alone


@pytest.fixture
def ids(store: Store, shelf: LibraryShelf) -> list[str]:
    """Of three takes, the newest first; the second has no vocal, and is four times as loud as the third."""
    make_sounding(store.root / "rain", "20261128-120000-1", seconds=1.0)
    second = make(store.root / "boats", "20261127-120000-1", seconds=2.0)
    third = store.root / "boats" / "takes" / "20261126-120000-1"
    soundfile.write(second / "sound.wav", sound(2.0), RATE)
    soundfile.write(third / "sound.wav", sound(1.0) / 4, RATE)
    store.sync()
    return [card.id for card in shelf.cards()]


def test_a_take_that_is_chosen_plays_from_its_beginning(alone: Alone, stage: Stage, ids: list[str]) -> None:
    stage.ask(Command("take", take=ids[1]))
    state = stage.state
    assert (state.take, state.title, state.seconds) == (ids[1], "Boats", 2.0)
    assert (state.playing, state.place, state.stem) == (True, 0.0, "mix")


@pytest.mark.usefixtures("alone")
def test_next_and_previous_go_along_the_list_and_not_past_its_ends(stage: Stage, ids: list[str]) -> None:
    seen = []
    for do in ("next", "next", "next", "next", "previous"):
        stage.ask(Command(do))
        seen.append(stage.state.take)
    assert seen == [ids[0], ids[1], ids[2], ids[2], ids[1]]
    assert not stage.state.playing


@pytest.mark.usefixtures("alone")
def test_a_stem_that_the_other_take_lacks_is_left(stage: Stage, ids: list[str]) -> None:
    stage.ask(Command("take", take=ids[0]))
    stage.ask(Command("stem", stem="vocal"))
    stage.ask(Command("next"))
    assert stage.state.stem == "mix"


@pytest.mark.usefixtures("alone")
def test_two_takes_are_compared_at_one_place_equally_loud(stage: Stage, ids: list[str]) -> None:
    stage.ask(Command("take", take=ids[1]))
    stage.ask(Command("mark", letter="a", take=ids[1]))
    assert stage.state.gains == {}
    stage.ask(Command("mark", letter="b", take=ids[2]))
    assert stage.state.gain == pytest.approx(0.25, rel=0.1)
    stage.change(place=0.4)
    stage.ask(Command("compare"))
    assert (stage.state.take, stage.state.place) == (ids[2], 0.4)
    assert stage.state.gain == 1.0
    stage.ask(Command("mark", letter="b", take=ids[2]))
    assert (stage.state.b, stage.state.gains) == ("", {})


def test_a_take_that_grows_is_followed_to_its_end(
    alone: Alone, stage: Stage, store: Store, shelf: LibraryShelf
) -> None:
    folder = make(store.root / "boats", "20261127-120000-1", State.RUNNING)
    with claimed(folder), growing(folder / PREVIEW, RATE) as spool:
        spool.append(sound(0.5))
        store.note(folder)
        alone.take_up(shelf.cards()[0].id, plays=True)
        assert (stage.state.grows, stage.state.seconds) == (True, 0.5)
        before = stage.state.revision
        alone.look()
        assert stage.state.revision == before
        spool.append(sound(0.5))
        alone.look()
        assert (stage.state.grows, stage.state.seconds) == (True, 1.0)
        stage.change(place=0.75)
    soundfile.write(finish(folder), sound(1.5), RATE)
    change(folder, seconds=1.5)
    store.note(folder)
    alone.look()
    state = stage.state
    assert (state.grows, state.seconds, state.place, state.playing) == (False, 1.5, 0.75, True)


def test_a_take_that_is_given_up_falls_silent(
    alone: Alone, stage: Stage, store: Store, shelf: LibraryShelf
) -> None:
    folder = make(store.root / "boats", "20261127-120000-1", State.RUNNING)
    with claimed(folder), growing(folder / PREVIEW, RATE) as spool:
        spool.append(sound(0.5))
        store.note(folder)
        alone.take_up(shelf.cards()[0].id, plays=True)
    change(folder, state=State.CANCELLED.value)
    store.note(folder)
    alone.look()
    assert (stage.state.playing, stage.state.grows) == (False, False)
    assert not Path(folder / PREVIEW).exists()
