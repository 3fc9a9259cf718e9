"""The studio opened with an engine that plays readings, and what a person would read off it."""

import re
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from core.audio.player import NoPlayer
from core.config import Config
from core.song import Song
from tests.tui.rehearsal import Rehearsal
from tui.app import Studio
from tui.screens.areas import Notice

SONG = Song("Paper boats", "[verse]\nWe folded the morning in two.\n", "pop, female", settings={"seed": "7"})
NARROW, WIDE = (80, 24), (200, 60)


@asynccontextmanager
async def opened(
    engine: Rehearsal,
    song: Song | None = SONG,
    *,
    size: tuple[int, int] = NARROW,
    config: Config | None = None,
    player: Any = None,
    go_on_behind: Callable[[], object] = lambda: None,
    bookmarks: Path | None = None,
    welcomes: bool = False,
) -> Any:
    app = Studio(
        config or Config(),
        song,
        make_engine=lambda: engine,
        open_player=lambda: player or NoPlayer("no sound here: nothing is installed"),
        go_on_behind=go_on_behind,
        bookmarks=bookmarks,
        welcomes=welcomes,
    )
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, pilot


def said(app: Studio) -> str:
    return app.studio.query_one(Notice).said


def states(app: Studio) -> list[str]:
    """How the takes stand, without how far they are."""
    return [re.sub(r" \d+ %$", "", row.state_text) for row in app.studio.session.rows]


def screen_text(app: Studio) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def foot(app: Studio) -> set[str]:
    return {
        b.binding.description for b in app.studio.active_bindings.values() if b.binding.show and b.enabled
    }


async def composing(app: Studio, pilot: Pilot[Any], engine: Rehearsal, until: Any) -> None:
    await pilot.press("ctrl+g")
    await until(pilot, lambda: engine.busy and app.studio.session.making.is_of_the_song)
    await until(pilot, lambda: states(app)[0] in ("composing", "rendering"))
