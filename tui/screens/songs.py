"""What is done with songs: begin, open, rename, copy, bring in and give out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from textual import work
from textual.reactive import reactive

from core.errors import SongdeskError
from core.library.exchange import read_any, write_any
from core.library.shelf import Shelved, duplicate, is_taken, next_titles, save_as, songs
from core.song import Song
from core.takes.take import folder_name
from tui.opening import Opening, prepare, prepare_from
from tui.screens.chooser import Chooser
from tui.screens.confirm import Confirm, Prompt
from tui.screens.kept import KeptSong
from tui.session import NEW_LYRICS
from tui.widgets.fuzzy_list import Row

_FROM_FILE = ""
"""The id of the line that opens a file instead of a song of the library."""
_NOT_NOW = "a take is being made: rename the song when it is ready"


@dataclass(frozen=True, slots=True)
class SongAction:
    """Something to be done with songs that has no key of its own."""

    name: str
    label: str
    words: str


SONG_ACTIONS = (
    SongAction("drafts", "Drafts …", "Make the beginnings of several takes, and finish the one you choose"),
    SongAction("save_as", "Save as", "Go on with this song under another title; its takes stay"),
    SongAction("rename", "Rename", "Give this song another title; its takes come along"),
    SongAction("duplicate", "Duplicate", "Go on with a copy of this song, without its takes"),
    SongAction("import_song", "Import", "Open a song from a file: JSONL, or plain text"),
    SongAction("export_song", "Export", "Write this song to a file: JSONL, or plain text (.txt)"),
    SongAction("reread", "Read again", "Look now whether the song was changed outside"),
)
"""What the palette and the menu of songs have beyond the keys."""


class SongActions(KeptSong):
    """The open song, and the way from it to others."""

    composing: reactive[bool] = reactive(False, bindings=True)
    """Whether a take is in the making."""

    @work(group="files", exclusive=True)
    async def action_save(self) -> None:
        """Write the song now."""
        await self.save()
        await self.remember()
        if self.session.is_saved:
            self.say(f"saved in {self.session.home}")

    @work(group="files", exclusive=True)
    async def action_song_menu(self) -> None:
        """Choose what to do with this song."""
        rows = [(action.name, action.label, action.words) for action in SONG_ACTIONS]
        chosen = await self.app.push_screen_wait(Chooser(f"Song: {self.session.song.title}", rows))
        if chosen is not None:
            await self.run_action(chosen)

    @work(group="files", exclusive=True)
    async def action_open(self) -> None:
        """Open a song of the library."""
        await self.save()
        shelf = await asyncio.to_thread(songs)
        rows = [*map(self._row, shelf), (_FROM_FILE, "from a file …", "JSONL, or plain text")]
        chosen = await self.app.push_screen_wait(Chooser("Open which song?", rows))
        if chosen == _FROM_FILE:
            self.action_import_song()
        elif chosen is not None:
            await self.open_home(Path(chosen))

    async def open_home(self, home: Path) -> None:
        """Open the song of a folder."""
        await self.open_by(lambda: prepare_from(self.session.files, home, self.session.values_of))

    @work(group="files", exclusive=True)
    async def action_new(self) -> None:
        """Begin a new song."""
        title = await self.app.push_screen_wait(Prompt("What is the new song called?"))
        if title is None:
            return
        if await asyncio.to_thread(is_taken, title):
            self.say(f"there is a song called {title} already: here it is")
        self.load(Song(title, NEW_LYRICS, "", model=self.session.song.model), go_on=True)

    @work(group="files", exclusive=True)
    async def action_save_as(self) -> None:
        """Go on with this song under another title."""
        await self.save()
        free = await asyncio.to_thread(lambda: next(next_titles(self.session.song.title)))
        title = await self.app.push_screen_wait(Prompt("Save it under which title?", value=free))
        if title is not None:
            await self._go_on_with(partial(save_as, self.session.song, title))

    @work(group="files", exclusive=True)
    async def action_duplicate(self) -> None:
        """Go on with a copy of this song."""
        await self.save()
        await self._go_on_with(partial(duplicate, self.session.home))

    async def _go_on_with(self, copy: Callable[[], tuple[Song, Path]]) -> None:
        def read() -> Opening:
            _, home = copy()
            return prepare_from(self.session.files, home, self.session.values_of)

        before = self.session.song.title
        if await self.open_by(read):
            self.say(f"this is {self.session.song.title} now; {before} is as it was, with its takes")

    @work(group="files", exclusive=True)
    async def action_rename(self) -> None:
        """Give this song another title."""
        if self._is_made:
            self.say(_NOT_NOW, kind="warning")
            return
        before = self.session.song.title
        title = await self.app.push_screen_wait(Prompt("What is the song called now?", value=before))
        if title is None or title == before:
            return

        def read() -> Opening:
            if self._is_made:
                raise SongdeskError(_NOT_NOW)
            return self.session.rename(title)

        if await self.open_by(read):
            self.say(f"{before} is called {title} now")

    @property
    def _is_made(self) -> bool:
        """Whether a take is in the making: here, or of this song by somebody else."""
        return self.composing or any(take.state == "running" for take in self.session.takes)

    @work(group="files", exclusive=True)
    async def action_import_song(self) -> None:
        """Open a song from a file."""
        name = await self.app.push_screen_wait(Prompt("Open which file? JSONL, or plain text"))
        if name is None:
            return
        try:
            found, notes = await asyncio.to_thread(read_any, _path(name))
        except SongdeskError as error:
            self.complain(error)
            return
        song = found[0]
        if len(found) > 1:
            rows = [(str(at), each.title, each.style) for at, each in enumerate(found)]
            chosen = await self.app.push_screen_wait(Chooser(f"Which song of {Path(name).name}?", rows))
            if chosen is None:
                return
            song = found[int(chosen)]
        is_open = await self.open_by(
            lambda: prepare(self.session.files, song, self.session.values_of, go_on=False)
        )
        if is_open and notes:
            self.told.extend(notes[1:])
            more = f" · {self.keys['message']} shows {len(notes) - 1} more" if notes[1:] else ""
            self.say(f"{song.title} is open; {notes[0]}{more}", kind="warning")

    @work(group="files", exclusive=True)
    async def action_export_song(self) -> None:
        """Write this song to a file, which is not overwritten unasked."""
        await self.save()
        here = f"{folder_name(self.session.song.title)}.jsonl"
        name = await self.app.push_screen_wait(
            Prompt("Write it to which file? .jsonl, or .txt for plain text", value=here)
        )
        if name is None:
            return
        try:
            path = _path(name)
            if await asyncio.to_thread(_is_there, path) and not await self.app.push_screen_wait(
                self._asks_for(path)
            ):
                return
            await asyncio.to_thread(write_any, path, self.session.song)
        except SongdeskError as error:
            self.complain(error)
        else:
            self.say(f"written to {path}")

    @work(group="files", exclusive=True)
    async def action_reread(self) -> None:
        """Look whether the song was changed outside."""
        await self.look_outside()

    def _asks_for(self, path: Path) -> Confirm:
        yes, no = (self.keys[name] for name in ("confirm.yes", "confirm.no"))
        return Confirm(f"{path} is there already.", yes=f"Overwrite ({yes})", no=f"Keep ({no})")

    def _row(self, song: Shelved) -> Row:
        when = datetime.fromtimestamp(song.changed).astimezone().strftime("%Y-%m-%d %H:%M")
        takes = f"{song.takes or 'no'} take{'' if song.takes == 1 else 's'}"
        facts = [f"✗ {song.trouble}" if song.trouble else takes, when]
        if song.home == self.session.home:
            facts.append("open")
        return str(song.home), song.title, " · ".join(facts)


def _path(name: str) -> Path:
    """A path as a person types it; SongdeskError where it names the home of nobody."""
    try:
        return Path(name).expanduser().absolute()
    except RuntimeError as error:
        raise SongdeskError("nobody has that home", where=name, hint="check the path") from error


def _is_there(path: Path) -> bool:
    """Whether there is a file; none where that cannot be told, as writing will say."""
    try:
        return path.exists()
    except OSError:
        return False
