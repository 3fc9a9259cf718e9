"""The studio heard in a browser: what its keys do to the tabs, what tabs ask of it, and what it says."""

import asyncio
import json
import socket
import threading
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from core.audio import volume
from core.audio.listen.address import Address
from core.audio.listen.stage import Command, Heard, Stage
from core.audio.player import NoPlayer
from core.audio.seat import TAB
from core.config import Config, ListenConfig, StudioConfig
from core.errors import SongdeskError
from core.library.listening import LibraryShelf
from core.meter import State
from core.passing import Takes
from core.song import Song
from core.takes.take import home_of
from tests.tui.jukebox import Jukebox
from tests.tui.opened import WIDE, composing, opened, said, screen_text
from tests.tui.rehearsal import Rehearsal
from tui import listening
from tui.listening import Listening
from tui.screens.listen_page import ListenPage
from tui.widgets.takes_list import TakesList
from tui.widgets.transport import Transport

if TYPE_CHECKING:
    from core.library.store import Store
    from tui.app import Studio

URL = "http://127.0.0.1:8737/secret/"
FORWARD = "ssh -N -L 8737:127.0.0.1:8737 me@studio"
NOBODY = f"! no browser tab listens yet: open {URL}"


class Hall:
    """A server that serves nobody: what the studio does to its stage can be seen, and tabs are played."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.runs = True
        self.closed = 0
        self.ports: list[int] = []
        self.fails: SongdeskError | None = None
        self.go = threading.Event()
        self.go.set()

    def begin(self, store: "Store", port: int) -> Listening:
        assert threading.current_thread() is not threading.main_thread()
        assert self.go.wait(10)
        self.ports.append(port)
        if self.fails is not None:
            raise self.fails
        self.shelf = LibraryShelf(store)
        address = Address(URL, FORWARD, ("port 8737 is yours",))
        return Listening(self.stage, address, self.shelf.place_of, self.find, lambda: self.runs, self.close)

    def find(self, name: str) -> tuple[Path, str] | None:
        card = self.shelf.card(name)
        return (home_of(card.song), card.name) if card is not None else None

    def close(self) -> None:
        self.runs = False
        self.closed += 1

    def asks(self, command: Command) -> None:
        """What a tab asks for, on a thread of the server."""
        thread = threading.Thread(target=self.stage.ask, args=(command,))
        thread.start()
        thread.join()

    def hears(self, **facts: Any) -> None:
        """What a tab reports that has taken in everything."""
        state = self.stage.state
        heard = {"place": state.place, "playing": state.playing, "revision": state.revision}
        self.stage.report("tab", Heard(**(heard | facts)))


@pytest.fixture(autouse=True)
def _library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    monkeypatch.setattr(volume, "volume_file", lambda: tmp_path / "volume")


@pytest.fixture
def hall() -> Hall:
    return Hall()


@pytest.fixture
def engine() -> Rehearsal:
    return Rehearsal()


def sound(path: Path, *, seconds: float = 12.0, level: float = 0.5) -> Path:
    wave = level * np.sin(np.arange(round(seconds * 8000)) / 8000 * 2 * np.pi * 440)
    soundfile.write(path, wave[:, None].repeat(2, 1).astype(np.float32), 8000, subtype="FLOAT")
    return path


async def made(app: "Studio", pilot: Any, engine: Rehearsal, until: Any, **facts: float) -> str:
    """Compose a take; returns its id."""
    count = len(app.studio.session.rows)
    await pilot.press("ctrl+g")
    await until(pilot, lambda: len(engine.jobs) > count)
    job = engine.jobs[-1]
    engine.end(State.DONE, file=sound(job.folder / "song.wav", **facts))
    await until(pilot, lambda: app.studio.session.rows[0].state_text == "ready")
    return job.id


async def listens(app: "Studio", pilot: Any, hall: Hall, until: Any) -> None:
    """Press the key, and close the page."""
    app.studio.begin_listening = hall.begin
    await pilot.press("alt+h")
    await until(pilot, lambda: isinstance(app.screen, ListenPage))
    await pilot.press("escape")
    await until(pilot, lambda: app.screen is app.studio)


async def plays(app: "Studio", pilot: Any, until: Any) -> None:
    await pilot.press("f6")
    await until(pilot, lambda: isinstance(app.focused, TakesList))
    await pilot.press("enter")
    await until(pilot, lambda: app.studio.takes.deck.playing)


async def passes_links() -> Takes:
    return Takes(link=True)


def links(app: "Studio") -> set[str]:
    """What the terminal is told to make links of."""
    styles = (segment.style for strip in app.screen._compositor.render_strips() for segment in strip)
    return {style.link for style in styles if style is not None and style.link}


async def test_the_key_shows_the_way_and_goes_over_to_the_tab_and_back(
    engine: Rehearsal, hall: Hall, until: Any
) -> None:
    player = Jukebox()
    async with opened(engine, player=player) as (app, pilot):
        await made(app, pilot, engine, until)
        await plays(app, pilot, until)
        player.position = 4.0
        app.studio.begin_listening = hall.begin
        app.what_passes = passes_links
        await pilot.press("alt+h")
        await until(pilot, lambda: isinstance(app.screen, ListenPage))
        assert (hall.ports, player.is_closed) == ([8737], True)
        state = hall.stage.state
        assert (state.title, state.playing, state.place, state.seconds) == ("Paper boats", True, 4.0, 12.0)
        await until(pilot, lambda: "the address: " in screen_text(app))
        text = screen_text(app)
        for words in (
            URL,
            FORWARD,
            "port 8737 is yours",
            "no browser tab listens yet",
            "l copies the ssh line",
        ):
            assert words in text
        await until(pilot, lambda: links(app) == {URL})
        await pilot.press("l")
        await until(pilot, lambda: app.screen.said.startswith("the ssh line: "))
        with hall.stage.attending("tab"):
            await until(pilot, lambda: "through a browser tab" in screen_text(app))
        await pilot.press("alt+h")
        await until(pilot, lambda: hall.closed == 1)
        assert app.screen is app.studio
        assert app.studio.listening is None
        await until(pilot, lambda: said(app) == "listening in the browser has ended; through the jukebox")
        assert (player.path, player.position, player.playing) == (
            engine.jobs[-1].folder / "song.wav",
            4.0,
            False,
        )
        assert not hall.stage.state.take


async def test_the_keys_of_the_player_drive_the_tab(engine: Rehearsal, hall: Hall, until: Any) -> None:
    async with opened(engine) as (app, pilot):
        await made(app, pilot, engine, until)
        sound(engine.jobs[-1].folder / "song_vocal.wav", level=0.2)
        await listens(app, pilot, hall, until)
        assert said(app) == NOBODY
        await plays(app, pilot, until)
        assert "… not heard" in app.studio.query_one(Transport).lines[1]
        with hall.stage.attending("tab"):
            hall.hears()
            await until(pilot, lambda: said(app) == "through a browser tab")
            for key, field, value in (
                ("end", "place", 11.0),
                ("left", "place", 6.0),
                ("home", "place", 0.0),
                ("o", "loop", (0.0, 12.0)),
                ("minus", "volume", volume.gain_of(95)),
                ("2", "stem", "vocal"),
                ("ctrl+r", "playing", False),
            ):
                await pilot.press(key)
                found = getattr(hall.stage.state, field)
                assert found == (pytest.approx(value, abs=0.9) if field == "place" else value), key
            hall.hears(playing=False, blocked=True)
            await until(pilot, lambda: "press the button in its tab" in said(app))
        await until(pilot, lambda: said(app) == f"! the browser tab has gone: open {URL}")


async def test_tabs_move_the_studio(
    engine: Rehearsal, hall: Hall, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(engine) as (app, pilot):
        lines: list[str] = []  # how the tabs stand is said in between
        say = app.studio.say

        def note(text: str, **kind: str) -> None:
            lines.append(text)
            say(text, **kind)

        monkeypatch.setattr(app.studio, "say", note)
        for level in (0.5, 0.25):
            await made(app, pilot, engine, until, level=level)
        newest, older = (row.id for row in app.studio.session.rows)
        await listens(app, pilot, hall, until)
        deck, stage = app.studio.takes.deck, hall.stage
        with stage.attending("tab"):
            hall.hears()
            hall.asks(Command("next"))
            await until(pilot, lambda: (deck.take, deck.playing) == (older, True))
            hall.asks(Command("previous"))
            await until(pilot, lambda: deck.take == newest)
            hall.asks(Command("previous"))
            await until(pilot, lambda: "there is no other take to hear" in lines)
            hall.asks(Command("pause"))
            await until(pilot, lambda: not deck.playing)
            hall.asks(Command("seek", place=7.5))
            await until(pilot, lambda: deck.position == 7.5)
            hall.asks(Command("volume", volume=0.25))
            await until(pilot, lambda: deck.table.volume == 50)
            assert stage.state.volume == 0.25
            hall.asks(Command("stem", stem="vocal"))
            await until(pilot, lambda: any(line.startswith("this take has no vocal") for line in lines))
            names = {card.name: card.id for card in hall.shelf.cards()}
            assert names == {}  # the library's index knows no sound that a rehearsal made
            hall.asks(Command("take", take="0" * 16))
            await until(pilot, lambda: "the take that the browser asks for is gone" in lines)
            hall.find = lambda name: (app.studio.session.home, name)  # type: ignore[method-assign]
            app.studio.listening = replace(app.studio.listening, find=hall.find)
            for letter, take in (("a", newest), ("b", older)):
                hall.asks(Command("mark", letter=letter, take=take))
                await until(pilot, lambda letter=letter: getattr(stage.state, letter))
            assert sorted(stage.state.gains.values()) == [pytest.approx(0.5, abs=0.01), 1.0]
            hall.asks(Command("compare"))
            await until(pilot, lambda: deck.take == older)
            assert stage.state.take == stage.state.b
            assert (stage.state.gain, stage.state.place) == (stage.state.gains[stage.state.b], 7.5)
            hall.asks(Command("mark", letter="b", take=""))
            await until(pilot, lambda: not stage.state.b)
            hall.asks(Command("take", take=newest))
            await until(pilot, lambda: (deck.take, deck.playing) == (newest, True))


async def test_a_take_of_another_song_is_played_in_its_song(
    engine: Rehearsal, hall: Hall, until: Any
) -> None:
    async with opened(engine) as (app, pilot):
        take = await made(app, pilot, engine, until)
        home = app.studio.session.home
        await listens(app, pilot, hall, until)
        app.studio.load(Song("Tin soldiers", "[verse]\nDrums.\n", "rock"), go_on=False)
        await until(pilot, lambda: app.studio.session.home != home)
        await until(pilot, lambda: not hall.stage.state.take)
        app.studio.listening = replace(app.studio.listening, find=lambda name: (home, name))
        hall.asks(Command("take", take=take))
        await until(pilot, lambda: app.studio.session.song.title == "Paper boats", timeout=10)


async def test_what_is_composed_is_heard_in_the_tab_as_it_grows(
    engine: Rehearsal, hall: Hall, until: Any
) -> None:
    async with opened(engine) as (app, pilot):
        await listens(app, pilot, hall, until)
        await composing(app, pilot, engine, until)
        preview = sound(engine.jobs[-1].folder / "preview.wav", seconds=4.0)
        engine.reading = replace(engine.reading, phase=3, preview=preview, preview_seconds=4.0, seconds=12.0)
        deck, stage = app.studio.takes.deck, hall.stage
        await until(pilot, lambda: app.studio.takes._meter.preview is not None)
        with stage.attending("tab"):
            hall.hears()
            await plays(app, pilot, until)
            await until(pilot, lambda: stage.state.whole == 12.0)
            assert (stage.state.grows, stage.state.seconds) == (True, 4.0)
            hall.hears(place=4.0, playing=False, waiting=True)
            await until(pilot, lambda: "waiting for more" in deck.table.words)
            sound(preview, seconds=8.0)
            engine.reading = replace(engine.reading, preview_seconds=8.0)
            await until(pilot, lambda: stage.state.seconds == 8.0)
            hall.hears(place=5.0)
            engine.end(State.DONE, file=sound(engine.jobs[-1].folder / "song.wav"))
            await until(pilot, lambda: not stage.state.grows)
            assert (stage.state.seconds, stage.state.playing, stage.state.take != "") == (12.0, True, True)
            assert 5.0 <= stage.position() < 12.0
            hall.hears(place=12.0, playing=False, ended=True)
            await until(pilot, lambda: not deck.playing)


async def test_a_reference_is_not_heard_in_the_tab_which_is_said_and_leaving_ends_the_server(
    engine: Rehearsal, hall: Hall, tmp_path: Path, until: Any
) -> None:
    async with opened(engine) as (app, pilot):
        await made(app, pilot, engine, until)
        await listens(app, pilot, hall, until)
        deck = app.studio.takes.deck
        with hall.stage.attending("tab"):
            hall.hears()
            await until(pilot, lambda: said(app) == "through a browser tab")
            await deck.audition(sound(tmp_path / "reference.wav"), 2.0, 4.0)
            await until(pilot, lambda: said(app) == "! only takes of the library are heard in a browser tab")
            deck.hush()
            assert hall.stage.state.take
    assert hall.closed == 1


async def test_a_server_that_cannot_begin_or_ends_by_itself_is_one_line_and_sound_stays_here(
    engine: Rehearsal, hall: Hall, until: Any
) -> None:
    player = Jukebox()
    async with opened(engine, player=player) as (app, pilot):
        await made(app, pilot, engine, until)
        await plays(app, pilot, until)
        app.studio.begin_listening, hall.fails = hall.begin, SongdeskError("no port can be had", where="here")
        await pilot.press("alt+h")
        await until(pilot, lambda: said(app) == "✗ here: no port can be had")
        assert (player.playing, player.is_closed, app.studio.listening) == (True, False, None)
        hall.fails = None
        await listens(app, pilot, hall, until)
        assert player.is_closed
        hall.runs = False
        await until(pilot, lambda: said(app) == "✗ the listening server has ended; through the jukebox")
        assert (app.studio.takes.deck.table.player, player.playing) == (player, False)


async def test_keys_are_taken_while_the_server_begins_and_leaving_does_not_leave_it_running(
    engine: Rehearsal, hall: Hall, until: Any
) -> None:
    hall.go.clear()
    async with opened(engine) as (app, pilot):
        app.studio.begin_listening = hall.begin
        await pilot.press("alt+h", "alt+h", "f6")
        await until(pilot, lambda: isinstance(app.focused, TakesList))
        assert hall.ports == []
    hall.go.set()
    deadline = asyncio.get_running_loop().time() + 5
    while not hall.closed and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.01)
    assert (hall.ports, hall.closed) == ([8737], 1)


async def test_a_studio_that_is_left_looks_at_no_tabs_any_more(
    engine: Rehearsal, hall: Hall, until: Any
) -> None:
    async with opened(engine) as (app, pilot):
        app.studio.begin_listening = hall.begin
        await pilot.press("alt+h")
        await until(pilot, lambda: app.studio.listening is not None and isinstance(app.screen, ListenPage))
        studio = app.studio
    assert hall.closed == 1
    studio.look_at_tabs()  # its timer may fire once more while the server is closed


async def test_where_there_is_no_sound_the_key_that_brings_it_is_named(engine: Rehearsal, until: Any) -> None:
    player = NoPlayer(f"no sound here: nothing is installed; {TAB}")
    async with opened(engine, player=player, size=WIDE) as (app, pilot):
        await made(app, pilot, engine, until)
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(app.focused, TakesList))
        await pilot.press("enter")
        await until(pilot, lambda: "alt+h plays it in the browser where you sit" in said(app))
        assert "alt+h plays it" in app.studio.query_one(Transport).lines[1]


async def test_over_ssh_the_key_is_named_once(engine: Rehearsal, until: Any) -> None:
    player = Jukebox()
    player.reason = f"through the jukebox · over SSH it plays on the server, not where you sit: {TAB}"
    async with opened(engine, player=player) as (app, pilot):
        await made(app, pilot, engine, until)
        await plays(app, pilot, until)
        await until(
            pilot, lambda: said(app).endswith("where you sit: alt+h plays it in the browser where you sit")
        )
        app.studio.say("")
        await pilot.press("ctrl+r", "ctrl+r")
        await until(pilot, lambda: player.playing)
        await pilot.pause(0.6)
        assert said(app) == ""


def _config(port: int) -> Config:
    return Config(studio=StudioConfig(listen=ListenConfig(port=port)))


async def test_a_real_server_takes_a_tabs_orders_and_two_studios_have_their_own(
    engine: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Any
) -> None:
    monkeypatch.setattr("core.paths.listen_token_file", lambda: tmp_path / "token")
    with socket.socket() as other:  # as another studio has it
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        async with opened(engine, config=_config(port)) as (app, pilot):
            await made(app, pilot, engine, until)
            await pilot.press("alt+h")
            await until(pilot, lambda: isinstance(app.screen, ListenPage), timeout=30)
            found = app.studio.listening
            assert str(port) not in found.address.url
            await until(pilot, lambda: f"port {port} is taken" in screen_text(app))
            url, deck = found.address.url, app.studio.takes.deck
            await asyncio.to_thread(_post, url, "do", {"do": "toggle"})
            await until(pilot, lambda: deck.playing)
            state = await asyncio.to_thread(_state, url)
            assert (state["title"], state["playing"], state["take"] != "") == ("Paper boats", True, True)
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(_state, url)


def test_a_port_that_is_none_is_refused() -> None:
    store: Any = None
    with pytest.raises(
        SongdeskError, match=r"there is no port 70000.*studio\.listen\.port|studio.listen.port"
    ):
        listening.begin(store, 70000)


def _state(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}state", timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def _post(url: str, name: str, body: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json", "Origin": url.rsplit("/", 2)[0]}
    request = urllib.request.Request(url + name, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 204
