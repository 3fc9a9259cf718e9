"""A stage that no studio drives: its takes come from the shelf."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from core.audio.listen.alone import Alone
from core.audio.listen.stage import Command, Stage
from core.audio.spool import growing
from core.errors import SongdeskError
from core.library.listening import LibraryShelf
from core.library.store import Store
from core.meter import State
from core.takes.claim import claimed
from core.takes.job import PREVIEW, stem_file
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


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, shelf: LibraryShelf, name: str, happens: Callable[[], object]
) -> None:
    """Have something happen once, as soon as the shelf has been asked and before its answer is used."""
    asked, left = getattr(shelf, name), [happens]

    def answer(*of: str) -> object:
        found = asked(*of)
        if left:
            left.pop()()
        return found

    monkeypatch.setattr(shelf, name, answer)


def test_a_look_tells_nothing_of_another_take_that_was_chosen_meanwhile(
    monkeypatch: pytest.MonkeyPatch, alone: Alone, stage: Stage, store: Store, shelf: LibraryShelf
) -> None:
    folder = make(store.root / "boats", "20261127-120000-1", State.RUNNING)
    with claimed(folder), growing(folder / PREVIEW, RATE) as spool:
        spool.append(sound(0.5))
        store.note(folder)
        grows, whole = shelf.cards()
        alone.take_up(grows.id, plays=True)
        spool.append(sound(0.25))
        meanwhile(monkeypatch, shelf, "card", lambda: alone.take_up(whole.id, plays=True))
        alone.look()
    assert (stage.state.take, stage.state.grows, stage.state.seconds) == (whole.id, False, 1.0)


@pytest.mark.usefixtures("alone")
def test_gains_that_were_measured_are_for_the_pair_they_are_of(
    monkeypatch: pytest.MonkeyPatch, stage: Stage, shelf: LibraryShelf, ids: list[str]
) -> None:
    stage.ask(Command("take", take=ids[1]))
    stage.ask(Command("mark", letter="a", take=ids[1]))
    meanwhile(monkeypatch, shelf, "sound", lambda: stage.change(b="", gains={}))
    stage.ask(Command("mark", letter="b", take=ids[2]))
    assert (stage.state.b, dict(stage.state.gains), stage.state.gain) == ("", {}, 1.0)


@pytest.mark.usefixtures("alone")
def test_two_who_press_next_at_once_are_two_takes_on(
    monkeypatch: pytest.MonkeyPatch, stage: Stage, shelf: LibraryShelf, ids: list[str]
) -> None:
    stage.ask(Command("take", take=ids[0]))
    both, cards = threading.Barrier(2, timeout=10), shelf.cards
    monkeypatch.setattr(shelf, "cards", lambda: (cards(), both.wait())[0])
    threads = [threading.Thread(target=stage.ask, args=(Command("next"),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stage.state.take == ids[2]


@pytest.mark.parametrize("grew", [True, False])
def test_a_take_that_is_thrown_away_falls_silent(
    alone: Alone, stage: Stage, store: Store, shelf: LibraryShelf, take: Path, grew: bool
) -> None:
    alone.take_up(shelf.cards()[0].id, plays=True)
    if grew:
        stage.change(grows=True)
    alone.look()
    assert stage.state.playing
    shutil.rmtree(take)
    store.note(take)
    alone.look()
    assert (stage.state.take, stage.state.playing, stage.state.grows) == ("", False, False)
    revision = stage.state.revision
    alone.look()
    assert stage.state.revision == revision


def test_a_library_that_cannot_be_read_now_ends_no_song(
    monkeypatch: pytest.MonkeyPatch, alone: Alone, stage: Stage, shelf: LibraryShelf
) -> None:
    def busy(_: str) -> None:
        raise SongdeskError("the library is busy")

    alone.take_up(shelf.cards()[0].id, plays=True)
    stage.change(grows=True)
    monkeypatch.setattr(shelf, "card", busy)
    alone.look()
    assert stage.state.playing


def test_a_stem_that_the_finished_sound_lacks_is_left(
    alone: Alone, stage: Stage, store: Store, shelf: LibraryShelf
) -> None:
    folder = make(store.root / "boats", "20261127-120000-1", State.RUNNING)
    with claimed(folder):
        for stem in ("mix", "vocal"):
            soundfile.write(stem_file(folder / PREVIEW, stem), sound(0.5), RATE)
        store.note(folder)
        alone.take_up(shelf.cards()[0].id, plays=True)
        stage.ask(Command("stem", stem="vocal"))
        assert (stage.state.grows, stage.state.stem) == (True, "vocal")
    for stem in ("mix", "vocal"):
        stem_file(folder / PREVIEW, stem).unlink()
    soundfile.write(finish(folder), sound(0.5), RATE)
    change(folder, seconds=0.5)
    store.note(folder)
    alone.look()
    assert (stage.state.grows, stage.state.stem, stage.state.playing) == (False, "mix", True)


@pytest.mark.usefixtures("alone")
def test_a_stem_that_there_is_not_is_not_taken(stage: Stage, ids: list[str]) -> None:
    stage.ask(Command("take", take=ids[1]))
    stage.ask(Command("stem", stem="vocal"))
    assert stage.state.stem == "mix"
    stage.ask(Command("take", take=ids[0]))
    stage.ask(Command("stem", stem="vocal"))
    assert stage.state.stem == "vocal"


def test_the_moment_between_the_last_preview_and_the_finished_sound_is_waited_out(
    alone: Alone, stage: Stage, store: Store, shelf: LibraryShelf
) -> None:
    folder = make(store.root / "boats", "20261127-120000-1", State.RUNNING)
    with claimed(folder):
        with growing(folder / PREVIEW, RATE) as spool:
            spool.append(sound(0.5))
            store.note(folder)
            alone.take_up(shelf.cards()[0].id, plays=True)
            alone.look()
        alone.look()
        assert (stage.state.playing, stage.state.grows) == (True, True)
    soundfile.write(finish(folder), sound(1.0), RATE)
    store.note(folder)
    alone.look()
    assert (stage.state.playing, stage.state.grows) == (True, False)
    change(folder, state=State.RUNNING.value, audio="", files={})
    store.note(folder)
    for _ in range(2):
        alone.look()
    assert (stage.state.take, stage.state.playing) == ("", False)
