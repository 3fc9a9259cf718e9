"""The player whose sound is a tab: what it makes of a player's orders, and what it says of the tabs."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from core.audio.listen.stage import Heard, Stage, State
from core.audio.listen.tabplayer import Named, TabPlayer
from core.errors import SongdeskError

if TYPE_CHECKING:
    from core.audio.player import Player

ADDRESS = "http://localhost:8737/secret/"
SONG, VOCAL, OTHER, PREVIEW = (
    Path(name) for name in ("song.wav", "song_vocal.wav", "other.wav", "preview.wav")
)
NAMES = {
    SONG: Named("Paper boats", "t1"),
    VOCAL: Named("Paper boats", "t1", "vocal"),
    OTHER: Named("Paper boats", "t2"),
    PREVIEW: Named("Paper boats", "t3"),
}


@pytest.fixture
def stage() -> Stage:
    return Stage(clock=lambda: 0.0)


@pytest.fixture
def player(stage: Stage) -> TabPlayer:
    return TabPlayer(stage, NAMES.get, address=ADDRESS)


@pytest.fixture
def tab(stage: Stage) -> Iterator[None]:
    with stage.attending("one"):
        stage.report("one", Heard(0.0, playing=False))
        yield


def as_player(player: "Player") -> "Player":
    """For the type checker."""
    return player


def shown(stage: Stage, *fields: str) -> tuple[object, ...]:
    return tuple(getattr(stage.state, field) for field in fields)


@pytest.mark.usefixtures("tab")
def test_it_is_a_player_that_is_told_to_the_tabs(stage: Stage, player: TabPlayer) -> None:
    taken = as_player(player)
    taken.load(SONG, seconds=60.0)
    assert shown(stage, "title", "take", "stem", "seconds", "playing") == (
        "Paper boats",
        "t1",
        "mix",
        60.0,
        False,
    )
    taken.play()
    taken.seek(1e9)
    assert (taken.playing, taken.position, taken.duration, taken.trouble) == (True, 60.0, 60.0, "")
    taken.seek(30.0)
    taken.set_volume(0.25)
    taken.pause()
    assert shown(stage, "playing", "place", "volume") == (False, 30.0, 0.25)
    taken.close()
    assert shown(stage, "take", "playing") == ("", False)


def test_another_file_goes_on_at_the_same_place_with_its_gain(stage: Stage, player: TabPlayer) -> None:
    player.load(SONG, seconds=60.0)
    player.play()
    player.seek(30.0)
    player.swap(VOCAL, seconds=60.0)
    assert shown(stage, "take", "stem", "place", "playing", "gain") == ("t1", "vocal", 30.0, True, 1.0)
    player.swap(OTHER, seconds=20.0, gain=0.5)
    assert shown(stage, "take", "stem", "place", "playing", "gain") == ("t2", "mix", 20.0, True, 0.5)
    player.load(OTHER, seconds=20.0)
    assert shown(stage, "place", "playing", "gain") == (0.0, False, 1.0)


def test_a_loop_is_bounded_by_what_there_is_or_will_be(stage: Stage, player: TabPlayer) -> None:
    player.load(SONG, seconds=60.0)
    revision = stage.state.revision
    player.loop(None)
    assert stage.state.revision == revision
    player.loop((10.0, 20.0))
    assert shown(stage, "loop") == ((10.0, 20.0),)
    player.loop((0.0, float("inf")))
    assert shown(stage, "loop") == ((0.0, 60.0),)
    player.swap(OTHER, seconds=20.0)
    assert shown(stage, "loop") == ((0.0, 20.0),)
    player.loop((30.0, 40.0))
    assert shown(stage, "loop") == (None,)
    player.load(SONG, seconds=60.0)
    assert shown(stage, "loop") == (None,)


def test_what_grows_is_waited_for_and_ends_as_the_finished_file(stage: Stage, player: TabPlayer) -> None:
    player.load(PREVIEW, seconds=5.0, grows=True)
    player.expect(40.0)
    player.loop((0.0, float("inf")))
    assert shown(stage, "take", "grows", "seconds", "whole", "loop") == ("t3", True, 5.0, 40.0, (0.0, 40.0))
    player.loop(None)
    player.play()
    player.seek(5.0)
    assert player.waiting
    player.grow(9.0)
    player.grow(7.0)
    assert (player.waiting, player.duration, player.position) == (False, 9.0, 5.0)
    player.swap(PREVIEW, seconds=9.0, grows=True)
    assert shown(stage, "grows", "seconds", "whole", "place") == (True, 9.0, 40.0, 5.0)
    player.swap(PREVIEW, seconds=38.0)
    assert shown(stage, "take", "grows", "seconds", "whole", "place", "playing") == (
        *("t3", False, 38.0, 0.0),
        *(5.0, True),
    )
    revision = stage.state.revision
    player.grow(50.0)
    player.expect(50.0)
    assert stage.state.revision == revision


def test_playing_at_the_end_begins_anew_and_orders_twice_are_told_once(
    stage: Stage, player: TabPlayer
) -> None:
    player.play()
    assert not player.playing
    player.load(SONG, seconds=60.0)
    player.seek(60.0)
    states: list[State] = []
    stage.subscribe(states.append)
    player.play()
    player.play()
    player.pause()
    player.pause()
    assert [(state.playing, state.place) for state in states] == [(True, 0.0), (False, 0.0)]


def test_it_says_what_the_tabs_do(stage: Stage, player: TabPlayer) -> None:
    player.load(SONG, seconds=60.0)
    player.play()
    assert player.trouble == player.reason == f"no browser tab listens yet: open {ADDRESS}"
    with stage.attending("one"):
        assert (player.trouble, player.reason) == ("", "through a browser tab")
        stage.report("one", Heard(0.0, playing=False, blocked=True))
        assert player.trouble == "the browser holds the sound back: press the button in its tab"
        with stage.attending("two"):
            assert player.reason == "through 2 browser tabs"
    assert player.trouble == player.reason == f"the browser tab has gone: open {ADDRESS}"
    assert player.playing


def test_a_tab_that_says_nothing_is_not_said_to_be_heard() -> None:
    now = 0.0
    stage = Stage(clock=lambda: now)
    player = TabPlayer(stage, NAMES.get, address=ADDRESS)
    player.load(SONG, seconds=60.0)
    player.play()
    with stage.attending("one"), stage.attending("two"):
        for tab in ("one", "two"):
            stage.report(tab, Heard(0.0, playing=True))
        assert (player.trouble, player.reason) == ("", "through 2 browser tabs")
        now = 6.0
        stage.report("two", Heard(6.0, playing=True, revision=stage.state.revision))
        assert (player.trouble, player.reason) == ("", "through a browser tab")
        now = 12.0
        assert player.trouble == player.reason
        assert "silent" in player.reason
        assert ADDRESS in player.reason
        stage.report("one", Heard(0.0, playing=False, blocked=True))
        assert player.trouble == "the browser holds the sound back: press the button in its tab"


@pytest.mark.usefixtures("tab")
def test_a_file_that_is_no_take_is_not_heard_and_that_is_said(stage: Stage, player: TabPlayer) -> None:
    player.load(SONG, seconds=60.0)
    player.play()
    player.load(Path("/elsewhere/reference.wav"), seconds=10.0)
    player.loop((2.0, 4.0))
    player.play()
    assert shown(stage, "take", "title", "playing") == ("", "", False)
    assert player.trouble == player.reason == "only takes of the library are heard in a browser tab"
    player.load(SONG, seconds=60.0)
    assert (player.trouble, stage.state.take) == ("", "t1")
    player.play()
    player.swap(Path("/elsewhere/reference.wav"), seconds=10.0)
    assert shown(stage, "take", "playing") == ("", False)


def test_a_length_that_is_not_given_is_read(tmp_path: Path, stage: Stage) -> None:
    player = TabPlayer(stage, lambda path: Named("x", path.name), address=ADDRESS)
    soundfile.write(tmp_path / "a.wav", np.zeros(4000, np.float32), 8000)
    player.load(tmp_path / "a.wav")
    assert shown(stage, "take", "seconds") == ("a.wav", 0.5)
    with pytest.raises(SongdeskError):
        player.load(tmp_path / "nothing.wav")
    assert stage.state.take == "a.wav"
