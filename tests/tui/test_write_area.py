"""The lyrics in the studio: what opens under the editor, and what is said of the section at the cursor."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.widgets import Input

from core.config import Config
from tests.tui.opened import SONG, opened, said, screen_text
from tests.tui.rehearsal import Rehearsal
from tui.app import Studio
from tui.widgets.find_bar import FindBar
from tui.widgets.list_panel import ProblemPanel, SectionPanel
from tui.widgets.lyric_editor import LyricEditor

LYRICS = """[intro-short]

[verse]
Rain on the window
I am here

[chorus]
Hold the line
"""
WRONG = "[vers]\nRain，rain\n\n[chorus]\n\n[verse]\nla；la\n"


@pytest.fixture(autouse=True)
def _library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))


@pytest.fixture
def engine() -> Rehearsal:
    return Rehearsal()


def editor(app: Studio) -> LyricEditor:
    return app.studio.query_one(LyricEditor)


async def test_the_line_says_what_the_section_at_the_cursor_takes(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, replace(SONG, lyrics=LYRICS)) as (app, pilot):
        await until(pilot, lambda: "[intro-short] " in bottom(app))
        editor(app).move_cursor((4, 0))
        await until(pilot, lambda: "[verse] " in bottom(app) and " tokens, " in bottom(app))
        editor(app).move_cursor((7, 0))
        await until(pilot, lambda: "[chorus] " in bottom(app))
        before = bottom(app)
        editor(app).insert("and many more words ", (7, 0))
        await until(pilot, lambda: bottom(app) != before and "[chorus] " in bottom(app))


def bottom(app: Studio) -> str:
    """The rows under the editor."""
    rows = screen_text(app).splitlines()
    return "\n".join(rows[editor(app).region.bottom :])


async def test_a_section_is_found_by_a_few_letters_or_left_for_where_one_was(
    engine: Rehearsal, until: Any
) -> None:
    async with opened(engine, replace(SONG, lyrics=LYRICS)) as (app, pilot):
        panel = app.studio.query_one(SectionPanel)
        editor(app).move_cursor((3, 5))
        await pilot.press("alt+g")
        await until(pilot, lambda: panel.display and panel.lines.shown == ("0", "1", "2"))
        assert panel.lines.in_hand == "1"
        assert "row 7:" in screen_text(app)
        await pilot.press("down")
        await until(pilot, lambda: editor(app).cursor_location == (6, 0))
        await pilot.press("escape")
        await until(pilot, lambda: not panel.display)
        assert editor(app).cursor_location == (3, 5)
        await pilot.press("alt+g", *"hold")
        await until(pilot, lambda: panel.lines.shown == ("2",))
        await pilot.press("enter")
        await until(pilot, lambda: not panel.display)
        assert editor(app).cursor_location == (6, 0)
        assert app.focused is editor(app)


async def test_problems_are_listed_gone_to_and_mended_from_the_list(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, replace(SONG, lyrics=WRONG)) as (app, pilot):
        panel = app.studio.query_one(ProblemPanel)
        await until(pilot, lambda: editor(app).diagnostics)
        count = len(editor(app).diagnostics)
        await pilot.press("alt+e")
        await until(pilot, lambda: panel.display and len(panel.lines.shown) == count)
        assert "✗ 1:1 unknown tag [vers]" in screen_text(app)
        await pilot.press("f8")
        await until(pilot, lambda: editor(app).text.startswith("[verse]"))
        await until(pilot, lambda: len(panel.lines.shown) < count)
        place = editor(app).diagnostics[1].span.start
        await pilot.press("down", "enter")
        await until(pilot, lambda: not panel.display)
        assert editor(app).cursor_location == (place.row, place.column)
        await pilot.press("alt+e", "shift+f8")
        await until(pilot, lambda: not editor(app).diagnostics and not panel.display)
        assert "mended" in said(app)
        assert app.focused is editor(app)
        await pilot.press("alt+e")
        await until(pilot, lambda: said(app) == "no problems")
        for key in ("f8", "f4", "shift+f4"):
            app.studio.say("")
            await pilot.press(key)
            await until(pilot, lambda: said(app) == "no problems", saying=key)


async def test_a_converted_paste_is_reported_in_one_line(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, replace(SONG, lyrics="")) as (app, pilot):
        editor(app).post_message(events.Paste("[Verse 1]\nRain\n\n[Hook]\nHold\n"))
        await until(pilot, lambda: said(app).startswith("pasted as "))
        assert "[Hook] became [chorus]" in said(app)
        assert "ctrl+z" in said(app)
        assert editor(app).text == "[verse]\nRain\n\n[chorus]\nHold\n"


async def test_letters_with_alt_are_keys_and_the_search_writes_into_the_song(
    engine: Rehearsal, until: Any
) -> None:
    async with opened(engine, replace(SONG, lyrics=LYRICS)) as (app, pilot):
        app.post_message(events.Key("alt+a", "a"))
        await until(pilot, lambda: editor(app).folds)
        app.post_message(events.Key("alt+j", "j"))
        await pilot.pause()
        assert editor(app).text == LYRICS
        bar = app.studio.query_one(FindBar)
        await pilot.press("ctrl+f", *"the")
        await until(pilot, lambda: "1 of 2" in screen_text(app))
        bar.query_one("#find-with", Input).value = "a"
        app.post_message(events.Key("alt+a", "a"))
        await until(pilot, lambda: "Hold a line" in app.studio.session.song.lyrics)
        assert "2 replaced" in screen_text(app)


@pytest.mark.parametrize("size", [(60, 16), pytest.param((200, 60), marks=pytest.mark.slow)])
async def test_what_is_opened_leaves_room_for_the_text(engine: Rehearsal, until: Any, size: Any) -> None:
    async with opened(engine, replace(SONG, lyrics=WRONG), size=size) as (app, pilot):
        for key, kind in (("alt+e", ProblemPanel), ("alt+g", SectionPanel)):
            panel = app.studio.query_one(kind)
            await pilot.press(key)
            await until(pilot, lambda panel=panel: panel.display and panel.lines.shown)
            await pilot.pause()
            assert editor(app).size.height >= 4
            assert panel.region.bottom <= size[1]
            assert panel.lines.region.height >= 2
            await pilot.press("escape")


async def test_a_model_without_its_vocabulary_can_be_written_for(
    engine: Rehearsal, until: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SONGDESK_QWEN2", str(tmp_path))
    async with opened(engine, replace(SONG, lyrics=LYRICS), config=Config(model="v2-large")) as (app, pilot):
        await until(pilot, lambda: "text ?/600" in screen_text(app))
        editor(app).move_cursor((4, 0))
        await until(
            pilot, lambda: "[verse] " in bottom(app) and "tokens" not in bottom(app).split("[verse]")[1]
        )
