"""What the studio looks like, pixel for pixel, at the smallest and at a middling size."""

import difflib
import os
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.audio.player import NoPlayer
from core.config import Config
from core.errors import SongdeskError
from core.meter import State
from core.song import Song
from core.takes import recipe as recipes
from core.takes.mark import Mark, save_mark
from core.takes.recipe import Kin, Recipe
from core.takes.take import home_of
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
SIZES = {"80x24": (80, 24), "120x40": (120, 40)}
SMALL_FIRST = pytest.mark.parametrize(
    "size", [SIZES["80x24"], pytest.param(SIZES["120x40"], marks=pytest.mark.slow)], ids=SIZES.keys()
)
"""The broader one with the slow tests: what a broad terminal lays out otherwise is drawn at 200×60."""
BROAD = pytest.mark.parametrize("size", [(200, 60)], ids=["200x60"])
CALM = 4
"""Looks in a row, 0.1 s apart, that must show the same."""
Act = Callable[[Pilot[Any]], Awaitable[None]]


@pytest.fixture(autouse=True)
def _same_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")


@pytest.fixture
def engine() -> Rehearsal:
    return Rehearsal()


@pytest.fixture
def snap_compare(snap_compare: Any, request: pytest.FixtureRequest) -> Callable[..., bool]:
    """As the plugin has it; what differs is told line by line, for a machine far away keeps no report."""

    def compare(app: Studio, *, run_before: Act, terminal_size: tuple[int, int]) -> bool:
        drawn: list[str] = []

        async def act(pilot: Pilot[Any]) -> None:
            await run_before(pilot)
            drawn.append(app.export_screenshot(simplify=True))

        if snap_compare(app, run_before=act, terminal_size=terminal_size):
            return True
        kept = Path(__file__).parent / "__snapshots__" / "test_snapshots" / f"{request.node.name}.svg"
        there, here = map(elements, (kept.read_text() if kept.is_file() else "", drawn[-1]))
        moved = list(difflib.unified_diff(there, here, "as kept", "as drawn", lineterm="", n=0))
        pytest.fail("\n".join(moved or ["as kept when it came to rest, and otherwise a moment later"]))

    return compare


def elements(svg: str) -> list[str]:
    """A picture as lines that can be compared, without the number that changes with every letter in it."""
    return re.sub(r"terminal-(\d+-)?", "", svg).replace("><", ">\n<").splitlines()


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
        bars = pilot.app.screen_stack[0].query(BudgetBar)
        judged = bool(bars) and all(bar.render().plain for bar in bars)
        calm = calm + 1 if judged and now == seen else 0
        seen = now


def press(*keys: str) -> Act:
    async def act(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await pilot.press(*keys)
        await settled(pilot)

    return act


@SMALL_FIRST
@pytest.mark.parametrize("key", ["f2", "f3", "f5", "f6"], ids=["write", "style", "tune", "takes"])
def test_each_area(snap_compare: Any, engine: Rehearsal, size: tuple[int, int], key: str) -> None:
    assert snap_compare(studio(engine), run_before=press(key), terminal_size=size)


@SMALL_FIRST
def test_a_title_full_of_markup(snap_compare: Any, engine: Rehearsal, size: tuple[int, int]) -> None:
    song = replace(SONG, title="[/chorus] [ verse ] [b]")
    assert snap_compare(studio(engine, song), run_before=press("f6"), terminal_size=size)


@SMALL_FIRST
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


@SMALL_FIRST
def test_composing(snap_compare: Any, engine: Rehearsal, size: tuple[int, int]) -> None:
    app = studio(engine, replace(SONG, lyrics="[verse]\nOne line.\n"))

    async def begin(pilot: Pilot[Any]) -> None:
        await press("ctrl+g")(pilot)
        while not engine.jobs:
            await pilot.pause(0.05)
        app.studio.post_message(Bridge.Read(engine.meter))
        await settled(pilot)

    assert snap_compare(app, run_before=begin, terminal_size=size)


def take(number: int, state: str, seconds: float, kin: Kin | None = None, *, star: bool = False) -> None:
    """A take of the song as its folder tells it."""
    folder = home_of(SONG.title) / "takes" / f"20261126-18060{number}-1"
    folder.mkdir(parents=True)
    settings = {"seed": number, "length": 30.0}
    recipes.save(Recipe(asdict(SONG), "demo", settings, state, "0.1.0", seconds=seconds, kin=kin), folder)
    save_mark(folder, Mark(star, "the one for the radio" if star else ""))


@pytest.mark.parametrize("size", [*SIZES.values(), (200, 60)], ids=[*SIZES.keys(), "200x60"])
def test_takes_as_a_tree(snap_compare: Any, engine: Rehearsal, size: tuple[int, int]) -> None:
    first = "20261126-180601-1"
    take(1, "done", 30.0, star=True)
    take(2, "done", 30.0, Kin(first, "resing", 12.0, "f00d"))
    take(3, "paused", 0.0, Kin("20261126-180602-1", "ending", 20.0, "f00d"))
    take(4, "done", 42.0, Kin(first, "extend", 30.0, "f00d"))
    take(5, "draft", 20.0)
    take(6, "failed", 0.0)
    assert snap_compare(studio(engine), run_before=press("f6", "down"), terminal_size=size)


@SMALL_FIRST
def test_the_help(snap_compare: Any, engine: Rehearsal, size: tuple[int, int]) -> None:
    assert snap_compare(studio(engine), run_before=press("f1"), terminal_size=size)


STATES = {
    "tags": ("f2", "alt+i"),
    "problems": ("f2", "alt+e"),
    "sections": ("f2", "alt+g"),
    "folded": ("f2", "alt+a"),
    "search": ("f2", "ctrl+f", "s", "a", "i", "l"),
    "reference": ("f3", "alt+a"),
    "found": ("f3", "j", "a", "z"),
    "presets": ("f5", "f4"),
    "menu": ("alt+l",),
    "new": ("ctrl+n",),
    "jump": ("ctrl+j",),
    "engine-text": ("ctrl+l",),
    "said": ("alt+m",),
}
"""What is on the screen besides the areas, and the keys that bring it there."""
OFTEN = ("tags", "problems", "reference", "presets", "menu")
"""Those that are drawn on every run; the others with the slow tests."""


@SMALL_FIRST
@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(keys, marks=() if name in OFTEN else pytest.mark.slow, id=name)
        for name, keys in STATES.items()
    ],
)
def test_each_page_and_list(
    snap_compare: Any, engine: Rehearsal, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    assert snap_compare(studio(engine), run_before=press(*keys), terminal_size=size)


@SMALL_FIRST
def test_the_library(
    snap_compare: Any,
    engine: Rehearsal,
    size: tuple[int, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()

    app = studio(engine)

    async def look(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        assert await app.studio.save()
        for path in (tmp_path / "songs").rglob("*"):
            os.utime(path, (1_790_000_000, 1_790_000_000))
        await press("ctrl+o")(pilot)

    assert snap_compare(app, run_before=look, terminal_size=size)


@SMALL_FIRST
def test_the_first_page(snap_compare: Any, engine: Rehearsal, size: tuple[int, int], tmp_path: Path) -> None:
    app = Studio(
        Config(),
        make_engine=lambda: engine,
        open_player=lambda: NoPlayer("no sound here"),
        bookmarks=tmp_path / "studio.json",
        welcomes=True,
    )
    assert snap_compare(app, run_before=settled, terminal_size=size)


@SMALL_FIRST
@pytest.mark.parametrize(
    "theme", ["songdesk-light", pytest.param("songdesk-contrast", marks=pytest.mark.slow), "ansi-dark"]
)
def test_each_theme(snap_compare: Any, engine: Rehearsal, size: tuple[int, int], theme: str) -> None:
    app = studio(engine)
    app.theme = theme
    assert snap_compare(app, run_before=press("f3"), terminal_size=size)


@SMALL_FIRST
def test_lyrics_of_other_scripts(snap_compare: Any, engine: Rehearsal, size: tuple[int, int]) -> None:
    words = "[verse]\n雪花飘落在窗台，\nשיר חדש\nأغنية جديدة\ncafe\u0301 na\u00efve\n"
    song = replace(SONG, title="雪", lyrics=words)
    assert snap_compare(studio(engine, song), run_before=press("down", "end"), terminal_size=size)


@SMALL_FIRST
def test_a_question(snap_compare: Any, engine: Rehearsal, size: tuple[int, int]) -> None:
    async def ask(pilot: Pilot[Any]) -> None:
        await press("ctrl+g")(pilot)
        while not engine.jobs:
            await pilot.pause(0.05)
        await press("ctrl+q")(pilot)

    song = replace(SONG, lyrics="[verse]\nOne line.\n")
    assert snap_compare(studio(engine, song), run_before=ask, terminal_size=size)


@BROAD
@pytest.mark.parametrize(
    "keys", [("f2",), ("f3", "alt+a"), ("f5", "f4")], ids=["write", "reference", "presets"]
)
def test_a_broad_terminal(
    snap_compare: Any, engine: Rehearsal, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    assert snap_compare(studio(engine), run_before=press(*keys), terminal_size=size)
