"""Every action has a key, a name to remap it by, a line in the help and an entry in the palette."""

import pkgutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.binding import Binding
from textual.widget import Widget

import tui
from core.config import Config, StudioConfig
from core.errors import SongdeskError
from tests.tui.opened import SONG, WIDE, composing, foot, opened, said, screen_text
from tests.tui.rehearsal import Rehearsal
from tui.app import Studio
from tui.keys import KEYS, PLACES, keymap, keys_in_force
from tui.screens.areas import Tabs
from tui.screens.help import HelpText
from tui.widgets.chips import ChipLine
from tui.widgets.lyric_editor import LyricEditor
from tui.widgets.takes_list import TakesList

WRONG = replace(SONG, lyrics="[vers]\nWe folded the morning in two.\n")


@pytest.fixture(autouse=True)
def _library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))


@pytest.fixture
def engine() -> Rehearsal:
    return Rehearsal()


def with_keys(**keys: str) -> Config:
    return Config(studio=StudioConfig(keys={name.replace("__", "."): key for name, key in keys.items()}))


def command(app: Studio, title: str) -> Any:
    return next(c.callback for c in app.get_system_commands(app.screen) if c.title == title)


def test_no_binding_of_ours_is_missing_from_the_table() -> None:
    ours: set[str] = set()
    for module in pkgutil.walk_packages(tui.__path__, "tui."):
        for thing in vars(import_module(module.name)).values():
            if isinstance(thing, type) and issubclass(thing, Widget) and thing.__module__.startswith("tui."):
                ours |= {str(b.id) for b in vars(thing).get("BINDINGS", ()) if isinstance(b, Binding)}
    assert len(ours) > 20
    assert ours <= keys_in_force({}).keys()


def test_every_key_arrives_from_every_terminal() -> None:
    """Some are sent as another key, or not at all: what a terminal sends for them means something else."""
    keys = {key for keys in keys_in_force({}).values() for key in keys.split(",")}
    for key in keys:
        modifier, _, letter = key.rpartition("+")
        assert key not in {"ctrl+enter", "shift+enter", "alt+enter", "ctrl+i", "ctrl+m", "ctrl+h"}
        assert not (modifier == "ctrl" and letter in {"a", "b", "left_square_bracket"})
        if modifier == "alt" and len(letter) == 1:
            assert letter.isalpha()
            sent = ANSI_SEQUENCES_KEYS[f"\x1b{letter}"]
            assert isinstance(sent, tuple)
            assert [each.value for each in sent] == [key], f"{key} arrives as another key"


def test_a_place_has_no_key_twice() -> None:
    for place in PLACES:
        keys = [key for binding in place.bindings for key in binding.key.split(",")]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("width", [36, 76, 86])
def test_the_help_has_every_action_with_its_key_and_name_as_remapped(width: int) -> None:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(HelpText({"lyrics.fix": "f12", "problems.fix": "f12"}))
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= width
    words = captured.get().split()
    assert {f"({name})" for name in keys_in_force({})} <= set(words)
    assert "f12" in words
    assert "f8" not in words


async def test_every_action_is_in_the_palette_with_its_key(engine: Rehearsal) -> None:
    async with opened(engine, config=with_keys(lyrics__fix="f12")) as (app, _):
        offered = {c.title: c.help for c in app.get_system_commands(app.screen)}
        assert {key.label for key in KEYS if key.id != "palette"} <= offered.keys()
        assert {"Insert section", "Reset", "Earlier", "Later", "Remove", "Listen"} <= offered.keys()
        assert offered["Fix"].endswith("(f12)")


async def test_an_action_of_a_part_can_be_chosen_by_its_words(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, WRONG) as (app, pilot):
        await pilot.press("f5")
        await command(app, "Fix")()
        await until(pilot, lambda: "[verse]" in app.studio.query_one(LyricEditor).text)
        await until(pilot, lambda: isinstance(app.focused, LyricEditor))
        chips = app.studio.query_one(ChipLine)
        await command(app, "Later")()
        await until(pilot, lambda: chips.tags == ("female", "pop") and app.focused is chips)


async def test_the_palette_opens_by_its_key_and_runs_what_is_found(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, config=with_keys(palette="f12")) as (app, pilot):
        await pilot.press("f12", *"insert")
        await until(pilot, lambda: "Insert section" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.studio.query_one(LyricEditor).popup.is_open)


@pytest.mark.parametrize(
    ("title", "reason"), [("Stop", "no song is being composed"), ("Play", "no take"), ("Back 5 s", "no take")]
)
async def test_an_action_that_does_nothing_now_says_why(
    engine: Rehearsal, until: Any, title: str, reason: str
) -> None:
    async with opened(engine) as (app, pilot):
        await command(app, title)()
        await until(pilot, lambda: reason in said(app))
        assert engine.stops == []


async def test_a_remapped_key_works_and_is_shown_where_keys_are_named(engine: Rehearsal, until: Any) -> None:
    config = with_keys(compose="shift+f7", write="f10", lyrics__fix="f11", lyrics__next="f12")
    async with opened(engine, WRONG, config=config) as (app, pilot):
        assert "F10 Write" in app.studio.query_one(Tabs).render().plain
        await until(pilot, lambda: "(F11 fixes)" in screen_text(app))
        await pilot.press("f8")
        assert "[vers]" in app.studio.query_one(LyricEditor).text
        await pilot.press("f11", "f6", "shift+f7")
        await until(pilot, lambda: engine.jobs)


async def test_a_key_of_a_part_can_be_remapped(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, size=WIDE, config=with_keys(chips__remove="ctrl+d")) as (app, pilot):
        chips = app.studio.query_one(ChipLine)
        chips.focus()
        await pilot.press("delete")
        assert chips.tags == ("pop", "female")
        await pilot.press("ctrl+d")
        await until(pilot, lambda: chips.tags == ("female",))


async def test_the_first_of_several_keys_is_named(engine: Rehearsal) -> None:
    async with opened(engine, config=with_keys(play="f12,ctrl+r")) as (app, _):
        assert app.studio.keys["play"] == "f12"


@pytest.mark.parametrize(
    "keys",
    [
        {"composs": "f12"},
        {"compose": "ctrl+t"},
        {"compose": " "},
        {"compose": "f8"},
        {"lyrics.fix": "ctrl+g"},
        {"lyrics.fix": "f4"},
        {"chips.left": "right"},
    ],
)
def test_keys_that_cannot_be_meant_are_refused(engine: Rehearsal, keys: dict[str, str]) -> None:
    with pytest.raises(SongdeskError, match=r"studio\.keys") as caught:
        Studio(Config(studio=StudioConfig(keys=keys)), SONG, make_engine=lambda: engine)
    assert caught.value.hint


@pytest.mark.parametrize(
    "keys", [{"takes.play": "f8"}, {"back": "left"}, {"compose": "ctrl+t", "stop": "ctrl+g"}, {}]
)
def test_keys_may_be_shared_where_they_never_meet(keys: dict[str, str]) -> None:
    assert keymap(keys) == keys


async def test_space_plays_and_pauses_in_the_takes(engine: Rehearsal, until: Any) -> None:
    toggled: list[bool] = []
    async with opened(engine, size=WIDE) as (app, pilot):
        app.studio.has_sound = True
        app.studio.action_play = lambda: toggled.append(True)
        await pilot.press("space")
        assert toggled == []
        app.studio.query_one(TakesList).focus()
        await pilot.press("space")
        await until(pilot, lambda: toggled == [True])


async def test_the_foot_offers_only_what_can_be_done(engine: Rehearsal, until: Any) -> None:
    async with opened(engine, replace(SONG, style="pop")) as (app, pilot):
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(app.focused, TakesList))
        assert "Listen" not in foot(app)
        await composing(app, pilot, engine, until)
        assert "Listen" in foot(app)
        app.studio.action_area("style")
        app.studio.query_one(ChipLine).focus()
        await until(pilot, lambda: "Remove" in foot(app))
        await pilot.press("delete")
        await until(pilot, lambda: "Remove" not in foot(app))
