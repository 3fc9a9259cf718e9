"""The application: wiring only."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.actions import parse
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen
from textual.theme import Theme
from textual.widget import Widget
from textual.widgets import Input

from core.config import Config
from core.errors import SongdeskError
from core.library import background
from core.library.bookmark import Memory, recall, remember
from core.paths import log_file
from core.song import Song
from tui.bridge import Bridge, MakeEngine, real_engine
from tui.calling import Calling
from tui.keys import KEYS, OF_THE_APP, PLACES, Place, keymap
from tui.library import open_library
from tui.palette import SongProvider, ThemeProvider
from tui.screens.areas import AREAS, Area
from tui.screens.confirm import Confirm
from tui.screens.deck import OpenPlayer, real_player
from tui.screens.first import First, first_text
from tui.screens.help import HelpText
from tui.screens.jump import Jump, targets_of
from tui.screens.leave import Leave
from tui.screens.page import Page
from tui.screens.songs import SONG_ACTIONS
from tui.screens.studio import StudioScreen
from tui.session import Session, open_last
from tui.theme import OWN, choose_theme

_log = logging.getLogger(__name__)
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_PATIENCE = 10.0
"""Seconds the engine has to come to its end."""


class Studio(Calling[int]):
    """The terminal song studio."""

    TITLE = "songdesk"
    CSS_PATH: ClassVar[list[str]] = [  # type: ignore[assignment]
        f"styles/{name}.tcss" for name in ("app", "write", "style", "tune", "takes", "transport")
    ]
    BINDINGS: ClassVar[list[BindingType]] = [key.binding for key in KEYS if key.id in OF_THE_APP]
    COMMANDS = App.COMMANDS | {SongProvider, ThemeProvider}

    def __init__(
        self,
        config: Config,
        song: Song | None = None,
        *,
        make_engine: MakeEngine = real_engine,
        open_player: OpenPlayer | None = None,
        go_on_behind: Callable[[], object] | None = None,
        bookmarks: Path | None = None,
        welcomes: bool = False,
    ) -> None:
        """Without a song the last one is opened, as the file `bookmarks` remembers it.

        `welcomes` shows the first page, unless it was shown before; `go_on_behind` starts what makes the
        queue when the studio is gone. SongdeskError when the configuration or the song's settings do not fit,
        and where the library is one of a newer songdesk.
        """
        self._own_keys = keymap(config.studio.keys)
        memory = Memory() if bookmarks is None else recall(bookmarks)
        self._store, self._said = open_library()
        session = Session(config, self._store)
        if song is None and bookmarks is not None:
            opened = open_last(session, [Path(mark.home) for mark in memory.bookmarks])
        else:
            opened = session.open(song or session.song, go_on=True)
        self._said = self._said or opened
        # Textual chooses between no colour and shades of grey before it knows the theme.
        super().__init__(config.studio, ansi_color=True if os.environ.get("NO_COLOR") else None)
        for theme in OWN:
            self.register_theme(theme)
        self._configured = config.studio.theme
        self.theme = choose_theme(self._configured, os.environ)
        if (remembered := memory.theme_over(self._configured)) in self.available_themes:
            self.theme = choose_theme(remembered, os.environ)
        self.set_keymap(self._own_keys)
        plays = open_player or partial(real_player, config.studio.sound)
        self.studio = StudioScreen(session, make_engine, plays, self._own_keys)
        self.studio.bookmarks = bookmarks
        self.studio.listen = config.studio.listen
        self._welcomes = welcomes and not memory.welcomed
        self._continues = config.studio.on_hangup == "continue"
        self._go_on_behind = go_on_behind or (lambda: background.run_queue_later(log_file()))
        self._leaves_when_done = False
        """Whether somebody waits for the end of a song to leave then."""
        self.engine_ended = True
        """False when the engine's thread did not come to its end: the process must not wait for it."""
        self.trouble: Exception | None = None
        """What broke the studio, if something did."""
        self._leaving = False

    def get_default_screen(self) -> Screen[None]:
        """The one screen."""
        return self.studio

    def on_mount(self) -> None:
        """Leave in good order when told to by a signal, and say what opening the song had to say."""
        if self._said:
            self.studio.call_after_refresh(self.studio.say, self._said)
        if not self.is_headless:
            for number in _SIGNALS:
                asyncio.get_running_loop().add_signal_handler(number, partial(self._signalled, number))
        self.theme_changed_signal.subscribe(self, self._theme_chosen)
        self.studio.call_after_refresh(self.studio.go_back)
        if self._welcomes:
            is_demo = self.studio.session.chosen.is_built_in
            self.push_screen(First(first_text(self.studio.keys, is_demo=is_demo)))
            self._remember(welcomed=True)

    def on_unmount(self) -> None:
        """Give back the library's index."""
        if self._store is not None:
            self._store.close()

    async def on_app_focus(self) -> None:
        """The person may come back from editing the song elsewhere."""
        await self.studio.look_outside()

    def action_command_palette(self) -> None:
        """Find an action; not over a question, for it would act on what is behind that."""
        if self.screen is self.studio:
            super().action_command_palette()
            self.call_after_refresh(self._still_palette)

    def _still_palette(self) -> None:
        """A cursor that blinks is bytes over a slow link; the palette's is Textual's own."""
        for field in self.screen.query(Input):
            field.cursor_blink = False

    def action_keys(self) -> None:
        """Show every key, or go back from there."""
        if isinstance(self.screen, Page):
            self.screen.dismiss()
        else:
            above = self.focused.ancestors_with_self if self.focused is not None else [self.screen]
            here = {type(node) for node in above if isinstance(node, Widget)}
            self.push_screen(Page("Keys", HelpText(self._own_keys, here)))

    @work(group="jump", exclusive=True)
    async def action_jump(self) -> None:
        """Go to the place whose letter is typed."""
        if self.screen is not self.studio:
            return
        widgets, targets = targets_of(self.studio)
        targets = [*self.studio.tab_targets(), *targets]
        if not targets:
            return  # nothing has its place yet: a screen without letters would only swallow keys
        chosen = await self.push_screen_wait(Jump(targets))
        if chosen in AREAS:
            self.studio.action_area(chosen)
        elif chosen is not None:
            widgets[int(chosen)].focus()

    @work(group="memory", thread=True)
    def _remember(self, **changed: object) -> None:
        if self.studio.bookmarks is not None:
            memory = recall(self.studio.bookmarks)
            remember(self.studio.bookmarks, replace(memory, **changed))  # type: ignore[arg-type]

    def _theme_chosen(self, theme: Theme) -> None:
        self._remember(theme=theme.name, over=self._configured)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Every action of the studio and of its parts, with its key, and the choice of a theme."""
        for place in PLACES:
            for binding in place.commands if self._is_there(place) else ():
                name = str(binding.id)
                if name != "palette":
                    words = f"{binding.tooltip} ({self.studio.keys[name]})"
                    yield SystemCommand(binding.description, words, partial(self._act, place, binding.action))
        for action in SONG_ACTIONS:
            act = partial(self.run_action, action.name, default_namespace=self.studio)
            yield SystemCommand(action.label, action.words, act)
        yield SystemCommand("Theme", "Choose other colours", self.action_change_theme)
        yield SystemCommand(
            "Notification", "Send one to try, and say what this terminal takes", self._try_notice
        )

    async def action_quit(self) -> None:
        """Leave; ask once while a song is being made, and where the draft cannot be saved."""
        if not self._leaving and not isinstance(self.screen, Confirm):
            self.run_worker(self._ask_to_leave(), group="leave", exclusive=True)

    def _is_there(self, place: Place) -> bool:
        """Whether a place is part of the studio now: a page, or a bar that is closed, has no actions."""
        if place.widget is None:
            return True
        return any(widget.display or isinstance(widget, Area) for widget in self.studio.query(place.widget))

    async def _try_notice(self) -> None:
        self.studio.say(await self.try_notice())

    async def _act(self, place: Place, action: str) -> None:
        """Do what was chosen by its words, as if its key had been pressed where it belongs."""
        if place.widget is None:
            name, parameters = parse(action)[1:]
            if not action.startswith("app.") and not self.studio.check_action(name, parameters):
                self.studio.action_explain(name)
                return
            await self.run_action(action, default_namespace=self.studio)
            return
        self.studio.area = place.area
        widget = self.studio.query_one(place.widget)
        if widget.focusable:
            widget.focus()
        await self.run_action(action, default_namespace=widget)

    async def _ask_to_leave(self) -> None:
        await self.studio.save()
        await self.studio.remember()
        if not self.studio.session.is_saved and not await self.push_screen_wait(
            self._leaves("The draft cannot be saved. Leaving loses what was changed.")
        ):
            return
        fetched = self.studio.fetched
        if fetched.state == "running" and not await self.push_screen_wait(
            self._leaves(
                f"{fetched.model} is being fetched. Leaving ends that; fetching it again goes on from there."
            )
        ):
            return
        if not self.studio.bridge.busy:
            self._leave(0)
            return
        way = await self.push_screen_wait(Leave(self.studio.at_work, self.studio.keys))
        if way == "keep" and self.studio.bridge.busy:
            self._leaves_when_done = True
            self.studio.stop_and_keep()
            leave = self.studio.keys["quit"]
            self.studio.say(
                f"stopping here; the studio is left when what is made is kept; {leave} asks again"
            )
        elif way is not None:
            self._leave(0, goes_on=way == "background")

    def _leaves(self, question: str) -> Confirm:
        yes, no = (self.studio.keys[name] for name in ("confirm.yes", "confirm.no"))
        return Confirm(question, yes=f"Leave ({yes})", no=f"Stay ({no})")

    @on(Bridge.RunFinished)
    def _run_finished(self) -> None:
        if self._leaves_when_done and not self.studio.bridge.busy:
            self._leave(0)

    def _signalled(self, number: int) -> None:
        self._leave(128 + number, goes_on=number == signal.SIGHUP and self._continues)

    def _leave(self, code: int, *, goes_on: bool = False) -> None:
        if not self._leaving:
            self._leaving = True
            self.run_worker(self._close(code, goes_on=goes_on), group="close", exit_on_error=False)

    async def _close(self, code: int, *, goes_on: bool) -> None:
        """Pause what is being made, and leave; with `goes_on` it goes on in the background."""
        bridge = self.studio.bridge
        goes_on &= bridge.busy
        self.studio.say("pausing…" if bridge.busy else "leaving…")
        try:
            await self.studio.save()
            await self.studio.remember()
            self.engine_ended = await bridge.close(_PATIENCE, hands_over=goes_on)
            if goes_on:
                await asyncio.to_thread(self._begin_behind)
        finally:
            self.exit(code)

    def _begin_behind(self) -> None:
        try:
            self._go_on_behind()
        except SongdeskError as error:
            _log.warning("nothing goes on in the background: %s", error)

    def _handle_exception(self, error: Exception) -> None:
        """A fault of ours ends the studio with its traceback in the log, not on the terminal."""
        if self.is_headless:
            super()._handle_exception(error)
            return
        if self.trouble is None:
            self.trouble = error
            _log.error("the studio broke", exc_info=error)
            self._leave(1)
