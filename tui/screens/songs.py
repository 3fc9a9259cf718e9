"""Songs as files: opening one, saving the draft while it is written, and the published format."""

import asyncio
from dataclasses import replace
from pathlib import Path

from textual import on, work
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from core.errors import SongdeskError
from core.song import Song
from core.songfile import write_songs
from core.takes import folder_name
from tui.screens.areas import Area
from tui.screens.confirm import Prompt
from tui.screens.deck import OpenPlayer
from tui.screens.layout import FourAreas
from tui.session import NEW_LYRICS, Session, first_song
from tui.widgets.transport import Transport

_SAVE_AFTER = 1.0
"""Seconds without a change before the draft is saved."""


class SongActions(FourAreas):
    """The areas with a song in them that is never lost."""

    has_sound: reactive[bool] = reactive(False, bindings=True)
    """Whether a take is in hand."""

    def __init__(self, session: Session, open_player: OpenPlayer, own_keys: dict[str, str]) -> None:
        super().__init__(session, open_player, own_keys)
        self._saving = asyncio.Lock()

    def on_mount(self) -> None:
        """Fill the areas."""
        self.fill()

    @work(group="open", exclusive=True)
    async def load(self, song: Song, *, go_on: bool) -> None:
        """Open a song in place of the present one, which is saved first."""
        await self.save()
        try:
            said = self.session.open(song, go_on=go_on)
        except SongdeskError as error:
            self.complain(error)
            return
        self.fill()
        if said:
            self.say(said)

    def fill(self) -> None:
        """Show the open song everywhere."""
        session = self.session
        model = session.chosen.title
        self.query_one("#title", Static).update(
            Content.assemble((f" {session.song.title} ", "bold"), f"· {model} ({session.chosen.id})")
        )
        for area in self.query(Area):
            area.fill()
        self.show_plan()
        if session.chosen.weights == "rule":
            self.say(f"{session.chosen.id}: {session.chosen.note}")

    def show_plan(self) -> None:
        """Say what the song as it stands will take."""
        plan = self.session.plan()
        self.query_one(Transport).show_plan(plan.seconds, plan.peak)

    @on(Area.Changed)
    @work(group="save", exclusive=True)
    async def _save_soon(self) -> None:
        if not self.session.is_saved:
            await asyncio.sleep(_SAVE_AFTER)
            await asyncio.shield(self.save())

    async def save(self) -> None:
        """Write the draft now if it differs from the one on disk."""
        if self.query(Area):  # none when the studio is already being taken down
            self.write.take_in()
        async with self._saving:
            if not self.session.is_saved:
                try:
                    await asyncio.to_thread(self.session.save)
                except SongdeskError as error:
                    self.complain(error)

    @work(group="files", exclusive=True)
    async def action_save(self) -> None:
        """Write the draft, and the song as a JSONL file beside it."""
        await self.save()
        song, path = self.session.song, self.session.home / "song.jsonl"
        # The file format takes only titles that are file names as well.
        title = folder_name(song.title)
        try:
            await asyncio.to_thread(write_songs, path, [replace(song, title=title)])
        except SongdeskError as error:
            self.complain(error)
        else:
            self.say(f"saved as {path}" + (f", under the title {title}" if title != song.title else ""))

    @work(group="files", exclusive=True)
    async def action_open(self) -> None:
        """Open the first song of a JSONL file."""
        name = await self.app.push_screen_wait(Prompt("Open which JSONL file?"))
        if name:
            try:
                song = await asyncio.to_thread(_read, name)
            except SongdeskError as error:
                self.complain(error)
                return
            self.load(song, go_on=False)

    @work(group="files", exclusive=True)
    async def action_new(self) -> None:
        """Begin a new song."""
        title = await self.app.push_screen_wait(Prompt("What is the new song called?"))
        if title:
            self.load(Song(title, NEW_LYRICS, ""), go_on=True)


def _read(name: str) -> Song:
    return first_song(Path(name).expanduser())
