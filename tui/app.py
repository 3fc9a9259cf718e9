"""The application: wiring only."""

import asyncio
import logging
import os
import signal
from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.actions import parse
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from core.config import Config
from core.song import Song
from tui.bridge import MakeEngine, real_engine
from tui.keys import KEYS, OF_THE_APP, PLACES, Place, keymap
from tui.screens.confirm import Confirm
from tui.screens.deck import OpenPlayer, real_player
from tui.screens.studio import StudioScreen
from tui.session import Session
from tui.theme import SONGDESK, choose_theme

_log = logging.getLogger(__name__)
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_PATIENCE = 10.0
"""Seconds the engine has to come to its end."""


class Studio(App[int]):
    """The terminal song studio."""

    TITLE = "songdesk"
    CSS_PATH: ClassVar[list[str]] = [  # type: ignore[assignment]
        f"styles/{name}.tcss" for name in ("app", "write", "style", "tune", "takes", "transport")
    ]
    BINDINGS: ClassVar[list[BindingType]] = [key.binding for key in KEYS if key.id in OF_THE_APP]

    def __init__(
        self,
        config: Config,
        song: Song | None = None,
        *,
        make_engine: MakeEngine = real_engine,
        open_player: OpenPlayer = real_player,
    ) -> None:
        """SongdeskError when the configuration or the song's settings do not fit."""
        own_keys = keymap(config.studio.keys)
        session = Session(config)
        self._said = session.open(song or session.song, go_on=True)
        # Textual chooses between no colour and shades of grey before it knows the theme.
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        self.register_theme(SONGDESK)
        self.theme = choose_theme(config.studio.theme, os.environ)
        self.set_keymap(own_keys)
        self.studio = StudioScreen(session, make_engine, open_player, own_keys)
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

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Every action of the studio and of its parts, with its key, and the choice of a theme."""
        for place in PLACES:
            for binding in place.commands:
                name = str(binding.id)
                if name != "palette":
                    words = f"{binding.tooltip} ({self.studio.keys[name]})"
                    yield SystemCommand(binding.description, words, partial(self._act, place, binding.action))
        yield SystemCommand("Theme", "Choose other colours", self.action_change_theme)

    async def action_quit(self) -> None:
        """Leave; ask once while a song is being made, and where the draft cannot be saved."""
        if not self._leaving:
            self.run_worker(self._ask_to_leave(), group="leave", exclusive=True)

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
        doubts = []
        if self.studio.bridge.busy:
            doubts.append("A song is being composed. Leaving abandons it.")
        if not self.studio.session.is_saved:
            doubts.append("The draft cannot be saved. Leaving loses what was changed.")
        if not doubts or await self.push_screen_wait(self._leaves("\n".join(doubts))):
            self._leave(0)

    def _leaves(self, question: str) -> Confirm:
        yes, no = (self.studio.keys[name] for name in ("confirm.yes", "confirm.no"))
        return Confirm(question, yes=f"Leave ({yes})", no=f"Stay ({no})")

    def _signalled(self, number: int) -> None:
        self._leave(128 + number)

    def _leave(self, code: int) -> None:
        if not self._leaving:
            self._leaving = True
            self.run_worker(self._close(code), group="close", exit_on_error=False)

    async def _close(self, code: int) -> None:
        self.studio.say("stopping…")
        try:
            await self.studio.save()
            self.engine_ended = await self.studio.bridge.close(_PATIENCE)
        finally:
            self.exit(code)

    def _handle_exception(self, error: Exception) -> None:
        """A fault of ours ends the studio with its traceback in the log, not on the terminal."""
        if self.is_headless:
            super()._handle_exception(error)
            return
        if self.trouble is None:
            self.trouble = error
            _log.error("the studio broke", exc_info=error)
            self._leave(1)
