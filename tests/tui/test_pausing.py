"""A song is put down and gone on with, in this studio and in the next; leaving asks what becomes of it."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.library import queue
from core.library.store import Store, open_store
from core.meter import State
from core.takes import recipe as recipes
from core.takes.job import KnobChange
from core.takes.journal import FILE as JOURNAL
from core.takes.journal import Journal
from core.takes.take import home_of, takes_of
from tests.tui.opened import SONG, WIDE, composing, foot, opened, said, screen_text, states
from tests.tui.rehearsal import Rehearsal
from tui.screens.leave import Leave
from tui.screens.queue_page import QueuePage
from tui.screens.tune import TuneArea
from tui.widgets.takes_list import TakesList
from tui.widgets.transport import Transport

OTHER = replace(SONG, title="Tin ships")


@pytest.fixture(autouse=True)
def _library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))


@pytest.fixture
def engine() -> Rehearsal:
    return Rehearsal()


@pytest.fixture
def store() -> Iterator[Store]:
    store = open_store()
    yield store
    store.close()


async def paused(app: Any, pilot: Any, engine: Rehearsal, until: Any) -> None:
    await composing(app, pilot, engine, until)
    await until(pilot, lambda: "composing" in app.studio.query_one(Transport).lines[0])
    await pilot.press("f7")
    await until(pilot, lambda: states(app) == ["pausing"])
    await asyncio.to_thread(engine.end, State.PAUSED)
    await until(pilot, lambda: not app.studio.composing)


async def test_pausing_gives_the_memory_back_and_one_key_goes_on(engine: Rehearsal, until: Any) -> None:
    async with opened(engine) as (app, pilot):
        await composing(app, pilot, engine, until)
        await until(pilot, lambda: "Pause" in foot(app))
        await until(pilot, lambda: "composing" in app.studio.query_one(Transport).lines[0])
        await pilot.press("f7")
        assert engine.pauses == 1
        assert engine.stops == []
        await until(pilot, lambda: states(app) == ["pausing"])
        await asyncio.to_thread(engine.end, State.PAUSED)  # as the engine's own thread does
        await until(
            pilot,
            lambda: said(app) == "Paper boats is paused at 0:12; RAM from 1.00 to 0.25 GiB; f7 goes on",
        )
        assert states(app) == ["paused"]
        assert "Go on" in foot(app)
        assert "Pause" not in foot(app)

        await pilot.press("f7")
        await until(pilot, lambda: states(app) == ["composing"])
        first, second = engine.jobs
        assert second.folder == first.folder
        assert second.goes_on
        engine.end(State.CANCELLED)
        await until(pilot, lambda: states(app) == ["cancelled"])
        await pilot.press("f7")
        await until(pilot, lambda: states(app) == ["composing"] and len(engine.jobs) == 3)


async def test_what_waits_stays_waiting_while_a_song_is_paused(engine: Rehearsal, until: Any) -> None:
    async with opened(engine) as (app, pilot):
        await composing(app, pilot, engine, until)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: states(app) == ["queued", "composing"])
        await pilot.press("f7")
        engine.end(State.PAUSED)
        await until(pilot, lambda: states(app) == ["queued", "paused"])
        await pilot.pause(0.6)
        assert not engine.busy
        await pilot.press("f7")
        await until(pilot, lambda: states(app) == ["queued", "composing"])
        engine.end(State.STOPPED)
        await until(pilot, lambda: states(app) == ["composing", "stopped"])


@pytest.mark.slow
async def test_knobs_of_earlier_runs_are_drawn_with_those_of_this_one(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, size=WIDE) as (app, pilot):
        await paused(app, pilot, engine, until)
        folder = engine.jobs[0].folder
        with Journal(folder / JOURNAL, "x") as journal:
            journal.add([(1,) * 100])
            journal.knob(KnobChange("tokens", 25, "temperature", 1.0))
            journal.flush()
        await pilot.press("f7")
        await until(pilot, lambda: states(app) == ["composing"])
        (lane,) = app.studio.session.lanes(folder.name)
        assert lane.turns == ((1.0, 1.0),)
        await until(pilot, lambda: "temperature 1 at 0:01" in screen_text(app))


async def test_the_next_studio_says_what_was_left_and_goes_on_with_it(
    engine: Rehearsal, store: Store, until: Any
) -> None:
    async with opened(engine) as (app, pilot):
        await composing(app, pilot, engine, until)
        with Journal(engine.jobs[0].folder / JOURNAL, "x") as journal:
            journal.add([(1,) * 227])
            journal.flush()
        await pilot.press("ctrl+g")
        await until(pilot, lambda: states(app) == ["queued", "composing"])
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, Leave))
        await pilot.press("enter")
        await until(pilot, lambda: app._exit)
    assert [take.state for take in takes_of(home_of(SONG.title))] == ["queued", "paused"]

    second = Rehearsal()
    async with opened(second, OTHER, size=WIDE) as (app, pilot):
        await until(pilot, lambda: "1 song waits in the queue" in said(app))
        assert "Paper boats was paused at 0:09: F7 goes on" in said(app)
        await pilot.pause(0.6)
        assert not second.jobs, "nothing is made unasked"
        await pilot.press("f7")
        await until(pilot, lambda: second.jobs)
        assert second.jobs[0].id == engine.jobs[0].id
        assert "Paper boats goes on at 0:09" in said(app)
        assert states(app) == []
        await until(pilot, lambda: "+1 waiting" in app.studio.query_one(Transport).lines[0])
        second.end(State.STOPPED)
        await until(pilot, lambda: len(second.jobs) == 2)
        await until(pilot, lambda: "Paper boats is made now" in said(app))


@pytest.mark.slow
async def test_a_take_whose_maker_is_gone_is_gone_on_with(
    engine: Rehearsal, store: Store, until: Any
) -> None:
    async with opened(engine) as (app, pilot):
        await paused(app, pilot, engine, until)
    folder = engine.jobs[0].folder
    recipe = recipes.load(folder)
    assert recipe is not None
    recipes.save(replace(recipe, state=State.RUNNING.value), folder)
    store.note(folder)
    async with opened(second := Rehearsal()) as (app, pilot):
        await until(pilot, lambda: "Paper boats was interrupted: F7 goes on" in said(app))
        await pilot.press("f7")
        await until(pilot, lambda: second.jobs and states(app) == ["composing"])


@pytest.mark.parametrize(("key", "starts"), [("p", 0), ("b", 1)])
async def test_leaving_asks_once_and_pauses_what_is_made(
    engine: Rehearsal, store: Store, until: Any, key: str, starts: int
) -> None:
    started: list[bool] = []
    engine.obeys = True
    async with opened(engine, go_on_behind=lambda: started.append(engine.is_closed)) as (app, pilot):
        await composing(app, pilot, engine, until)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, Leave))
        assert "Paper boats is being composed: 0:12 of 0:30" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.studio)
        assert engine.busy
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, Leave))
        await pilot.press(key)
        await until(pilot, lambda: app._exit)
    assert app.engine_ended
    assert started == [True] * starts
    (item,) = queue.items(store)
    assert item.take.id == engine.jobs[0].id
    assert item.held is not bool(starts), "what is to go on in the background waits for nobody"


async def test_leaving_by_stopping_waits_for_what_is_kept(
    engine: Rehearsal, tmp_path: Path, until: Any
) -> None:
    async with opened(engine) as (app, pilot):
        await composing(app, pilot, engine, until)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: states(app) == ["queued", "composing"])
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, Leave))
        await pilot.press("s")
        await until(pilot, lambda: engine.stops == [True])
        assert "stopping here" in said(app)
        assert not app._exit
        engine.end(State.STOPPED, file=tmp_path)
        await until(pilot, lambda: app._exit)
    assert len(engine.jobs) == 1, "what waits is left to the next studio"


async def test_drafts_are_made_one_after_the_other(engine: Rehearsal, until: Any) -> None:
    async with opened(engine) as (app, pilot):
        app.studio.action_drafts()
        await until(pilot, lambda: app.screen is not app.studio)
        await pilot.press("backspace", "2", "enter")
        await until(pilot, lambda: states(app) == ["queued", "composing"])
        assert engine.jobs[0].until == 20.0
        engine.end(State.DRAFT)
        await until(pilot, lambda: len(engine.jobs) == 2)
        assert len({job.values["seed"] for job in engine.jobs}) == 2
        await pilot.press("f6", "down")
        await until(pilot, lambda: isinstance(app.focused, TakesList) and app.focused.cursor_row == 1)
        await pilot.press("g")
        await until(pilot, lambda: "made when what is composed now is done" in said(app))
        engine.end(State.DRAFT)
        await until(pilot, lambda: len(engine.jobs) == 3)
        assert engine.jobs[2].id == engine.jobs[0].id
        assert engine.jobs[2].until == 0.0


async def test_a_take_of_another_song_is_made_and_this_one_is_left_alone(
    engine: Rehearsal, until: Any
) -> None:
    async with opened(engine, size=WIDE) as (app, pilot):
        await composing(app, pilot, engine, until)
        app.studio.load(OTHER, go_on=True)
        await until(pilot, lambda: app.studio.session.song.title == "Tin ships")
        app.studio.session.turn("temperature", 1.2)
        app.studio.query_one(TuneArea).post_message(TuneArea.Turned({"temperature": 1.2}))
        await pilot.pause(0.3)
        assert engine.knobs == {}, "the knobs that show are those of the song that shows"
        assert states(app) == []
        engine.end(State.CANCELLED)
        await until(pilot, lambda: "Paper boats was abandoned" in said(app))


async def test_a_queue_that_somebody_stopped_pauses_what_is_made_here(
    engine: Rehearsal, store: Store, until: Any
) -> None:
    engine.obeys = True
    async with opened(engine) as (app, pilot):
        await composing(app, pilot, engine, until)
        queue.pause(store, True)
        await until(pilot, lambda: states(app) == ["paused"])
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "waits: the queue is paused; alt+q shows it" in said(app))
        assert states(app) == ["queued", "paused"]
        assert not app.studio.composing
        await pilot.press("alt+q")
        await until(pilot, lambda: isinstance(app.screen, QueuePage))
        await pilot.press("p")
        await until(pilot, lambda: engine.busy)
        await pilot.press("escape")
        await until(pilot, lambda: states(app) == ["composing", "paused"])
