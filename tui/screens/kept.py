"""The open song on disk: read, saved while it is written, watched, and come back to where it was left."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from textual import on, work
from textual.content import Content
from textual.geometry import clamp
from textual.reactive import reactive
from textual.widgets import Static

from core.errors import SongdeskError
from core.library.bookmark import Bookmark, recall, remember
from core.song import Song
from tui.opening import Kept, Opening, prepare
from tui.screens.areas import AREAS, Area
from tui.screens.deck import OpenPlayer
from tui.screens.layout import FourAreas
from tui.screens.listen import TakesArea
from tui.screens.page import Page
from tui.screens.write import WriteArea
from tui.session import Session
from tui.widgets.transport import Transport

_SAVE_AFTER = 1.0
"""Seconds without a change before the draft is saved."""
_SAVE_AT_LATEST = 10.0
"""Seconds after which it is saved although somebody goes on writing."""
_LOOK_EVERY = 3.0
"""Seconds between two looks whether the files were changed outside; not every terminal tells of its focus."""
_TOLD = 100
"""Lines said that can be read again."""


class KeptSong(FourAreas):
    """The areas with a song in them that is never lost."""

    has_sound: reactive[bool] = reactive(False, bindings=True)
    """Whether a take is in hand."""

    def __init__(self, session: Session, open_player: OpenPlayer, own_keys: dict[str, str]) -> None:
        super().__init__(session, open_player, own_keys)
        self.bookmarks: Path | None = None
        """Where it is remembered how the studio was left; None for nowhere."""
        self.told: deque[str] = deque(maxlen=_TOLD)
        """What was said, the last line last."""
        self.changing = asyncio.Lock()
        """Held while another song is opened, or a take of this one is begun."""
        self._saving = asyncio.Lock()
        self._unsaved_since = 0.0
        """When the first change was made that waits to be saved; 0 for none."""

    def on_mount(self) -> None:
        """Fill the areas, and begin to watch the files."""
        self.fill()
        self.set_interval(_LOOK_EVERY, self.look_outside)

    def on_unmount(self) -> None:
        """Let another studio have the song."""
        self.session.files.close()

    def say(self, text: str, *, kind: str = "note") -> None:
        """Say one line above the transport, and keep it."""
        super().say(text, kind=kind)
        if text and (not self.told or self.told[-1] != text):
            self.told.append(text)

    def action_message(self) -> None:
        """Show in full what was said, the last line first."""
        said = Content("\n\n").join(Content(line) for line in reversed(self.told))
        self.app.push_screen(Page("What was said, the last first", said or Content("Nothing yet.")))

    # Opening

    @work(group="open")
    async def load(self, song: Song, *, go_on: bool) -> None:
        """Open a song in place of the present one, which is saved first."""
        await self.open_by(lambda: prepare(self.session.files, song, self.session.values_of, go_on=go_on))

    async def open_by(self, read: Callable[[], Opening]) -> bool:
        """Open what is read, in place of the present song; False where that cannot be done, which is said.

        Comes to its end also where nobody waits for it any more: a folder may have been moved or held.
        """
        return await asyncio.shield(self._open_by(read))

    async def _open_by(self, read: Callable[[], Opening]) -> bool:
        async with self.changing:
            if not await self.save():
                why = self.keys["message"]
                self.say(
                    f"{self.session.song.title} cannot be saved and stays open; {why} shows why", kind="error"
                )
                return False
            await self.remember()
            async with self._saving:
                try:
                    opening = await asyncio.to_thread(read)
                except SongdeskError as error:
                    self.complain(error)
                    return False
            try:
                opening = await self._with_typed(opening)
            except SongdeskError as error:
                self.complain(error)
                return False
            if not self.query(Area):  # the studio was taken down meanwhile
                opening.files.close()
                return False
            await self._show(opening)
            return True

    async def _with_typed(self, opening: Opening) -> Opening:
        """What is to be opened, with what was typed meanwhile where it is the same song under any title."""
        self._take_in()
        here, saved, title = self.session.song, self.session.saved, opening.song.title
        if here == saved:
            return opening
        if saved is not None and opening.song == replace(saved, title=title):
            return replace(opening, song=replace(here, title=title), values=self.session.values)
        if opening.files is self.session.files:
            await asyncio.to_thread(self.session.files.keep_once, here)
        else:
            await self.save()
        return opening

    async def _show(self, opening: Opening) -> None:
        said = self.session.adopt(opening)
        self.fill()
        await self.go_back()
        if said:
            self.say(said)

    def fill(self) -> None:
        """Show the open song everywhere."""
        for area in self.query(Area):
            area.fill()
        self._head()
        if self.session.chosen.is_built_in:
            self.say(f"{self.session.chosen.id}: {self.session.chosen.note}")

    def _head(self) -> None:
        model = self.session.chosen
        self.query_one("#title", Static).update(
            Content.assemble((f" {self.session.song.title} ", "bold"), f"· {model.title} ({model.id})")
        )
        self.show_plan()

    def show_plan(self) -> None:
        """Say what the song as it stands will take."""
        plan = self.session.plan()
        self.query_one(Transport).show_plan(plan.seconds, plan.peak)

    # Saving

    @on(Area.Changed)
    @work(group="save", exclusive=True)
    async def _save_soon(self) -> None:
        if not self.session.is_saved:
            now = time.monotonic()
            self._unsaved_since = self._unsaved_since or now
            await asyncio.sleep(min(_SAVE_AFTER, self._unsaved_since + _SAVE_AT_LATEST - now))
            await self.save()
            await asyncio.shield(self.remember())

    async def save(self) -> bool:
        """Write the song now if it differs from the one on disk, and was not changed there.

        False where what stands here could not be put anywhere, which is said. Comes to its end also where
        nobody waits for it any more: the files are written by one at a time.
        """
        return await asyncio.shield(self._save())

    async def _save(self) -> bool:
        self._take_in()
        async with self._saving:
            self._unsaved_since = 0.0
            if self.session.is_saved:
                return True
            if not await self._is_as_left():
                return self.session.is_saved
            try:
                await asyncio.to_thread(self.session.save)
            except SongdeskError as error:
                self.complain(error)
                return False
            return True

    def _take_in(self) -> None:
        for area in self.query(WriteArea):  # none when the studio is already being taken down
            area.take_in()

    async def look_outside(self) -> None:
        """Take in what was changed on disk by others, if anything was."""
        if not self._saving.locked():
            async with self._saving:
                await self._is_as_left()

    async def _is_as_left(self) -> bool:
        """Whether the files are as the studio left them; if not, what stands there now is shown."""
        song = self.session.song
        try:
            outside = await asyncio.to_thread(self.session.look_outside, song)
            if outside is not None and outside.song is not None:
                await self._keep_typed(song)
        except SongdeskError as error:
            if isinstance(error, Kept):
                self.session.note_kept(song)
            self.complain(error)
            return False
        if outside is None:
            return True
        self.session.catch_up(outside)
        if self.query(Area):
            self._show_again()
            self.say(outside.said, kind="warning")
        return outside.song is None

    async def _keep_typed(self, song: Song) -> None:
        """Keep beside the files what was typed since they were looked at."""
        self._take_in()
        while self.session.song != song:
            song = self.session.song
            await asyncio.to_thread(self.session.files.keep_once, song)
            self._take_in()

    def _show_again(self) -> None:
        """Show the open song after it was changed; the cursor and the take in hand stay."""
        mark = self.bookmark()
        for area in self.query(Area):
            if not isinstance(area, TakesArea):
                area.fill()
        self._head()
        self._put_cursor(mark)

    # Where it was left

    def bookmark(self) -> Bookmark:
        """Where one is in the open song."""
        editor = self.write.editor
        row, column = editor.cursor_location
        return Bookmark(
            home=str(self.session.home),
            area=self.area,
            row=row,
            column=column,
            scroll=round(editor.scroll_offset.y),
            take=self.takes.take,
            position=self.takes.position,
        )

    async def remember(self) -> None:
        """Write down where one is, for the next time this song is opened."""
        if self.bookmarks is not None and self.query(Area):
            await asyncio.to_thread(_mark, self.bookmarks, self.bookmark())

    async def go_back(self) -> None:
        """Go where one was in the open song."""
        if self.bookmarks is None:
            return
        mark = (await asyncio.to_thread(recall, self.bookmarks)).of(self.session.home)
        self._put_cursor(mark)
        if mark.area in AREAS:
            self.action_area(mark.area)
        if self.session.sound_of(mark.take) is not None:
            self.takes.resume(mark.take, mark.position)

    def _put_cursor(self, mark: Bookmark) -> None:
        editor = self.write.editor
        row = clamp(mark.row, 0, editor.document.line_count - 1)
        editor.move_cursor((row, clamp(mark.column, 0, len(editor.document.get_line(row)))))
        self.call_after_refresh(editor.scroll_to, y=mark.scroll, animate=False)


def _mark(path: Path, mark: Bookmark) -> None:
    remember(path, recall(path).with_mark(mark))
