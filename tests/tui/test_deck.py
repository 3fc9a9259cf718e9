"""The deck by itself: a take in hand, what goes round, what is compared, what grows."""

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from textual.app import App, ComposeResult

import tui
from core.audio import volume
from core.audio.player import NoPlayer, Player
from core.errors import SongdeskError
from tests.tui.jukebox import Jukebox
from tui.screens.deck import Deck
from tui.screens.tracks import Pair, start_near, stretch_at
from tui.widgets.takes_list import Signs
from tui.widgets.waveform import Marks, Waveform

if TYPE_CHECKING:
    from collections.abc import Callable

STYLES = Path(tui.__file__).parent / "styles"
MARKS: Marks = ((0.0, "~intro"), (3.0, "~verse"), (9.0, "~chorus"))


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "volume_file", lambda: tmp_path / "volume")


def sound(path: Path, *, seconds: float = 12.0, level: float = 0.5) -> Path:
    wave = level * np.sin(np.arange(round(seconds * 8000)) / 8000 * 2 * np.pi * 440)
    soundfile.write(path, wave[:, None].repeat(2, 1).astype(np.float32), 8000, subtype="FLOAT")
    return path


def marks(seconds: float) -> Marks:
    return MARKS


class Page(App[None]):
    CSS_PATH = STYLES / "transport.tcss"

    def __init__(self, *players: Player) -> None:
        super().__init__()
        self.players = list(players)
        self.opened = 0
        self.spoken: list[str] = []
        self.told: list[str] = []
        self.silent: list[str] = []
        self.refused: list[SongdeskError] = []
        self.signs = Signs()

    def compose(self) -> ComposeResult:
        yield Deck(self.open_player)

    def open_player(self) -> Player:
        self.opened += 1
        return self.players[min(self.opened, len(self.players)) - 1]

    @property
    def deck(self) -> Deck:
        return self.query_one(Deck)

    @property
    def wave(self) -> Waveform:
        return self.query_one(Waveform)

    def on_deck_spoke(self, event: Deck.Spoke) -> None:
        self.spoken.append(event.text)

    def on_deck_told(self, event: Deck.Told) -> None:
        self.told.append(event.text)

    def on_deck_silent(self, event: Deck.Silent) -> None:
        self.silent.append(event.reason)

    def on_deck_refused(self, event: Deck.Refused) -> None:
        self.refused.append(event.error)

    def on_deck_signed(self, event: Deck.Signed) -> None:
        self.signs = event.signs


@pytest.fixture
def jukebox() -> Jukebox:
    return Jukebox()


async def test_sections_are_gone_to_and_go_round(jukebox: Jukebox, tmp_path: Path) -> None:
    app = Page(jukebox)
    async with app.run_test(size=(80, 24)):
        deck = app.deck
        await deck.load("t", sound(tmp_path / "a.wav"), marks, play=True)
        for step, place in ((1, 3.0), (1, 9.0), (1, 9.0), (-1, 3.0), (-1, 0.0), (-1, 0.0)):
            deck.section(step)
            assert jukebox.position == place
        jukebox.position = 6.0
        deck.section(-1)
        assert jukebox.position == 3.0
        deck.loop()
        assert jukebox.looped == app.wave.loop == (3.0, 9.0)
        deck.seek(-5)
        assert jukebox.position == 3.0
        deck.seek(5)
        deck.seek(5)
        assert jukebox.position == 3.0
        deck.go_to_end(last=True)
        assert jukebox.position == 8.0
        deck.section(1)
        assert (jukebox.position, jukebox.looped) == (9.0, (9.0, 12.0))
        deck.loop()
        assert jukebox.looped == (0.0, float("inf"))
        deck.go_to_end(last=False)
        assert jukebox.position == 0.0
        deck.loop()
        assert jukebox.looped is app.wave.loop is None


async def test_a_loop_is_between_brackets_and_named(jukebox: Jukebox, tmp_path: Path, until: Any) -> None:
    app = Page(jukebox)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.deck.load("t", sound(tmp_path / "a.wav"), marks, play=True)
        jukebox.position = 4.0
        app.deck.loop()
        await until(pilot, lambda: any("⟳ ~verse" in text for text in app.spoken))
        row = app.wave.render_line(1).text
        assert (row.index("["), row.index("]")) == (20, 59)
        app.deck.loop()
        row = app.wave.render_line(1).text
        assert (row.index("["), row.index("]")) == (0, 79)


async def test_volume_goes_in_steps_and_is_kept(jukebox: Jukebox, tmp_path: Path, until: Any) -> None:
    app = Page(jukebox)
    async with app.run_test() as pilot:
        await app.deck.load("t", sound(tmp_path / "a.wav"), marks, play=True)
        app.deck.turn_volume(1)
        assert jukebox.volume == 1.0
        for _ in range(10):
            app.deck.turn_volume(-1)
        assert jukebox.volume == pytest.approx(0.25)
        await until(pilot, lambda: (tmp_path / "volume").exists())
        await until(pilot, lambda: "volume 50 %" in app.told)
        for _ in range(30):
            app.deck.turn_volume(-1)
        assert jukebox.volume == 0.0
        app.deck.turn_volume(10)
        await until(pilot, lambda: volume.recall() == 50)
    second = Jukebox()
    app = Page(second)
    async with app.run_test() as pilot:
        await app.deck.load("t", tmp_path / "a.wav", marks, play=False)
        assert second.volume == pytest.approx(0.25)
        await until(pilot, lambda: any("50 %" in text for text in app.spoken))
    app = Page(Jukebox())
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.deck.table.volume == 50)
        app.deck.turn_volume(-1)
        await until(pilot, lambda: "volume 45 %" in app.told, saying="no take was in hand yet")


@pytest.mark.parametrize("kept", ["", "loud", "\udce4", "-3", "900"])
def test_a_volume_that_cannot_be_is_none(kept: str, tmp_path: Path) -> None:
    (tmp_path / "volume").write_bytes(kept.encode(errors="surrogateescape"))
    assert 0 <= volume.recall() <= 100


async def test_two_takes_are_heard_in_turns_at_one_place_equally_loud(
    jukebox: Jukebox, tmp_path: Path, until: Any
) -> None:
    soft = sound(tmp_path / "soft.wav", level=0.1)
    loud = sound(tmp_path / "loud.wav", level=0.4, seconds=10.0)
    app = Page(jukebox)
    async with app.run_test(size=(80, 24)) as pilot:
        deck = app.deck
        await deck.load("soft", soft, marks, play=True)
        deck.switch()
        await until(pilot, lambda: app.told and "mark two takes first" in app.told[-1])
        await deck.mark("a", "soft", soft, marks)
        await deck.mark("b", "loud", loud, marks)
        await until(pilot, lambda: "B is turned down by 12.0 dB" in app.told[-1])
        jukebox.position = 5.0
        deck.switch()
        assert (jukebox.path, jukebox.position, jukebox.playing) == (loud, 5.0, True)
        assert jukebox.gain == pytest.approx(0.25, abs=0.01)
        await until(pilot, lambda: app.signs == Signs("loud", True, "soft", "loud"))
        assert app.wave.render_line(0).text.startswith("B ")
        assert any(text.startswith("▶ playing B") for text in app.spoken)
        deck.switch()
        assert (jukebox.path, jukebox.gain, jukebox.position) == (soft, 1.0, 5.0)
        # Another take is left for A.
        await deck.load("third", sound(tmp_path / "third.wav"), marks, play=True)
        deck.switch()
        assert jukebox.path == soft
        # The same key takes the letter away again, and the other one is as loud as it is.
        deck.switch()
        await deck.mark("a", "soft", soft, marks)
        assert jukebox.gain == 1.0
        assert app.deck.table.pair.letter("soft") == ""
        assert (tmp_path / "loud.wav.loudness.json").exists()


async def test_a_take_has_one_letter_and_silence_cannot_be_matched(tmp_path: Path, jukebox: Jukebox) -> None:
    app = Page(jukebox)
    quiet, other = sound(tmp_path / "quiet.wav", level=0.0), sound(tmp_path / "other.wav")
    async with app.run_test():
        await app.deck.mark("a", "quiet", quiet, marks)
        await app.deck.mark("b", "quiet", quiet, marks)
        pair = app.deck.table.pair
        assert (pair.letter("quiet"), pair.a) == ("B", None)
        await app.deck.mark("a", "other", other, marks)
        assert "cannot" in app.deck.table.pair.words
        assert app.deck.table.pair.gain("other") == 1.0


async def test_stems_are_heard_at_the_same_place(jukebox: Jukebox, tmp_path: Path, until: Any) -> None:
    mix = sound(tmp_path / "x.wav")
    vocal = sound(tmp_path / "x_vocal.wav", level=0.2)
    app = Page(jukebox)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.deck.load("t", mix, marks, play=True)
        jukebox.position = 7.0
        app.deck.look()
        before = app.wave.render_line(0).text
        app.deck.hear("vocal")
        assert (jukebox.path, jukebox.position) == (vocal, 7.0)
        await until(pilot, lambda: any("vocal" in text for text in app.spoken))
        await until(pilot, lambda: app.wave.render_line(0).text != before)
        app.deck.hear("backing")
        await until(pilot, lambda: app.told == ["this take has no backing of its own, only: mix, vocal"])
        assert jukebox.path == vocal
        app.deck.hear("mix")
        assert (jukebox.path, jukebox.position) == (mix, 7.0)
        assert app.wave.render_line(0).text == before


async def test_what_is_rendered_meanwhile_is_heard_and_drawn(
    jukebox: Jukebox, tmp_path: Path, until: Any
) -> None:
    preview = sound(tmp_path / "preview.wav", seconds=3.0)
    app = Page(jukebox)
    async with app.run_test(size=(80, 24)) as pilot:
        deck = app.deck
        await deck.load("t", preview, lambda seconds: (), play=True, whole=12.0)
        assert jukebox.grows
        drawn = app.wave.render_line(1).text
        assert drawn[:20].strip()
        assert not drawn[20:].strip()
        jukebox.pass_time(5.0)
        await until(pilot, lambda: app.spoken and app.spoken[-1].startswith("… waiting for more"))
        sound(preview, seconds=6.0)
        deck.grow("t", preview, 6.0, 12.0)
        assert jukebox.duration == 6.0
        assert app.wave.head == 20
        await until(pilot, lambda: len(app.wave.render_line(1).text.rstrip()) == 40)
        final = sound(tmp_path / "song.wav", seconds=8.0)
        preview.unlink()
        await deck.finish("t", final, marks)
        assert (jukebox.path, jukebox.position, jukebox.playing, jukebox.grows) == (final, 3.0, True, False)
        assert "╵~verse" in app.wave.render_line(app.wave.size.height - 1).text
        assert len(app.wave.render_line(1).text.rstrip()) == 80
        assert app.refused == []


async def test_what_was_rendered_while_it_was_composed_goes_on_in_the_file_of_its_own_stage(
    jukebox: Jukebox, tmp_path: Path, until: Any
) -> None:
    ahead, preview = sound(tmp_path / "ahead.wav", seconds=6.0), sound(tmp_path / "preview.wav", seconds=8.0)
    app = Page(jukebox)
    async with app.run_test(size=(80, 24)) as pilot:
        deck = app.deck
        await deck.load("t", ahead, lambda seconds: (), play=True, whole=12.0)
        jukebox.pass_time(4.0)
        deck.grow("t", preview, 8.0, 12.0)
        await until(pilot, lambda: jukebox.path == preview)
        assert (jukebox.position, jukebox.duration) == (4.0, 8.0)
        assert jukebox.playing
        assert jukebox.grows
        assert deck.is_growing("t")
        assert app.refused == []


async def test_the_end_of_another_take_leaves_the_one_in_hand(jukebox: Jukebox, tmp_path: Path) -> None:
    mine, other = sound(tmp_path / "a.wav"), sound(tmp_path / "b.wav")
    app = Page(jukebox)
    async with app.run_test():
        await app.deck.load("mine", mine, marks, play=True)
        await app.deck.finish("other", other, marks)
        app.deck.grow("other", other, 99.0, 120.0)
        assert (jukebox.path, jukebox.duration) == (mine, 12.0)


async def test_a_stop_of_the_device_is_said_once(jukebox: Jukebox, tmp_path: Path, until: Any) -> None:
    app = Page(jukebox)
    async with app.run_test() as pilot:
        await app.deck.load("t", sound(tmp_path / "a.wav"), marks, play=True)
        jukebox.playing, jukebox.trouble = False, "the sound device stopped"
        jukebox.reason = "the sound device stopped · the file is at a.wav"
        for _ in range(3):
            app.deck.look()
        await until(pilot, lambda: app.silent == [jukebox.reason])
        jukebox.trouble, jukebox.reason = "", "through the jukebox: Other Speakers now"
        app.deck.toggle()
        await until(pilot, lambda: app.told == [jukebox.reason])


async def test_sound_that_came_after_the_start_is_found_by_playing(
    jukebox: Jukebox, tmp_path: Path, until: Any
) -> None:
    silent = NoPlayer("no sound here")
    app = Page(silent, silent, jukebox)
    async with app.run_test() as pilot:
        await app.deck.load("t", sound(tmp_path / "a.wav"), marks, play=True)
        await until(pilot, lambda: len(app.silent) == 1)
        assert "no sound here" in app.silent[0]
        app.deck.toggle()
        await until(pilot, lambda: jukebox.playing)
        assert jukebox.path == tmp_path / "a.wav"
        assert len(app.silent) == 1


async def test_something_else_is_heard_in_between(jukebox: Jukebox, tmp_path: Path) -> None:
    take, reference = sound(tmp_path / "a.wav"), sound(tmp_path / "reference.wav", seconds=30.0)
    app = Page(jukebox)
    async with app.run_test():
        await app.deck.load("t", take, marks, play=True)
        app.deck.loop()
        jukebox.position = 2.0
        await app.deck.audition(reference, 12.5, 10.0)
        assert (jukebox.path, jukebox.position, jukebox.looped) == (reference, 12.5, (12.5, 22.5))
        assert app.deck.position == 2.0
        await app.deck.audition(reference, 14.0, 10.0)
        app.deck.hush()
        assert (jukebox.path, jukebox.position, jukebox.playing) == (take, 2.0, True)
        assert jukebox.looped == (0.0, 3.0)
        app.deck.toggle()
        await app.deck.audition(reference, 14.0, 10.0)
        app.deck.seek(1)
        assert (jukebox.path, jukebox.position, jukebox.playing) == (take, 0.0, False)
        await app.deck.audition(tmp_path / "none.wav", 0.0, 10.0)
        app.deck.hush()
        assert jukebox.path == take


async def test_nothing_in_hand_is_no_mistake(jukebox: Jukebox) -> None:
    app = Page(jukebox)
    async with app.run_test():
        deck = app.deck
        deeds: list[Callable[[], object]] = [
            deck.toggle,
            lambda: deck.seek(5),
            lambda: deck.section(1),
            deck.loop,
            deck.switch,
            lambda: deck.hear("vocal"),
            lambda: deck.go_to_end(last=True),
            deck.hush,
            lambda: deck.turn_volume(-1),
            deck.eject,
            deck.clear,
        ]
        for deed in deeds:
            deed()
        assert not jukebox.playing


async def test_the_position_is_looked_at_twice_a_second(jukebox: Jukebox, tmp_path: Path, until: Any) -> None:
    app = Page(jukebox)
    async with app.run_test() as pilot:
        await app.deck.load("t", sound(tmp_path / "a.wav"), marks, play=True)
        said = len(app.spoken)
        jukebox.position = 6.0
        await until(pilot, lambda: app.wave.position == 6.0)
        assert len(app.spoken) - said <= 3
    assert jukebox.is_closed


def test_where_sections_begin_and_end() -> None:
    verse = stretch_at(MARKS, 12.0, 4.0)
    assert verse is not None
    assert (verse.first, verse.last, verse.name) == (3.0, 9.0, "~verse")
    last = stretch_at(MARKS, 12.0, 99.0)
    assert last is not None
    assert last.last == 12.0
    assert stretch_at((), 12.0, 4.0) is None
    assert stretch_at(((2.0, "late"),), 12.0, 1.0) is None
    assert start_near((), 5.0, 1) is None
    assert start_near((), 5.0, -1) == 0.0
    assert Pair().other("x") is None


class Slow(Page):
    """A page whose next player comes when a test says so."""

    def __init__(self, *players: Player) -> None:
        super().__init__(*players)
        self.asked, self.go = threading.Event(), threading.Event()

    def open_player(self) -> Player:
        self.asked.set()
        assert self.go.wait(10)
        return super().open_player()


async def test_a_player_that_is_left_again_is_closed(jukebox: Jukebox, tmp_path: Path) -> None:
    tabs, anew = Jukebox(), Jukebox()
    app = Page(jukebox, anew)
    async with app.run_test():
        await app.deck.load("t", sound(tmp_path / "a.wav"), marks, play=True)
        await app.deck.go_over_to(tabs)
        assert (jukebox.is_closed, tabs.is_closed, tabs.sounds()) == (True, False, True)
        await app.deck.go_over_to(None)
        assert (tabs.is_closed, anew.is_closed, anew.sounds()) == (True, False, False)
    assert anew.is_closed


async def test_a_player_is_closed_also_where_the_one_that_follows_cannot_go_on(
    jukebox: Jukebox, tmp_path: Path
) -> None:
    app = Page(jukebox)
    async with app.run_test():
        await app.deck.load("t", sound(tmp_path / "a.wav"), marks, play=True)
        (tmp_path / "a.wav").unlink()
        with pytest.raises(SongdeskError, match="no such sound file"):
            await app.deck.go_over_to(Jukebox())
        assert jukebox.is_closed


@pytest.mark.parametrize("deed", ["load", "audition", "go over"])
async def test_a_player_that_comes_when_the_deck_was_left_is_closed_and_silent(
    jukebox: Jukebox, tmp_path: Path, until: Any, deed: str
) -> None:
    app, file = Slow(jukebox), sound(tmp_path / "a.wav")
    async with app.run_test() as pilot:
        deck = app.deck
        doing = asyncio.create_task(
            deck.load("t", file, marks, play=True) if deed == "load"
            else deck.audition(file, 1.0, 2.0) if deed == "audition"
            else deck.go_over_to(None)
        )  # fmt: skip
        await until(pilot, app.asked.is_set)
    app.go.set()
    await doing
    assert (jukebox.is_closed, jukebox.sounds()) == (True, False)


async def test_a_take_that_is_read_when_the_deck_was_left_does_not_sound(
    jukebox: Jukebox, tmp_path: Path, until: Any
) -> None:
    app, file = Page(jukebox), sound(tmp_path / "a.wav")
    asked, go = threading.Event(), threading.Event()

    def slow(seconds: float) -> Marks:
        asked.set()
        assert go.wait(10)
        return MARKS

    async with app.run_test() as pilot:
        deck = app.deck
        await deck.load("t", file, marks, play=False)
        loading = asyncio.create_task(deck.load("u", file, slow, play=True))
        await until(pilot, asked.is_set)
    go.set()
    await loading
    assert (jukebox.is_closed, jukebox.sounds()) == (True, False)
