"""What the studio looks like, pixel for pixel, at the smallest and at a middling size."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.audio.player import NoPlayer
from core.config import Config
from core.errors import SongdeskError
from core.meter import State
from core.song import Song
from tests.tui.rehearsal import Rehearsal
from tui.app import Studio
from tui.bridge import Bridge
from tui.widgets.budget_bar import BudgetBar

LYRICS = """[intro-short]

[verse]
We folded the morning in two.
The gutter was wider than streets that we knew.

[chorus]
Sail on, paper boats, sail on.

[vers]
A tag that is not one
"""
SONG = Song("Paper boats", LYRICS, "female, pop, piano, the bpm is 96", settings={"seed": "7"})
SIZES = [(80, 24), (120, 40)]
CALM = 6
"""Looks in a row, 0.1 s apart, that must show the same."""
pytestmark = pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
Act = Callable[[Pilot[Any]], Awaitable[None]]


@pytest.fixture(autouse=True)
def _same_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")


@pytest.fixture
def engine() -> Rehearsal:
    return Rehearsal()


def studio(engine: Rehearsal, song: Song = SONG) -> Studio:
    return Studio(Config(), song, make_engine=lambda: engine, open_player=lambda: NoPlayer("no sound here"))


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until the lyrics have been judged and nothing on the screen has moved for a while."""
    deadline = time.monotonic() + 30
    seen, calm = None, 0
    while calm < CALM:
        assert time.monotonic() < deadline, "the screen does not come to rest"
        await pilot.pause(0.1)
        now = [list(strip) for strip in pilot.app.screen._compositor.render_strips()]
        judged = all(bar.render().plain for bar in pilot.app.screen_stack[0].query(BudgetBar))
        calm = calm + 1 if judged and now == seen else 0
        seen = now


def press(*keys: str) -> Act:
    async def act(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await pilot.press(*keys)
        await settled(pilot)

    return act


@pytest.mark.parametrize("key", ["f2", "f3", "f5", "f6"], ids=["write", "style", "tune", "takes"])
def test_each_area(snap_compare: Any, engine: Rehearsal, size: tuple[int, int], key: str) -> None:
    assert snap_compare(studio(engine), run_before=press(key), terminal_size=size)


def test_a_title_full_of_markup(snap_compare: Any, engine: Rehearsal, size: tuple[int, int]) -> None:
    song = replace(SONG, title="[/chorus] [ verse ] [b]")
    assert snap_compare(studio(engine, song), run_before=press("f6"), terminal_size=size)


def test_an_error_in_one_line(snap_compare: Any, engine: Rehearsal, size: tuple[int, int]) -> None:
    app = studio(engine, replace(SONG, lyrics="[verse]\nOne line.\n"))

    async def fail(pilot: Pilot[Any]) -> None:
        await press("ctrl+g")(pilot)
        while not engine.jobs:
            await pilot.pause(0.05)
        engine.end(
            State.FAILED, error=SongdeskError("cannot write [b]here: disk full", hint="free some [/b] space")
        )
        while app.studio.composing:
            await pilot.pause(0.05)
        await settled(pilot)

    assert snap_compare(app, run_before=fail, terminal_size=size)


def test_composing(snap_compare: Any, engine: Rehearsal, size: tuple[int, int]) -> None:
    app = studio(engine, replace(SONG, lyrics="[verse]\nOne line.\n"))

    async def begin(pilot: Pilot[Any]) -> None:
        await press("ctrl+g")(pilot)
        while not engine.jobs:
            await pilot.pause(0.05)
        app.studio.post_message(Bridge.Read(engine.meter))
        await settled(pilot)

    assert snap_compare(app, run_before=begin, terminal_size=size)


def test_the_help(snap_compare: Any, engine: Rehearsal, size: tuple[int, int]) -> None:
    assert snap_compare(studio(engine), run_before=press("f1"), terminal_size=size)
