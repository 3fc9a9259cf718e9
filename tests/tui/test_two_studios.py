"""Two studios on one library see what the other one does, and a library that cannot be used is said."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.config import Config
from core.errors import SongdeskError
from core.library.store import open_store
from core.meter import State
from core.takes.branch import prepare
from core.takes.claim import claimed
from core.takes.mark import Mark, save_mark
from core.takes.take import home_of
from tests.tui.opened import SONG, WIDE, composing, foot, opened, said, states
from tests.tui.rehearsal import Rehearsal
from tui.app import Studio
from tui.making import Making
from tui.session import Session


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    return tmp_path / "songs"


@pytest.fixture
def other() -> Iterator[Making]:
    """The takes of the song as another process sees them."""
    making = Making(open_store())
    making.show(home_of(SONG.title), (), ())
    yield making
    assert making.store is not None
    making.store.close()


async def test_a_star_given_in_one_studio_is_seen_in_the_other(other: Making, until: Any) -> None:
    async with opened(engine := Rehearsal()) as (app, pilot):
        await composing(app, pilot, engine, until)

        def seen() -> str:
            other.read()
            return other.takes[0].state

        await until(pilot, lambda: seen() == "running")
        (take,) = other.takes
        engine.end(State.STOPPED)
        await until(pilot, lambda: states(app) == ["stopped"])
        save_mark(take.folder, Mark(star=True, note="the one"))
        assert other.store is not None
        other.store.note(take.folder)
        await until(pilot, lambda: app.studio.session.takes[0].star, timeout=2.0)
        assert app.studio.session.rows[0].note == "the one"


async def test_what_another_process_makes_is_shown_and_left_alone(other: Making, until: Any) -> None:
    job = prepare(SONG, "demo", Session(Config()).values, home=other.home)
    assert other.store is not None
    engine = Rehearsal()
    with claimed(job.folder) as is_ours:
        assert is_ours
        Rehearsal().submit(job, print)
        other.store.note(job.folder)
        async with opened(engine, size=WIDE) as (app, pilot):
            await until(pilot, lambda: said(app) == "! Paper boats: being made by another songdesk")
            await until(pilot, lambda: states(app) and states(app)[0] == "being made")
            assert "Go on" not in foot(app)
            await pilot.press("f7")
            await until(pilot, lambda: "nothing was paused" in said(app))
            assert not engine.jobs


async def test_without_an_index_songs_are_made_all_the_same(
    library: Path, monkeypatch: pytest.MonkeyPatch, until: Any
) -> None:
    library.mkdir()
    (library / ".songdesk").write_text("in the way")
    engine = Rehearsal()
    async with opened(engine) as (app, pilot):
        await until(pilot, lambda: "no queue" in said(app))
        await composing(app, pilot, engine, until)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: states(app) == ["queued", "composing"])
        engine.end(State.STOPPED)
        await until(pilot, lambda: states(app) == ["composing", "stopped"])
        await pilot.press("f7")
        engine.end(State.PAUSED)
        await until(pilot, lambda: states(app) == ["paused", "stopped"])
        await pilot.press("f7")
        await until(pilot, lambda: states(app) == ["composing", "stopped"])


def test_the_library_of_a_newer_songdesk_is_refused(library: Path) -> None:
    open_store().close()
    with sqlite3.connect(library / ".songdesk" / "library.db") as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(SongdeskError, match="newer songdesk"):
        Studio(Config(), SONG, make_engine=Rehearsal)
