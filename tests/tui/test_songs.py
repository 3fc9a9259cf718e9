"""Songs as a person handles them: begun, opened, renamed, copied, brought in, given out, edited elsewhere."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, Static

from core.errors import SongdeskError
from core.library.draft import FACTS, LYRICS, load_draft, save_draft
from core.meter import State
from core.song import Song
from core.takes.take import home_of
from tests.tui.opened import SONG, composing, opened, said, screen_text
from tests.tui.rehearsal import Rehearsal
from tui.app import Studio
from tui.open_files import OpenFiles
from tui.opening import prepare_from
from tui.screens.chooser import Chooser
from tui.screens.confirm import Confirm, Prompt
from tui.screens.page import Page
from tui.widgets.fuzzy_list import FuzzyList
from tui.widgets.lyric_editor import LyricEditor
from tui.widgets.style_picker import StylePicker

NAMES = ("Paper boats", "Other")
OTHER = Song("Tin ships", "[verse]\nRust on the water.\n", "folk")


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    return tmp_path / "songs"


@pytest.fixture
def engine() -> Rehearsal:
    return Rehearsal()


@pytest.fixture
def held() -> Iterator[OpenFiles]:
    """A song that another studio has open."""
    save_draft(home_of(OTHER.title), OTHER)
    files = OpenFiles(home_of(OTHER.title))
    files.hold()
    yield files
    files.close()


def title(app: Studio) -> str:
    return app.studio.session.song.title


async def answer(app: Studio, pilot: Any, until: Any, text: str) -> None:
    await until(pilot, lambda: isinstance(app.screen, Prompt))
    app.screen.query_one(Input).value = text
    await pilot.press("enter")


async def choose(app: Studio, pilot: Any, until: Any, words: str) -> None:
    await until(pilot, lambda: isinstance(app.screen, Chooser))
    app.screen.query_one(Input).value = words
    await until(pilot, lambda: len(app.screen.query_one(FuzzyList).shown) >= 1)
    await pilot.pause()
    await pilot.press("enter")


async def menu(app: Studio, pilot: Any, until: Any, words: str) -> None:
    await pilot.press("alt+l")
    await choose(app, pilot, until, words)


async def test_a_song_of_the_library_is_found_by_a_few_letters(engine: Rehearsal, until: Any) -> None:
    save_draft(home_of("Tin ships"), OTHER)
    save_draft(home_of("[/b] x"), replace(OTHER, title="[/b] x"))
    home_of("Broken").mkdir(parents=True)
    (home_of("Broken") / FACTS).write_text("title: [")
    async with opened(engine) as (app, pilot):
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, Chooser) and "✗" in screen_text(app))
        assert "[/b] x" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.studio)
        assert title(app) == SONG.title

        await pilot.press("ctrl+o")
        await choose(app, pilot, until, "broken")
        await until(pilot, lambda: f"{FACTS}:" in said(app))
        assert title(app) == SONG.title

        app.studio.query_one(LyricEditor).insert("Just typed ")
        await pilot.press("ctrl+o")
        await choose(app, pilot, until, "tinsh")
        await until(pilot, lambda: title(app) == "Tin ships")
        assert app.studio.query_one(LyricEditor).text == OTHER.lyrics
        before = load_draft(home_of(SONG.title))
        assert before is not None
        assert "Just typed" in before.lyrics

        await pilot.press("alt+m")
        await until(pilot, lambda: isinstance(app.screen, Page) and f"{FACTS}:" in screen_text(app))


async def test_a_file_is_taken_as_it_is_and_the_draft_is_kept(
    engine: Rehearsal, library: Path, tmp_path: Path, until: Any
) -> None:
    path = tmp_path / "songs.jsonl"
    lines = [f'{{"idx": "{name}", "gt_lyric": "[verse] Line.", "descriptions": "rock"}}\n' for name in NAMES]
    path.write_text("".join(lines))
    async with opened(engine) as (app, pilot):
        await app.studio.save()
        await menu(app, pilot, until, "import")
        await answer(app, pilot, until, "/nowhere/[b]x.jsonl")
        await until(pilot, lambda: "cannot read" in said(app))
        assert app.studio.query_one(LyricEditor).text == SONG.lyrics

        await pilot.press("ctrl+o")
        await choose(app, pilot, until, "from a file")
        await answer(app, pilot, until, str(path))
        await choose(app, pilot, until, "paper")
        await until(pilot, lambda: "Line" in app.studio.query_one(LyricEditor).text)
        assert app.studio.query_one(StylePicker).description == "rock"
        assert "kept as" in said(app)
        kept = load_draft(next(library.glob("Paper boats/draft-*")))
        assert kept is not None
        assert "folded" in kept.lyrics


async def test_exporting_asks_once_before_it_overwrites(
    engine: Rehearsal, tmp_path: Path, library: Path, until: Any
) -> None:
    path = tmp_path / "boats.jsonl"
    async with opened(engine) as (app, pilot):
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "saved in" in said(app))
        assert {path.name for path in (library / "Paper boats").iterdir()} == {LYRICS, FACTS, ".gitignore"}

        await menu(app, pilot, until, "export")
        await answer(app, pilot, until, str(path))
        await until(pilot, lambda: path.exists() and "written to" in said(app))
        assert '"gt_lyric": "[verse] We folded the morning in two."' in path.read_text()
        path.write_text("mine")
        for key, content in (("n", "mine"), ("y", "gt_lyric")):
            await menu(app, pilot, until, "export")
            await answer(app, pilot, until, str(path))
            await until(pilot, lambda: isinstance(app.screen, Confirm))
            await pilot.press(key)
            await until(pilot, lambda content=content: content in path.read_text())
            await until(pilot, lambda: app.screen is app.studio)


@pytest.mark.slow
async def test_plain_text_goes_out_and_comes_back(engine: Rehearsal, tmp_path: Path, until: Any) -> None:
    async with opened(engine) as (app, pilot):
        await menu(app, pilot, until, "export")
        await answer(app, pilot, until, str(tmp_path / "boats.txt"))
        await until(pilot, lambda: "written to" in said(app))
        assert "We folded the morning in two" in (tmp_path / "boats.txt").read_text()
        await pilot.press("ctrl+n")
        await answer(app, pilot, until, "Another")
        await until(pilot, lambda: title(app) == "Another")
        await menu(app, pilot, until, "import")
        await answer(app, pilot, until, str(tmp_path / "boats.txt"))
        await until(pilot, lambda: "folded the morning" in app.studio.query_one(LyricEditor).text)


async def test_a_song_is_renamed_with_all_it_has(engine: Rehearsal, library: Path, until: Any) -> None:
    save_draft(home_of("Tin ships"), OTHER)
    (home_of(SONG.title) / "takes" / "20261126-120000-1").mkdir(parents=True)
    async with opened(engine) as (app, pilot):
        await composing(app, pilot, engine, until)
        await menu(app, pilot, until, "rename")
        await until(pilot, lambda: "rename the song when it is ready" in said(app))
        engine.end(State.CANCELLED)
        await until(pilot, lambda: not app.studio.composing)

        await menu(app, pilot, until, "rename")
        await answer(app, pilot, until, "Tin ships")
        await until(pilot, lambda: "a song called Tin ships already" in said(app))
        assert title(app) == SONG.title

        app.studio.query_one(LyricEditor).insert("Just typed ")
        await menu(app, pilot, until, "rename")
        await answer(app, pilot, until, "Glass/ships")
        await until(pilot, lambda: "called Glass/ships now" in said(app))
        assert "Glass/ships" in str(app.studio.query_one("#title", Static).render())
        assert not (library / "Paper boats").exists()
        assert (home_of("Glass/ships") / "takes" / "20261126-120000-1").is_dir()
        app.studio.query_one(LyricEditor).insert("and more ")
        await app.studio.save()
        saved = load_draft(home_of("Glass/ships"))
        assert saved is not None
        assert "and more" in saved.lyrics
        assert "Just typed" in saved.lyrics


async def test_a_copy_goes_on_and_the_first_song_stays(engine: Rehearsal, until: Any) -> None:
    async with opened(engine) as (app, pilot):
        await menu(app, pilot, until, "duplicate")
        await until(pilot, lambda: title(app) == "Paper boats 2")
        await until(pilot, lambda: "Paper boats is as it was" in said(app))
        app.studio.query_one(LyricEditor).insert("Only here ")
        await menu(app, pilot, until, "save as")
        await answer(app, pilot, until, "Third")
        await until(pilot, lambda: title(app) == "Third")
        third = load_draft(home_of("Third"))
        assert third is not None
        assert "Only here" in third.lyrics
        assert load_draft(home_of("Paper boats")) == SONG


@pytest.mark.slow
async def test_a_new_song_of_a_title_that_is_there_is_that_song(engine: Rehearsal, until: Any) -> None:
    save_draft(home_of("Tin ships"), OTHER)
    async with opened(engine) as (app, pilot):
        await pilot.press("ctrl+n")
        await answer(app, pilot, until, "Tin ships")
        await until(pilot, lambda: app.studio.query_one(LyricEditor).text == OTHER.lyrics)


async def test_edits_from_outside_are_taken_in_and_lose_nothing(
    engine: Rehearsal, library: Path, until: Any
) -> None:
    async with opened(engine) as (app, pilot):
        await app.studio.save()
        editor = app.studio.query_one(LyricEditor)
        editor.move_cursor((1, 5))
        (home_of(SONG.title) / LYRICS).write_text("[verse]\nWe folded it in three.\n[chorus]\nOh\n")
        await app.on_app_focus()
        await until(pilot, lambda: "in three" in editor.text)
        assert "changed outside" in said(app)
        assert editor.cursor_location == (1, 5)
        assert app.studio.session.is_saved

        editor.insert("Mine ")
        (home_of(SONG.title) / FACTS).write_text("title: Paper boats\nstyle: theirs\n")
        await app.studio.save()
        await until(pilot, lambda: app.studio.query_one(StylePicker).description == "theirs")
        assert "yours was kept as" in said(app)
        assert "Mine" not in editor.text
        kept = load_draft(next(library.glob("Paper boats/draft-*")))
        assert kept is not None
        assert "Mine " in kept.lyrics
        assert "style: theirs" in (home_of(SONG.title) / FACTS).read_text()

        (home_of(SONG.title) / FACTS).write_text("title: [")
        editor.insert("More ")
        await app.studio.save()
        assert "yours is in" in said(app)
        assert "More " in editor.text
        assert (home_of(SONG.title) / FACTS).read_text() == "title: ["


@pytest.mark.slow
async def test_a_song_that_another_studio_has_open_is_opened_as_a_copy(
    engine: Rehearsal, held: OpenFiles, until: Any
) -> None:
    async with opened(engine) as (app, pilot):
        await pilot.press("ctrl+o")
        await choose(app, pilot, until, "tin ships")
        await until(pilot, lambda: title(app) == "Tin ships 2")
        assert "open in another studio" in said(app)
        assert app.studio.query_one(LyricEditor).text == OTHER.lyrics
        app.studio.query_one(LyricEditor).insert("Mine ")
        await app.studio.save()
        assert load_draft(held.home) == OTHER
        copy = load_draft(home_of("Tin ships 2"))
        assert copy is not None
        assert copy.lyrics.startswith("Mine ")


def is_free(home: Path) -> bool:
    files = OpenFiles(home)
    files.hold()
    files.close()
    return files.is_ours


@pytest.mark.slow
async def test_a_studio_that_left_a_song_lets_others_have_it(engine: Rehearsal) -> None:
    async with opened(engine) as (app, _):
        await app.studio.save()
        assert not is_free(home_of(SONG.title))
    assert is_free(home_of(SONG.title))


def refuse(path: Path, text: str) -> None:
    raise SongdeskError("no space left", where=f"{path} {len(text)}")


async def test_a_song_that_cannot_be_saved_stays_open(
    engine: Rehearsal, monkeypatch: pytest.MonkeyPatch, until: Any
) -> None:
    save_draft(home_of("Tin ships"), OTHER)
    async with opened(engine) as (app, _):
        app.studio.query_one(LyricEditor).insert("Just typed ")
        with monkeypatch.context() as full:
            full.setattr("core.library.draft.write_text", refuse)
            await app.studio.open_home(home_of("Tin ships"))
        assert title(app) == SONG.title
        assert "cannot be saved and stays open" in said(app)
        assert any("no space left" in line for line in app.studio.told)
        assert "Just typed" in app.studio.query_one(LyricEditor).text
        await app.studio.open_home(home_of("Tin ships"))
        assert title(app) == "Tin ships"


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Holds whatever reads a song that is to be opened, until it is set."""
    event = threading.Event()

    def slow(home: Path) -> Any:
        event.wait(5)
        return load_draft(home)

    monkeypatch.setattr("tui.opening.load_draft", slow)
    yield event
    event.set()


async def test_what_is_typed_while_a_song_is_renamed_goes_with_it(
    engine: Rehearsal, library: Path, gate: threading.Event, until: Any
) -> None:
    async with opened(engine) as (app, pilot):
        await app.studio.save()
        await menu(app, pilot, until, "rename")
        await answer(app, pilot, until, "Glass ships")
        await until(pilot, lambda: home_of("Glass ships").exists())
        app.studio.query_one(LyricEditor).insert("Meanwhile ")
        await pilot.press("ctrl+s")
        gate.set()
        await until(pilot, lambda: title(app) == "Glass ships")
        await app.studio.save()
        saved = load_draft(home_of("Glass ships"))
        assert saved is not None
        assert saved.lyrics.startswith("Meanwhile ")
        assert {folder.name for folder in library.iterdir()} == {".songdesk", "Glass ships"}


async def test_a_key_in_the_middle_of_opening_leaves_no_song_held(
    engine: Rehearsal, gate: threading.Event, until: Any
) -> None:
    save_draft(home_of("Tin ships"), OTHER)
    async with opened(engine) as (app, pilot):
        await pilot.press("ctrl+o")
        await choose(app, pilot, until, "tin ships")
        await until(pilot, lambda: app.studio._saving.locked())
        await pilot.press("ctrl+s")
        gate.set()
        await until(pilot, lambda: title(app) == "Tin ships")
        await app.studio.open_home(home_of(SONG.title))
        await app.studio.open_home(home_of("Tin ships"))
        assert title(app) == "Tin ships"


@pytest.mark.parametrize("name", ["~nobody at all/x.txt", f"/{'long' * 100}.txt"])
async def test_a_path_that_cannot_be_is_told_of(engine: Rehearsal, until: Any, name: str) -> None:
    async with opened(engine) as (app, pilot):
        for action in ("import", "export"):
            app.studio.say("")
            await menu(app, pilot, until, action)
            await answer(app, pilot, until, name)
            await until(pilot, lambda: said(app).startswith("✗ "))


async def test_an_edit_stays_where_what_was_typed_meanwhile_cannot_be_kept(
    engine: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(engine) as (app, _):
        await app.studio.save()
        editor, session = app.studio.query_one(LyricEditor), app.studio.session
        (session.home / LYRICS).write_text("theirs\n")
        look = session.look_outside

        def typing(song: Song) -> Any:
            outside = look(song)
            app.call_from_thread(editor.insert, "Meanwhile ")
            return outside

        with monkeypatch.context() as full:
            full.setattr(session, "look_outside", typing)
            full.setattr("core.library.draft.write_text", refuse)
            await app.studio.look_outside()
        assert "no space left" in said(app)
        assert "Meanwhile" in editor.text
        await app.studio.save()
        assert (session.home / LYRICS).read_text() == "theirs\n"
        kept = load_draft(next(session.home.glob("draft-*/lyrics.txt")).parent)
        assert kept is not None
        assert "Meanwhile" in kept.lyrics


async def test_a_run_that_ends_while_the_next_begins_leaves_that_one_composing(
    engine: Rehearsal, monkeypatch: pytest.MonkeyPatch, until: Any
) -> None:
    async with opened(engine) as (app, pilot):
        await composing(app, pilot, engine, until)
        begin, gate = app.studio.session.begin, threading.Event()

        def slow() -> Any:
            gate.wait(5)
            return begin()

        monkeypatch.setattr(app.studio.session, "begin", slow)
        await pilot.press("ctrl+g")
        engine.end(State.CANCELLED)
        await until(pilot, lambda: "abandoned" in said(app))
        gate.set()
        await until(pilot, lambda: len(engine.jobs) == 2)
        await pilot.pause()
        assert app.studio.composing
        await menu(app, pilot, until, "rename")
        await until(pilot, lambda: "rename the song when it is ready" in said(app))


async def test_what_is_written_without_a_pause_is_saved_all_the_same(
    engine: Rehearsal, monkeypatch: pytest.MonkeyPatch, until: Any
) -> None:
    monkeypatch.setattr("tui.screens.kept._SAVE_AFTER", 60.0)
    monkeypatch.setattr("tui.screens.kept._SAVE_AT_LATEST", 0.3)
    async with opened(engine) as (app, pilot):
        await app.studio.save()
        app.studio.query_one(LyricEditor).insert("On and on ")
        await until(pilot, lambda: "On and on" in (home_of(SONG.title) / LYRICS).read_text())


async def test_a_song_that_is_still_read_when_the_studio_is_gone_breaks_nothing(
    engine: Rehearsal, gate: threading.Event
) -> None:
    save_draft(home_of("Tin ships"), OTHER)
    async with opened(engine) as (app, pilot):
        await app.studio.save()
        opening = asyncio.create_task(
            app.studio.open_by(
                lambda: prepare_from(
                    app.studio.session.files, home_of("Tin ships"), app.studio.session.values_of
                )
            )
        )
        await pilot.pause()
    gate.set()
    assert not await opening
    assert is_free(home_of("Tin ships"))
