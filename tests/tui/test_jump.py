"""Jump mode: a letter for every place in view, and the keyboard goes there."""

from pathlib import Path
from typing import Any

import pytest
from textual.widget import Widget
from textual.widgets import Input

from tests.tui.opened import WIDE, opened, screen_text
from tests.tui.rehearsal import Rehearsal
from tui.app import Studio
from tui.screens.areas import AREAS
from tui.screens.jump import Jump, Target
from tui.widgets.lyric_editor import LyricEditor
from tui.widgets.takes_list import TakesList


@pytest.fixture(autouse=True)
def _library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))


async def jumping(app: Studio, pilot: Any, until: Any) -> Jump:
    await pilot.press("ctrl+j")
    await until(pilot, lambda: isinstance(app.screen, Jump))
    assert isinstance(app.screen, Jump)
    return app.screen


def letter_of(app: Studio, screen: Jump, kind: type[Widget]) -> str:
    start = app.studio.query_one(kind).region.offset
    return next(letter for letter, target in screen.targets.items() if target.at == start)


async def test_a_letter_stands_over_every_place_and_goes_there(until: Any) -> None:
    async with opened(Rehearsal(), size=WIDE) as (app, pilot):
        screen = await jumping(app, pilot, until)
        for area in AREAS:
            pane = app.studio.query_one(f"#{area}").region
            assert any(pane.contains_point(target.at) for target in screen.targets.values())
        await until(pilot, lambda: all(f" {letter} " in screen_text(app) for letter in screen.targets))
        await pilot.press(letter_of(app, screen, TakesList))
        await until(pilot, lambda: isinstance(app.focused, TakesList))
        screen = await jumping(app, pilot, until)
        await pilot.press(letter_of(app, screen, LyricEditor))
        await until(pilot, lambda: isinstance(app.focused, LyricEditor))
        assert app.studio.query_one(LyricEditor).text == app.studio.session.song.lyrics


async def test_a_narrow_terminal_jumps_to_what_does_not_show_by_its_tab(until: Any) -> None:
    async with opened(Rehearsal()) as (app, pilot):
        screen = await jumping(app, pilot, until)
        letter = next(key for key, target in screen.targets.items() if target.name == "style")
        await pilot.press(letter)
        await until(pilot, lambda: app.studio.area == "style" and isinstance(app.focused, Input))
        for key in ("escape", "ctrl+j"):
            screen = await jumping(app, pilot, until)
            assert "0" not in screen.targets
            await pilot.press("0")
            assert isinstance(app.screen, Jump)
            await pilot.press(key)
            await until(pilot, lambda: app.screen is app.studio)
        assert isinstance(app.focused, Input)


async def test_before_there_is_a_place_to_go_to_nothing_swallows_the_keys(
    until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(Rehearsal(), size=WIDE) as (app, pilot):
        asked: list[Widget] = []

        def none_of(screen: Widget) -> tuple[list[Widget], list[Target]]:
            asked.append(screen)
            return [], []

        monkeypatch.setattr("tui.app.targets_of", none_of)
        await pilot.press("ctrl+j")
        await until(pilot, lambda: asked)
        await pilot.pause()
        assert app.screen is app.studio
