"""What works over everything: the palette finds all by words, the help opens, also over a question."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.screen import Screen

from core.library.draft import save_draft
from core.takes.take import home_of
from tests.tui.opened import SONG, opened, screen_text
from tests.tui.rehearsal import Rehearsal
from tui.keys import PLACES
from tui.screens.confirm import Prompt
from tui.screens.page import Page
from tui.screens.songs import SONG_ACTIONS


@pytest.fixture(autouse=True)
def _library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))


async def test_the_palette_finds_every_action_and_the_songs_by_name(until: Any) -> None:
    save_draft(home_of("[/b] Tin ships"), replace(SONG, title="[/b] Tin ships"))
    async with opened(Rehearsal()) as (app, pilot):
        offered = {command.title for command in app.get_system_commands(app.screen)}
        assert {action.label for action in SONG_ACTIONS} <= offered
        everywhere, *_ = PLACES
        assert {binding.description for binding in everywhere.commands} - {"Find"} <= offered
        for place in PLACES:
            is_page = place.widget is not None and issubclass(place.widget, Screen)
            assert not is_page or offered.isdisjoint(binding.description for binding in place.commands)

        await pilot.press("ctrl+p", *"tin ships")
        await until(pilot, lambda: "[/b] Tin ships" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.studio.session.song.title == "[/b] Tin ships")

        await pilot.press("ctrl+n")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        for key in ("ctrl+p", "ctrl+j"):
            await pilot.press(key)
            await pilot.pause()
            assert isinstance(app.screen, Prompt)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, Page))
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await pilot.press("escape", "ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
