"""The settings area in the studio: small steps, resets, presets, and knobs of a take as they were turned."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from core.config import Config
from core.family import family_of
from core.meter import State
from core.presets import find_preset, folder, save_preset
from core.settings import resolve
from core.takes.automation import Lane
from core.takes.job import KnobChange, Outcome
from core.takes.recipe import begin, save
from tests.tui.opened import NARROW, SONG, composing, opened, said, screen_text
from tests.tui.rehearsal import Rehearsal
from tui.app import Studio
from tui.making import recipe_so_far
from tui.screens.confirm import Confirm, Prompt
from tui.screens.presets import PresetsPage
from tui.session import Session
from tui.widgets.automation import Automation
from tui.widgets.preset_list import PresetList
from tui.widgets.settings_panel import SettingsPanel

USUAL = replace(SONG, settings={"temperature": "0.8"})

KIND, CHOSEN = family_of("demo")
TABLE = KIND.settings(CHOSEN)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    return iter(())


@pytest.fixture
def engine() -> Rehearsal:
    return Rehearsal()


def panel(app: Studio) -> SettingsPanel:
    return app.studio.query_one(SettingsPanel)


async def hold(app: Studio, pilot: Pilot[Any], until: Any, key: str) -> None:
    """Go to the settings, and to one of them."""
    await pilot.press("f5")
    await until(pilot, lambda: panel(app).current is not None)
    row = next(row for row in panel(app).rows if row.setting.key == key)
    row.field.focus()
    await until(pilot, lambda: panel(app).current is row)


def kept(name: str, **values: Any) -> None:
    save_preset(name, TABLE, resolve(TABLE).replace(**values))


async def page(app: Studio, pilot: Pilot[Any], until: Any) -> PresetList:
    await pilot.press("f5", "f4")
    await until(pilot, lambda: isinstance(app.screen, PresetsPage) and app.screen.query("#compared"))
    await until(pilot, lambda: app.screen.query_one(PresetList).in_hand is not None)
    return app.screen.query_one(PresetList)


async def point_at(app: Studio, pilot: Pilot[Any], until: Any, name: str) -> None:
    shown = app.screen.query_one(PresetList)
    lines = shown.query_one(OptionList)
    for at in range(lines.option_count):
        lines.highlighted = at
        if shown.in_hand is not None and shown.in_hand.preset.name == name:
            await pilot.pause()
            return
    pytest.fail(f"{name} is not listed")


async def test_a_small_step_is_heard_at_once_while_composing_and_drawn_as_a_lane(
    engine: Rehearsal, until: Any
) -> None:
    async with opened(engine, USUAL) as (app, pilot):
        await composing(app, pilot, engine, until)
        await hold(app, pilot, until, "temperature")
        await pilot.press("alt+up", "alt+up")
        await until(pilot, lambda: engine.knobs == {"temperature": 0.9})
        await until(pilot, lambda: "next step" in said(app))
        lanes = app.studio.query_one("#tune Automation", Automation)
        await until(pilot, lambda: "\ntemperature 0.8 ▁▁▁" in screen_text(app), saying="it is drawn below")
        assert lanes.size.height == 1
        assert lanes.lines[0].rstrip("·").endswith(" 0.9 "), "what is to come is not composed yet"
        job, session, meter = engine.jobs[0].id, app.studio.session, app.studio.bridge.meter
        assert session.lanes(job) == (Lane("temperature", 0.8, ((meter.done / 25, 0.9),)),)
        assert session.lane_axis(meter) == (meter.seconds, meter.done / 25)
        engine.go_on(phase=3)
        await until(pilot, lambda: app.studio.bridge.meter.phase == 3)
        assert session.lane_axis(app.studio.bridge.meter) == (meter.seconds, None)
        await pilot.press("alt+down")
        await until(pilot, lambda: "next song" in said(app))
        assert engine.knobs == {"temperature": 0.9}
        assert session.song.settings["temperature"] == "0.85"
        engine.end(State.CANCELLED)
        await until(pilot, lambda: not lanes.display)


async def test_before_a_song_has_begun_no_key_means_the_one_before(
    engine: Rehearsal, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(engine, USUAL) as (app, pilot):
        await composing(app, pilot, engine, until)
        engine.end(State.CANCELLED)
        await until(pilot, lambda: not app.studio.composing)
        begin, may_begin = app.studio.session.begin, threading.Event()

        def slow() -> Any:
            may_begin.wait(10)
            return begin()

        monkeypatch.setattr(app.studio.session, "begin", slow)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: app.studio.composing)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "has not begun yet" in said(app))
        await hold(app, pilot, until, "temperature")
        await pilot.press("alt+up")
        await until(pilot, lambda: app.studio.session.values["temperature"] == 0.85)
        assert (engine.stops, engine.knobs) == ([], {})
        may_begin.set()
        await until(pilot, lambda: len(engine.jobs) == 2)


def test_a_finished_take_is_drawn_from_its_recipe() -> None:
    session = Session(Config())
    session.open(SONG, go_on=True)
    assert session.lanes("gone") == ()
    job = session.begin()
    session.began(job, recipe_so_far(job))
    made = replace(begin(job, {}), seconds=30.0, knobs=(KnobChange("tokens", 250, "top_k", 50),))
    save(made, job.folder)
    assert session.lanes(job.id) == (), "while it is made, what was turned here is known here"
    session.end(Outcome(job, State.DONE, seconds=30.0))
    assert session.lanes(job.id) == (Lane("top_k", 40, ((10.0, 50),)),)


async def test_resetting_all_is_one_step_that_can_be_taken_back(engine: Rehearsal, until: Any) -> None:
    song = replace(SONG, settings={"temperature": "1.1", "format": "flac", "seed": "7"})
    async with opened(engine, song) as (app, pilot):
        await pilot.press("f5", "shift+f9")
        await until(pilot, lambda: app.studio.session.song.settings == {})
        assert said(app).startswith("reset: ")
        await pilot.press("ctrl+z")
        await until(
            pilot,
            lambda: app.studio.session.song.settings == {"temperature": "1.1", "format": "flac", "seed": "7"},
        )
        assert panel(app).values == app.studio.session.values
        await pilot.press("ctrl+y")
        await until(pilot, lambda: app.studio.session.song.settings == {})


async def test_the_page_compares_and_enter_loads(engine: Rehearsal, until: Any) -> None:
    kept("warm", temperature=0.7, format="flac")
    song = replace(SONG, settings={"temperature": "0.9", "top_k": "50", "seed": "7"})
    async with opened(engine, song, size=NARROW) as (app, pilot):
        await page(app, pilot, until)
        await point_at(app, pilot, until, "warm")
        await until(pilot, lambda: "temperature  0.9 → 0.7" in screen_text(app))
        assert "temperature 0.9 → 0.7, format wav → flac" in screen_text(app)
        assert "yours: " in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.studio.session.values["temperature"] == 0.7)
        assert app.studio.session.song.settings == {
            "temperature": "0.7", "top_k": "50", "seed": "7", "format": "flac"
        }  # fmt: skip
        assert said(app) == "warm loaded: temperature 0.7, format flac"
        await page(app, pilot, until)
        await point_at(app, pilot, until, "warm")
        await until(pilot, lambda: "It would change nothing" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "warm changes nothing" in said(app))
        await pilot.press("ctrl+z")
        await until(pilot, lambda: app.studio.session.values["temperature"] == 0.9)


async def test_a_preset_loaded_while_composing_turns_what_is_live(engine: Rehearsal, until: Any) -> None:
    kept("warm", temperature=0.7, guidance=2.0, format="flac")
    async with opened(engine) as (app, pilot):
        await composing(app, pilot, engine, until)
        await page(app, pilot, until)
        await point_at(app, pilot, until, "warm")
        await pilot.press("enter")
        await until(pilot, lambda: engine.knobs == {"temperature": 0.7, "guidance": 2.0})
        line = "temperature, guidance are heard from the next step on; format is heard from the next song on"
        await until(pilot, lambda: said(app) == line)


async def test_settings_are_saved_under_a_name_and_replaced_only_when_agreed(
    engine: Rehearsal, until: Any
) -> None:
    async with opened(engine, replace(SONG, settings={"temperature": "0.75", "seed": "7"})) as (app, pilot):

        async def name(text: str) -> None:
            await pilot.press("f5", "shift+f4")
            await until(pilot, lambda: isinstance(app.screen, Prompt))
            app.screen.query_one(Input).value = text
            await pilot.press("enter")

        await name("../x")
        await until(pilot, lambda: "cannot be called" in said(app))
        await name("Mine")
        await until(pilot, lambda: "preset Mine saved: temperature" in said(app))
        assert yaml.safe_load((folder() / "Mine.yaml").read_text()) == {"settings": {"temperature": 0.75}}
        app.studio.session.turn("temperature", 0.4)
        await name("Mine")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("n")
        await until(pilot, lambda: app.screen is app.studio)
        assert find_preset("Mine").values(TABLE) == {"temperature": 0.75}
        await name("Mine")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: find_preset("Mine").values(TABLE) == {"temperature": 0.4})


@pytest.mark.slow
async def test_that_seed_and_length_alone_make_no_preset_is_said(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, replace(SONG, settings={"seed": "7"})) as (app, pilot):
        await pilot.press("f5", "shift+f4")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await pilot.press("m", "enter")
        await until(pilot, lambda: "but for seed and length, every setting has its default" in said(app))


async def test_one_loaded_alone_leaves_seed_and_length_and_deleting_asks(
    engine: Rehearsal, until: Any
) -> None:
    kept("warm", temperature=0.7)
    song = replace(SONG, settings={"top_k": "50", "seed": "7", "length": "20"})
    async with opened(engine, song) as (app, pilot):
        await page(app, pilot, until)
        await point_at(app, pilot, until, "warm")
        await pilot.press("o")
        alone = {"temperature": "0.7", "seed": "7", "length": "20"}
        await until(pilot, lambda: app.studio.session.song.settings == alone)
        await page(app, pilot, until)
        await point_at(app, pilot, until, "warm")
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, PresetsPage))
        assert not (folder() / "warm.yaml").exists()
        await point_at(app, pilot, until, "draft")
        await pilot.press("d")
        await until(pilot, lambda: "draft is shipped" in said(app))


@pytest.mark.slow
async def test_a_broken_file_says_why_on_the_page_and_when_loaded(engine: Rehearsal, until: Any) -> None:
    folder().mkdir(parents=True)
    (folder() / "hot.yaml").write_text("settings: {temperature: 11}\n")
    async with opened(engine, size=(120, 40)) as (app, pilot):
        await page(app, pilot, until)
        await point_at(app, pilot, until, "hot")
        await until(pilot, lambda: "✗ hot" in screen_text(app))
        await until(pilot, lambda: "use 0 to 2" in " ".join(screen_text(app).split()))
        await pilot.press("enter")
        await until(pilot, lambda: "temperature cannot be 11" in said(app))
        assert app.studio.session.values["temperature"] == 0.6


async def test_every_action_of_the_area_can_be_found_by_words(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, replace(SONG, settings={"temperature": "0.6"})) as (app, pilot):
        commands = {command.title: command.callback for command in app.get_system_commands(app.screen)}
        assert {"More", "Less", "Reset", "Reset all", "Undo setting", "Presets", "Save preset"} <= set(
            commands
        )
        await hold(app, pilot, until, "temperature")
        await pilot.press("f2")
        await commands["More"]()
        await until(pilot, lambda: app.studio.session.values["temperature"] == 0.65)
        await commands["Presets"]()
        await until(pilot, lambda: isinstance(app.screen, PresetsPage))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.studio)
