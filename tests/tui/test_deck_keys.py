"""The player's keys in the studio, and a take that is heard while it is still rendered."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from textual.binding import Binding

from core.meter import State
from tests.tui.jukebox import Jukebox
from tests.tui.opened import NARROW, SONG, composing, foot, opened, said, screen_text
from tests.tui.rehearsal import Rehearsal
from tui.app import Studio
from tui.screens.deck import Deck
from tui.screens.listen import TakesArea
from tui.screens.listen_keys import LISTEN_KEYS
from tui.widgets.takes_list import TakesList
from tui.widgets.transport import Transport

LONG = replace(SONG, lyrics="[verse]\nWe folded the morning in two.\n\n[chorus]\nSail on.\n")
Sounds = Callable[..., Path]


@pytest.fixture(autouse=True)
def _library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))


@pytest.fixture
def engine() -> Rehearsal:
    return Rehearsal()


@pytest.fixture
def sounds(tmp_path: Path) -> Sounds:
    def make(name: str, *, seconds: float = 12.0, level: float = 0.5) -> Path:
        wave = level * np.sin(np.arange(round(seconds * 8000)) / 8000 * 2 * np.pi * 440)
        soundfile.write(tmp_path / name, wave[:, None].repeat(2, 1).astype(np.float32), 8000, subtype="FLOAT")
        return tmp_path / name

    return make


async def in_the_takes(app: Studio, pilot: Any, until: Any) -> None:
    await pilot.press("f6")
    await until(pilot, lambda: isinstance(app.focused, TakesList))


async def made(app: Studio, pilot: Any, engine: Rehearsal, until: Any, file: Path) -> str:
    """Compose a take with this sound; returns its id."""
    count = len(app.studio.session.rows)
    await pilot.press("ctrl+g")
    await until(pilot, lambda: len(engine.jobs) > count)
    engine.end(State.DONE, file=file)
    await until(pilot, lambda: app.studio.session.rows[0].state_text == "ready")
    return engine.jobs[-1].id


def numbers(app: Studio) -> list[str]:
    takes = app.studio.query_one(TakesList)
    return [takes.get_cell(row.id, "take").plain for row in app.studio.session.rows]


async def test_every_key_of_the_player_does_what_it_says(
    engine: Rehearsal, sounds: Sounds, until: Any
) -> None:
    player = Jukebox()
    mix, vocal = sounds("x.wav"), sounds("x_vocal.wav", level=0.2)
    async with opened(engine, LONG, player=player) as (app, pilot):
        await made(app, pilot, engine, until, mix)
        await in_the_takes(app, pilot, until)
        await pilot.press("enter")
        await until(pilot, player.sounds)
        chorus = app.studio.session.marks(engine.jobs[0].id, 12.0)[1][0]
        for key, place in (
            ("full_stop", 1.0),
            ("right", 6.0),
            ("comma", 5.0),
            ("home", 0.0),
            ("n", chorus),
            ("p", 0.0),
            ("end", 11.0),
            ("left", 6.0),
        ):
            await pilot.press(key)
            assert player.position == pytest.approx(place), key
        await pilot.press("home", "o")
        assert player.looped == (0.0, chorus)
        await until(pilot, lambda: "⟳ ~verse" in app.studio.query_one(Transport).lines[1])
        await pilot.press("o", "o")
        assert not player.goes_round()
        await pilot.press("minus", "minus", "plus")
        assert player.volume == pytest.approx(0.95**2)
        await until(pilot, lambda: said(app) == "volume 95 %")
        await pilot.press("2")
        assert player.path == vocal
        await pilot.press("3")
        await until(pilot, lambda: "no backing" in said(app))
        await pilot.press("1", "space")
        assert player.path == mix
        assert not player.sounds()
        softer = next(c.callback for c in app.get_system_commands(app.screen) if c.title == "Softer")
        await softer()
        await until(pilot, lambda: said(app) == "volume 90 %")
        await until(pilot, lambda: numbers(app) == ["1 ⏸"])
        assert len(foot(app)) <= 6


async def test_two_takes_are_compared_by_key(engine: Rehearsal, sounds: Sounds, until: Any) -> None:
    player = Jukebox()
    soft, loud = sounds("soft.wav", level=0.1), sounds("loud.wav", level=0.4)
    async with opened(engine, player=player, size=NARROW) as (app, pilot):
        await made(app, pilot, engine, until, soft)
        await made(app, pilot, engine, until, loud)
        await in_the_takes(app, pilot, until)
        await pilot.press("home", "enter")
        await until(pilot, player.sounds)
        takes = app.studio.query_one(TakesList)
        takes.move_cursor(row=0)
        await pilot.press("b")
        await until(pilot, lambda: "this take is B now" in said(app))
        takes.move_cursor(row=1)
        await pilot.press("a")
        await until(pilot, lambda: "B is turned down by 12.0 dB" in said(app))
        player.position = 4.0
        first = player.path
        await pilot.press("x")
        assert player.path != first
        assert player.position == 4.0
        assert player.sounds()
        await pilot.press("x")
        assert player.path == first
        await until(pilot, lambda: sorted(numbers(app)) in (["1 A", "2 B▶"], ["1 A▶", "2 B"]))
        assert any(mark in screen_text(app) for mark in ("2 B▶", "1 A▶"))


async def test_a_take_is_heard_on_while_it_is_rendered_and_when_it_is_done(
    engine: Rehearsal, sounds: Sounds, until: Any
) -> None:
    preview = sounds("preview.wav", seconds=4.0)
    engine.reading = replace(engine.reading, phase=3, preview=preview, preview_seconds=4.0, seconds=12.0)
    player = Jukebox()
    async with opened(engine, LONG, player=player) as (app, pilot):
        await composing(app, pilot, engine, until)
        await in_the_takes(app, pilot, until)
        await pilot.press("enter")
        await until(pilot, lambda: player.sounds() and player.grows)
        player.pass_time(9.0)
        await until(pilot, lambda: "waiting for more" in app.studio.query_one(Transport).lines[1])
        sounds("preview.wav", seconds=8.0)
        engine.reading = replace(engine.reading, preview_seconds=8.0)
        await until(pilot, lambda: player.duration == 8.0 and not player.waiting)
        await until(pilot, lambda: "▶ playing" in app.studio.query_one(Transport).lines[1])
        player.pass_time(1.0)
        preview.unlink()
        final = sounds("final.wav")
        engine.end(State.DONE, file=final)
        await until(pilot, lambda: player.path == final)
        assert (player.position, player.sounds(), player.grows, player.swaps) == (5.0, True, False, 1)
        await until(pilot, lambda: "╵~chorus" in screen_text(app))
        assert app.studio.has_sound


async def test_a_take_that_is_abandoned_while_it_is_heard_is_put_away(
    engine: Rehearsal, sounds: Sounds, until: Any
) -> None:
    preview = sounds("preview.wav", seconds=4.0)
    engine.reading = replace(engine.reading, phase=3, preview=preview, preview_seconds=4.0, seconds=12.0)
    player = Jukebox()
    async with opened(engine, player=player) as (app, pilot):
        await composing(app, pilot, engine, until)
        await in_the_takes(app, pilot, until)
        await pilot.press("enter")
        await until(pilot, player.sounds)
        preview.unlink()
        engine.end(State.CANCELLED)
        await until(pilot, lambda: not player.sounds() and not app.studio.has_sound)
        assert app.studio.query_one(Deck).path is None
        await pilot.press("enter")
        await until(pilot, lambda: said(app) == "! this take has no sound to play: g goes on with it")


async def test_without_a_take_in_hand_every_key_says_so(engine: Rehearsal, until: Any) -> None:
    player = Jukebox()
    async with opened(engine, player=player) as (app, pilot):
        area = app.studio.query_one(TakesArea)
        for binding in LISTEN_KEYS:
            assert isinstance(binding, Binding)
            app.studio.say("")
            await area.run_action(binding.action)
            await until(
                pilot,
                lambda: any(words in said(app) for words in ("no take in hand", "only a take", "volume")),
                saying=binding.action,
            )
