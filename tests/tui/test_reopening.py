"""The studio comes back as it was left, and the first page is seen once."""

import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.config import Config
from core.library.bookmark import Bookmark, Memory, recall, remember
from core.library.draft import save_draft
from core.meter import State
from core.song import Song
from core.takes import recipe as recipes
from core.takes.branch import prepare
from core.takes.take import home_of
from tests.tui.jukebox import Jukebox
from tests.tui.opened import SONG, opened, said, screen_text
from tests.tui.rehearsal import Rehearsal
from tui.screens.first import First
from tui.screens.page import Page
from tui.session import Session
from tui.widgets.lyric_editor import LyricEditor
from tui.widgets.takes_list import TakesList

LONG = "\n".join(["[verse]", *(f"Line number {number}" for number in range(60))])


@pytest.fixture(autouse=True)
def _library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "state" / "studio.json"


def take_of(song: Song) -> str:
    """A finished take of a song, 4 s long."""
    job = prepare(song, "demo", Session(Config()).values.replace(seed=1), home=home_of(song.title))
    with wave.open(str(job.audio), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * 8000 * 4))
    recipe = recipes.begin(job, {})
    recipes.save(replace(recipe, state=State.DONE.value, audio=job.audio.name, seconds=4.0), job.folder)
    return job.id


async def test_the_studio_comes_back_as_it_was_left(memory: Path, until: Any) -> None:
    song = replace(SONG, lyrics=LONG)
    save_draft(home_of("Another"), replace(SONG, title="Another"))
    save_draft(home_of(song.title), song)
    take = take_of(song)
    async with opened(Rehearsal(), song, player=Jukebox(), bookmarks=memory) as (app, pilot):
        editor = app.studio.query_one(LyricEditor)
        editor.move_cursor((40, 7), center=True)
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(app.focused, TakesList))
        app.studio.takes.resume(take, 2.5)
        await until(pilot, lambda: app.studio.takes.position == 2.5)
        await pilot.pause()
        scroll = editor.scroll_offset.y
        await pilot.press("ctrl+q")
        await until(pilot, lambda: app._exit)
    assert scroll > 10

    async with opened(Rehearsal(), None, player=Jukebox(), bookmarks=memory) as (app, pilot):
        assert app.studio.session.song == song
        editor = app.studio.query_one(LyricEditor)
        await until(pilot, lambda: app.studio.area == "takes" and isinstance(app.focused, TakesList))
        await until(pilot, lambda: app.studio.takes.take == take and app.studio.takes.position == 2.5)
        assert editor.cursor_location == (40, 7)
        await until(pilot, lambda: app.studio.has_sound)
        await pilot.press("f2")
        await until(pilot, lambda: editor.scroll_offset.y == scroll)

        await app.studio.open_home(home_of("Another"))
        assert app.studio.session.song.title == "Another"
        await app.studio.open_home(home_of(song.title))
        await until(pilot, lambda: editor.cursor_location == (40, 7) and app.studio.takes.take == take)
    assert [Path(mark.home).name for mark in recall(memory).bookmarks] == ["Another", "Paper boats"]


@pytest.mark.slow
async def test_a_place_that_is_no_longer_there_is_no_trouble(memory: Path, until: Any) -> None:
    mark = Bookmark(str(home_of(SONG.title)), "nowhere", 99, 99, 99, "gone", 9.0)
    remember(memory, Memory((mark,), theme="gone", over="songdesk", welcomed=True))
    save_draft(home_of(SONG.title), SONG)
    async with opened(Rehearsal(), None, bookmarks=memory) as (app, pilot):
        editor = app.studio.query_one(LyricEditor)
        await until(pilot, lambda: editor.cursor_location == (2, 0))
        assert app.studio.area == "write"
        assert app.theme != "gone"
        assert app.studio.takes.take == ""


async def test_the_first_page_is_seen_once_and_any_key_begins(memory: Path, until: Any) -> None:
    async with opened(Rehearsal(), bookmarks=memory, welcomes=True) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, First))
        await until(pilot, lambda: "tiny" in screen_text(app) and "CTRL+G" in screen_text(app))
        await pilot.press("x")
        await until(pilot, lambda: app.screen is app.studio)
        assert app.studio.query_one(LyricEditor).text == SONG.lyrics
        await until(pilot, lambda: recall(memory).welcomed)
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(app.focused, TakesList))
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Page) and "In the takes" in screen_text(app))
        assert screen_text(app).index("In the takes") < 400
    async with opened(Rehearsal(), bookmarks=memory, welcomes=True) as (app, _):
        assert app.screen is app.studio


@pytest.mark.slow
async def test_a_damaged_last_song_is_said_and_another_opened(memory: Path, until: Any) -> None:
    async with opened(Rehearsal(), SONG, bookmarks=memory) as (app, pilot):
        await app.studio.save()
        await app.studio.remember()
    save_draft(home_of("Another"), replace(SONG, title="Another"))
    (home_of(SONG.title) / "song.yaml").write_text("title: [")
    async with opened(Rehearsal(), None, bookmarks=memory) as (app, pilot):
        assert app.studio.session.song.title == "Another"
        await until(pilot, lambda: "Paper boats cannot be opened" in said(app))
