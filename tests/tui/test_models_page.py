"""The page of the models: what it shows, what Enter changes, and a fetch that goes on behind it."""

import asyncio
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.config import Config
from core.errors import SongdeskError
from core.library.draft import load_draft
from core.machine import Machine
from core.meter import State
from core.song import Song
from tests.tui.opened import SONG, opened, said, screen_text
from tests.tui.rehearsal import READING, Rehearsal
from tui.app import Studio
from tui.fetching import Fetching, Progress, after
from tui.model_rows import Known, rows_of
from tui.screens.confirm import Confirm
from tui.screens.models_page import ModelsPage
from tui.session import Session
from tui.widgets.model_list import ModelList
from tui.widgets.plan_line import PlanLine
from tui.widgets.transport import Transport

GIB = 1 << 30


@pytest.fixture(autouse=True)
def _library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    monkeypatch.setenv("SONGDESK_CKPT", str(tmp_path / "ckpt"))
    monkeypatch.setenv("SONGDESK_QWEN2", str(tmp_path / "ckpt" / "qwen2"))


def machine(free: float | None) -> Machine:
    room = None if free is None else int(free * GIB)
    return Machine("cuda", "A card", "asked for", "2.11", "CUDA 13", room, 16 * GIB, 9 * GIB, 32 * GIB, 8)


def child(*events: dict[str, Any], tail: str = "") -> Callable[[str], tuple[str, ...]]:
    """A process that says these events instead of fetching."""
    lines = "\n".join(json.dumps(event) for event in events)
    code = f"import sys, time\nprint({lines!r}, flush=True)\n{tail}"
    return lambda model: (sys.executable, "-c", code)


def plan_line(app: Studio) -> str:
    return app.studio.query_one(PlanLine).said


def page_of(app: Studio) -> ModelsPage:
    assert isinstance(app.screen, ModelsPage)
    return app.screen


async def open_page(app: Studio, pilot: Any, until: Any) -> ModelList:
    await pilot.press("alt+u")
    await until(pilot, lambda: isinstance(app.screen, ModelsPage))
    page = page_of(app)
    await until(pilot, lambda: page.query_one(ModelList).items and not app.studio.known.is_looking)
    return page.query_one(ModelList)


def row(table: ModelList, name: str) -> Any:
    return next(item for item in table.items if item.id == name)


async def test_the_page_tells_what_is_here_and_once_known_what_fits(until: Any) -> None:
    async with opened(Rehearsal()) as (app, pilot):
        release = asyncio.Event()
        loop = asyncio.get_running_loop()

        def look(device: str) -> Machine:
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result(20)
            return machine(30.0)

        app.studio.look_with = look
        await pilot.press("alt+u")
        await until(pilot, lambda: isinstance(app.screen, ModelsPage))
        table = page_of(app).query_one(ModelList)
        await until(pilot, lambda: table.items)
        assert row(table, "v2-large").fits == "looking at this machine…"
        assert row(table, "demo").is_in_use
        assert table.current == row(table, "demo")
        assert "Models · this song: demo" in screen_text(app)
        release.set()
        await until(pilot, lambda: row(table, "v2-large").fits.startswith("up to 4:40, "))
        text = screen_text(app)
        assert "A card, 30.0 GiB free" in text
        assert row(table, "v2-large").fits.endswith(" GiB, full")
        assert row(table, "v2-large").fits in text, "at 80 columns it is there in full"
        assert "full weights, int8 cache, " in row(table, "v2-large").about
        assert "18.2 GB" in row(table, "v2-large").size
        assert row(table, "v2-large").here == "not here"
        for words in ("* demo", "taught by made-up songs", "licence: Apache-2.0", "f fetches"):
            assert words in text
        await pilot.press("down")
        await until(pilot, lambda: "sings" in screen_text(app) or "in zh, en, es, ja" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.studio)


def test_what_is_not_known_of_a_machine_is_not_made_up() -> None:
    unlooked, tight, blind = (
        {row.id: row for row in rows_of(known, "demo")}["v2-large"].fits
        for known in (Known(), Known(machine(1.0)), Known(machine(None)))
    )
    assert unlooked.startswith("needs ")
    assert "free" not in unlooked
    assert tight.startswith("does not fit: needs ")
    assert tight.endswith("1.0 free")
    assert blind == unlooked
    assert Known().words == "this machine is unknown"
    assert Known(machine(None)).words == "A card, free memory unknown"


async def test_enter_has_the_song_made_with_another_model(until: Any, toy: str) -> None:
    song = replace(SONG, settings={"length": "100", "temperature": "0.9"})
    async with opened(Rehearsal(), song) as (app, pilot):
        session = app.studio.session
        editor = app.studio.write.editor
        editor.insert("One more line.\n", editor.document.end)
        table = await open_page(app, pilot, until)
        table.move_cursor(row=[item.id for item in table.items].index(toy))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.studio and session.chosen.id == toy)
        await until(pilot, lambda: session.is_saved)
        assert "length 100 is 60: its most" in said(app)
        assert (session.values["length"], session.values["temperature"]) == (60.0, 0.9)
        assert session.values["flow_steps"] == 2
        assert "One more line." in session.song.lyrics
        assert session.song.style == SONG.style
        assert f"({toy})" in screen_text(app)
        kept = load_draft(session.home)
        assert kept is not None
        assert (kept.model, kept.settings) == (toy, {"length": "60", "temperature": "0.9"})
        await pilot.press("ctrl+g")
        await until(pilot, lambda: app.studio.session.making.job is not None)
        assert app.studio.session.making.job.model == toy


@pytest.mark.slow
async def test_a_song_goes_on_with_its_model_and_others_do_not_follow(until: Any, toy: str) -> None:
    async with opened(Rehearsal(), replace(SONG, model=toy)) as (app, pilot):
        session = app.studio.session
        assert session.chosen.id == toy
        await app.studio.save()
        app.studio.load(Song("Another", "[verse]\nla\n", "pop"), go_on=True)
        await until(pilot, lambda: session.song.title == "Another")
        assert session.chosen.id == "demo"
        app.studio.load(SONG, go_on=True)
        await until(pilot, lambda: session.song.title == SONG.title)
        assert session.chosen.id == toy
        app.studio.load(Song("Foreign", "[verse]\nla\n", "pop", model="v9"), go_on=True)
        await until(pilot, lambda: "unknown model 'v9'" in said(app))
        assert (session.song.title, session.chosen.id) == (SONG.title, toy)


def test_what_grows_out_of_a_take_has_settings_that_its_model_takes() -> None:
    session = Session(Config(settings={"guidance": 2.0, "length": 100}))
    session.open(
        replace(SONG, model="v2-large", settings={"length": "250", "temperature": "0.9"}), go_on=True
    )
    assert session.values["length"] == 250
    demo = session.values_under("demo")
    assert [demo[key] for key in ("length", "temperature", "guidance", "kv_cache")] == [120, 0.9, 2, "fp32"]
    assert session.values_under("v2-large") == session.values
    assert session.chosen.id == "v2-large"
    session.use("v1-base")
    assert session.values["length"] == 150
    session.turn("length", 100.0)
    assert "length" not in session.song.settings
    with pytest.raises(SongdeskError, match="unknown model 'v9'"):
        session.use("v9")
    assert session.chosen.id == "v1-base"
    session.files.close()


async def test_a_model_that_is_not_here_is_used_with_a_word_about_it(until: Any) -> None:
    async with opened(Rehearsal()) as (app, pilot):
        table = await open_page(app, pilot, until)
        table.move_cursor(row=1)
        await pilot.press("enter")
        await until(pilot, lambda: "its weights are not here: alt+u, then f" in said(app))


async def test_a_fetch_is_asked_for_goes_on_behind_the_page_and_tells_its_end(
    until: Any, tmp_path: Path
) -> None:
    go_on = tmp_path / "go-on"
    wait = f"import pathlib\nwhile not pathlib.Path({str(go_on)!r}).exists(): time.sleep(0.02)"
    half = {
        "event": "progress",
        "doing": "downloading",
        "file": "ckpt/model.pt",
        "done": 5e9,
        "total": 1e10,
        "rate": 1e7,
    }
    async with opened(Rehearsal()) as (app, pilot):
        app.studio.fetching = Fetching(child(half, tail=wait))
        table = await open_page(app, pilot, until)
        table.move_cursor(row=2)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        asked = screen_text(app)
        for words in (
            "Fetch SongGeneration v2 medium",
            "forbid commercial",
            "12.6 GB to fetch",
            "are free on the disk",
        ):
            assert words in " ".join(asked.split()), words
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, ModelsPage))
        assert not app.studio.fetching.busy
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("y")
        line = "fetching v2-medium: downloading model.pt · 50 % of 10.0 GB · 10.0 MB/s · 8:20 left"
        await until(pilot, lambda: isinstance(app.screen, ModelsPage) and page_of(app).said == line)
        await pilot.press("f")
        await until(pilot, lambda: "one at a time" in page_of(app).said or page_of(app).said == line)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.studio)
        assert app.studio.fetching.busy
        go_on.touch()
        await until(pilot, lambda: "v2-medium is here" in said(app))


async def test_a_fetch_is_cancelled_by_key(until: Any) -> None:
    async with opened(Rehearsal()) as (app, pilot):
        app.studio.fetching = Fetching(child({"event": "verified", "file": "a"}, tail="time.sleep(60)"))
        await open_page(app, pilot, until)
        await pilot.press("c")
        await until(pilot, lambda: page_of(app).said == "nothing is being fetched")
        app.studio.fetch("v2-medium")
        await until(pilot, lambda: "a verified" in page_of(app).said)
        await pilot.press("c")
        await until(pilot, lambda: "goes on from there" in page_of(app).said)
        await until(pilot, lambda: app.studio.fetching.now.state == "cancelled")


@pytest.mark.slow
async def test_leaving_asks_once_while_a_model_is_fetched_and_ends_it(until: Any) -> None:
    async with opened(Rehearsal()) as (app, pilot):
        fetching = app.studio.fetching = Fetching(child(tail="time.sleep(60)"))
        app.studio.fetch("v2-medium")
        await until(pilot, lambda: fetching.busy and fetching._process is not None)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        assert "v2-medium is being fetched" in " ".join(screen_text(app).split())
        await pilot.press("n")
        await until(pilot, lambda: app.screen is app.studio)
        assert fetching.busy
    assert fetching._process is not None
    assert fetching._process.returncode is not None


async def test_how_a_fetch_fails_is_told() -> None:
    failed = {"event": "failed", "what": "a web page came", "where": "model.pt", "hint": "try again"}
    end = await Fetching(child(failed, tail="sys.exit(2)")).run("v2-large")
    assert (end.state, end.words) == (
        "failed",
        "v2-large was not fetched: model.pt: a web page came → try again",
    )
    talk = "print('songdesk: the disk is full', file=sys.stderr); sys.exit(2)"
    end = await Fetching(child({"event": "odd"}, tail=talk)).run("v2-large")
    assert end.words == "v2-large was not fetched: the disk is full"
    end = await Fetching(lambda model: ("/nowhere/at/all",)).run("v2-large")
    assert end.state == "failed"
    assert "No such file" in end.words


def test_a_slow_line_is_told_in_kilobytes() -> None:
    now = Progress("v2-large", "running", "downloading", done=1, total=10**9, rate=31_400.0)
    assert " · 31.4 kB/s · " in now.words
    assert " · 1.2 MB/s · " in replace(now, rate=1_200_000.0).words


def test_an_event_that_does_not_fit_breaks_nothing() -> None:
    now = Progress("v2-large", "running")
    for event in ({"event": "progress", "done": "x", "total": None, "rate": -1, "file": 7}, {}, {"event": 3}):
        assert after(now, event).state == "running"
    assert after(now, {"event": "failed", "what": "a\nb"}).why == "a b"
    assert after(now, {"event": "stopped", "code": 143}).state == "cancelled"
    assert after(now, {"event": "note", "text": "going on"}).words == "fetching v2-large: going on"


async def test_the_plan_stands_by_the_settings_and_follows_them(until: Any) -> None:
    async with opened(Rehearsal(), replace(SONG, model="v2-large")) as (app, pilot):
        assert plan_line(app) == "plan: unknown: this machine is unknown"
        app.studio.look_with = lambda device: machine(14.0)
        app.studio.look_at_machine()
        await until(pilot, lambda: plan_line(app).startswith("fits: "))
        assert "of 14.0 GiB free" in plan_line(app)
        assert plan_line(app).endswith(("· time unknown", "· time ?"))
        assert len(plan_line(app)) <= 80
        assert "of memory for the model at its peak" in app.studio.query_one(Transport).lines[0]
        need = re.search(r", (\S+) of 14.0 GiB", plan_line(app))
        assert need is not None
        assert f"{need[1]} GiB of memory for the model" in app.studio.query_one(Transport).lines[0]
        before = plan_line(app)
        await pilot.press("f5")
        app.studio.query_one("#tune").panel.take({"length": 280.0}, "for the test")
        await until(pilot, lambda: plan_line(app) not in ("", before))
        app.studio.look_with = lambda device: machine(2.0)
        app.studio.look_at_machine(again=True)
        await until(pilot, lambda: plan_line(app).startswith("! too big: "))
        assert "of 2.0 GiB free" in screen_text(app)


@pytest.mark.slow
async def test_a_machine_that_cannot_be_looked_at_is_said_to_be_unknown(until: Any) -> None:
    def look(device: str) -> Machine:
        raise SongdeskError("torch does not start: no such library")

    async with opened(Rehearsal()) as (app, pilot):
        app.studio.look_with = look
        app.studio.look_at_machine()
        await until(pilot, lambda: plan_line(app) == "plan: unknown: torch does not start: no such library")


async def test_composing_says_by_which_plan_and_then_by_which_way(until: Any) -> None:
    way, warning = "int8 weights, one transformer after the other", "tokens come at a third of the usual pace"
    engine = Rehearsal(replace(READING, way=way))
    async with opened(engine) as (app, pilot):
        app.studio.look_with = lambda device: machine(14.0)
        app.studio.look_at_machine()
        await until(pilot, lambda: plan_line(app).startswith("fits: "))
        told = app.studio.told
        await pilot.press("ctrl+g")
        await until(pilot, lambda: plan_line(app) == f"now: {way}")
        assert any(line.startswith("composing: ") and "GiB free" in line for line in told)
        assert f"composing: {way}" in told
        engine.reading = replace(engine.reading, warning=warning)
        await until(pilot, lambda: said(app) == f"! {warning}")
        assert plan_line(app) == f"now: {way}"
        assert app.studio.query_one(Transport).lines[1] == f"! {warning}  RAM 1.0 / 5.0 / plan 2.0 GiB"
        ran_out = "memory ran out: goes on with int8 weights"
        engine.reading = replace(engine.reading, warning="", way=ran_out)
        await until(pilot, lambda: said(app) == f"! {ran_out}")
        engine.end(State.CANCELLED)
        await until(pilot, lambda: plan_line(app).startswith("fits: "))
