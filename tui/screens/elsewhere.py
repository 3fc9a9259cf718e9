"""The studio heard elsewhere: in browser tabs, which play what its deck does and may ask it for more."""

import asyncio
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from textual import on, work
from textual.events import Unmount
from textual.message import Message

from core.audio import volume
from core.audio.listen.stage import Command
from core.audio.listen.tabplayer import Named, TabPlayer
from core.audio.seat import TAB
from core.config import ListenConfig
from core.errors import SongdeskError
from core.library.store import Store
from tui.behind import behind
from tui.bridge import MakeEngine
from tui.listening import Begin, Listening, begin, with_key
from tui.screens.composing import Composing
from tui.screens.deck import Deck, OpenPlayer
from tui.screens.listen_page import ListenPage
from tui.session import Session

_LOOK_EVERY = 0.5
"""Seconds between two looks who listens."""


class Elsewhere(Composing):
    """The open song with those who listen to it."""

    @dataclass
    class Asked(Message):
        """Somebody at a tab asks for something."""

        command: Command

    def __init__(
        self, session: Session, make_engine: MakeEngine, open_player: OpenPlayer, own_keys: dict[str, str]
    ) -> None:
        super().__init__(session, make_engine, open_player, own_keys)
        self.listen = ListenConfig()
        self.begin_listening: Begin = begin
        self.listening: Listening | None = None
        """The server; None while nobody listens elsewhere."""
        self._tabs: TabPlayer | None = None
        self._opening = asyncio.Lock()
        self._standing = ""
        """What was said of the tabs last."""
        self._is_far_told = False
        self._is_left = False

    def on_mount(self) -> None:
        """Begin to look who listens."""
        self.set_interval(_LOOK_EVERY, self.look_at_tabs)

    @on(Unmount)
    async def _leave_tabs(self) -> None:
        self._is_left = True
        if self.listening is not None:
            await asyncio.to_thread(self.listening.close)

    @work(group="listen")
    async def action_listen(self) -> None:
        """Have what is played heard in a browser; say how, or end it."""
        if self._opening.locked():
            return
        async with self._opening:
            begins = self.listening is None
            if begins and not await self._begin():
                return
        if self.listening is None or self._tabs is None:
            return
        tabs = self._tabs
        page = ListenPage(self.listening.address, self.keys, standing=lambda: tabs.standing, copies=begins)
        if await self.app.push_screen_wait(page):
            async with self._opening:
                await self._end()

    async def _begin(self) -> bool:
        """Have the deck play through tabs; False where that cannot be, which is said."""
        store = self.session.store
        if store is None:
            self.say("nobody can listen: the library's index cannot be used", kind="error")
            return False
        self.say("opening the way to your browser…")
        try:
            listening = await behind(lambda: self._served(store))
        except SongdeskError as error:
            self.complain(error)
            return False
        self._tabs = TabPlayer(listening.stage, self._named, address=listening.address.url)
        listening.stage.drive(self._pass_on)
        self._standing = self._tabs.reason
        await self.takes.deck.go_over_to(self._tabs)
        self._tell_pair()
        self.say(self._standing, kind="warning" if self._tabs.trouble else "note")
        return True

    def _pass_on(self, command: Command) -> None:
        """Bring what a tab asks for to the studio's own thread. Called on the server's."""
        self.post_message(self.Asked(command))

    def _served(self, store: Store) -> Listening:
        """A server, which is not left running where the studio was left meanwhile. On a thread of its own."""
        self.listening = self.begin_listening(store, self.listen.port)
        if self._is_left:
            self.listening.close()
        return self.listening

    async def _end(self, why: str = "") -> None:
        """Play here again."""
        listening, self.listening, self._tabs = self.listening, None, None
        if listening is None:
            return
        listening.stage.drive(None)
        await self.takes.deck.go_over_to(None)
        await asyncio.to_thread(listening.close)
        player = self.takes.deck.table.player
        here = with_key(player.reason, self.keys["listen"]) if player is not None else ""
        self.say(
            f"{why or 'listening in the browser has ended'}; {here}",
            kind="error" if why else "note",
        )

    def _named(self, file: Path) -> Named | None:
        place = self.listening.place_of(file) if self.listening is not None else None
        return Named(self.session.song.title, *place) if place is not None else None

    # What the tabs do

    def look_at_tabs(self) -> None:
        """Say when a tab comes, goes or is kept silent, or the server has ended."""
        if self._is_left or self.listening is None or self._tabs is None:
            return
        if not self.listening.is_running():
            self._lose()
            return
        table = self.takes.deck.table
        if table.track is None and not table.is_lent and self._tabs.stage.state.take:
            self._tabs.close()  # another song is open, or the take was thrown away
        elif table.track is not None and table.track.grows:
            self._tabs.expect(table.track.whole)
        standing = self._tabs.reason
        if standing != self._standing:
            self._standing = standing
            self.say(standing, kind="warning" if self._tabs.trouble else "note")

    @work(group="listen")
    async def _lose(self) -> None:
        async with self._opening:
            await self._end("the listening server has ended")

    @on(Deck.Signed)
    def _signs_changed(self, event: Deck.Signed) -> None:
        self._tell_pair()
        player = self.takes.deck.table.player
        if event.signs.playing and player is not None and not self._is_far_told and TAB in player.reason:
            self._is_far_told = True
            self.say(with_key(player.reason, self.keys["listen"]), kind="warning")

    def _tell_pair(self) -> None:
        """Tell the tabs which takes are compared."""
        if self.listening is None:
            return
        pair, place_of = self.takes.deck.table.pair, self.listening.place_of
        tracks = [(track, place_of(track.file("mix"))) for track in (pair.a, pair.b) if track is not None]
        names = {track.take: place[0] for track, place in tracks if place is not None}
        a, b = (names.get(track.take, "") if track is not None else "" for track in (pair.a, pair.b))
        gains = {name: pair.gain(take) for take, name in names.items()}
        state = self.listening.stage.state
        if (state.a, state.b, state.gains) != (a, b, gains):
            self.listening.stage.change(a=a, b=b, gains=gains)

    # What they ask for

    @on(Asked)
    async def _tab_asks(self, event: Asked) -> None:
        deck, command = self.takes.deck, event.command
        match command:
            case Command("play" | "toggle") if not deck.take:
                self.takes.play_next(1)
            case Command("play") if not deck.playing:
                deck.toggle()
            case Command("pause") if deck.playing:
                deck.toggle()
            case Command("toggle"):
                deck.toggle()
            case Command("seek", place=float() | int() as place):
                deck.seek(place - deck.position)
            case Command("stem", stem=str() as stem):
                deck.hear(stem)
            case Command("volume", volume=float() | int() as gain):
                percent = volume.FULL * sqrt(max(0.0, gain))
                deck.turn_volume(round((percent - deck.table.volume) / volume.STEP))
            case Command("next" | "previous"):
                self.takes.play_next(1 if command.do == "next" else -1)
            case Command("compare"):
                deck.switch()
            case Command("take", take=str() as name):
                self._take_asked(name)
            case Command("mark", letter="a" | "b" as letter, take=str() as name):
                self._mark_asked(letter, name)

    @work(group="asked", exclusive=True)
    async def _take_asked(self, name: str) -> None:
        """Play a take; its song is opened where another one is."""
        found = await self._found(name)
        if found is None:
            return
        home, take = found
        if home != self.session.home:
            await self.open_home(home)
        if home == self.session.home:
            self.takes.play(take)

    @work(group="marked")
    async def _mark_asked(self, letter: str, name: str) -> None:
        """Compare a take, or no longer; without a name, that which has the letter."""
        if not name:
            pair = self.takes.deck.table.pair
            marked = pair.a if letter == "a" else pair.b
            if marked is not None:
                self.takes.compare_as(letter, marked.take)
            return
        found = await self._found(name)
        if found is not None and found[0] == self.session.home:
            self.takes.compare_as(letter, found[1])
        elif found is not None:
            self.say("only takes of the open song are compared", kind="warning")

    async def _found(self, name: str) -> tuple[Path, str] | None:
        """The folder of its song and the studio's id of a take; None where there is none, which is said."""
        if self.listening is None:
            return None
        try:
            found = await asyncio.to_thread(self.listening.find, name)
        except SongdeskError as error:
            self.complain(error)
            return None
        if found is None:
            self.say("the take that the browser asks for is gone", kind="warning")
        return found
