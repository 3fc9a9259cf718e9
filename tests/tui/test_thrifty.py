"""The thrifty text area shows exactly what a full repaint would, for a fraction of the bytes."""

import random
from typing import Any

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import TextArea

from tui.widgets.thrifty import ThriftyTextArea

LYRICS = "[verse]\n雪花飘 over the (river) and {all [the] way}\n\n[chorus]\n" + "la la la " * 14 + "\nend."
KEYS = (
    ["left", "right", "up", "down", "home", "end", "pageup", "pagedown", "ctrl+left", "ctrl+right"]
    + ["shift+left", "shift+right", "shift+up", "shift+down", "f6", "f7"]
    + ["enter", "backspace", "delete", "ctrl+w", "ctrl+k", "ctrl+u", "ctrl+z", "ctrl+y", "ctrl+x", "ctrl+v"]
    * 2
)
TYPED = [*"abc  .,[](){}", "雪", "花", "é", "한"]
PASTES = ["雪花飘\n[verse]\n(la)", "word " * 30, "\n\n\n", "[", "x" * 90]


class Area(App[None]):
    def __init__(self, kind: type[TextArea], text: str, **options: Any) -> None:
        super().__init__(**options)
        self.area = kind(text, show_line_numbers=True)

    def compose(self) -> ComposeResult:
        self.area.cursor_blink = False
        yield self.area


def strike(app: App[None], dice: random.Random) -> str:
    """Send one random key, typed character or paste; returns what it was."""
    kind = dice.random()
    if kind < 0.5:
        key = dice.choice(KEYS)
        app.post_message(events.Key(key, "\r" if key == "enter" else None))
        return str(key)
    if kind < 0.9:
        character = str(dice.choice(TYPED))
        app.post_message(events.Key(character, character))
        return character
    paste = str(dice.choice(PASTES))
    app.post_message(events.Paste(paste))
    return repr(paste)


async def assert_nothing_is_stale(
    app: App[None], pilot: Pilot[None], terminal: Any, story: list[str]
) -> None:
    written = None
    while written != terminal.characters:
        written = terminal.characters
        await pilot.pause(0.03)
    shown = terminal.cells()
    fresh = await terminal.repainted(app, pilot)
    stale = [(y, x) for y, row in enumerate(fresh) for x, cell in enumerate(row) if cell != shown[y][x]]
    assert not stale, f"{len(stale)} stale cells, first {stale[:3]}, after {story}"


async def fuzz(terminal: Any, seed: int, *, rounds: int, strikes: int) -> None:
    dice = random.Random(seed)
    app = Area(ThriftyTextArea, LYRICS, driver_class=terminal.driver_class)
    async with app.run_test(size=(80, 24), headless=False) as pilot:
        app.area.focus()
        for _ in range(rounds):
            story = [strike(app, dice) for _ in range(strikes)]
            await assert_nothing_is_stale(app, pilot, terminal, story)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_no_cell_is_stale_after_random_keys(pyte_terminal: Any, seed: int) -> None:
    await fuzz(pyte_terminal, seed, rounds=6, strikes=8)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 125))
async def test_no_cell_is_stale_after_many_random_keys(pyte_terminal: Any, seed: int) -> None:
    await fuzz(pyte_terminal, seed, rounds=12, strikes=12)


async def bytes_per_key(terminal: Any, kind: type[TextArea]) -> float:
    app = Area(kind, LYRICS, driver_class=terminal.driver_class)
    async with app.run_test(size=(80, 24), headless=False) as pilot:
        app.area.focus()
        app.area.move_cursor((2, 0))
        await pilot.pause()
        before = terminal.characters
        for character in "some words":
            app.post_message(events.Key(character, character))
            await pilot.pause()
        return float(terminal.characters - before) / 10


async def test_a_key_costs_less_than_a_kilobyte(pyte_terminal: Any) -> None:
    assert await bytes_per_key(pyte_terminal, ThriftyTextArea) < 1000


async def test_the_screen_reader_would_notice_a_row_that_was_not_repainted(pyte_terminal: Any) -> None:
    class Lazy(ThriftyTextArea):
        def refresh_row(self, row: int) -> None:
            pass

    app = Area(Lazy, LYRICS, driver_class=pyte_terminal.driver_class)
    async with app.run_test(size=(80, 24), headless=False) as pilot:
        app.area.focus()
        app.area.move_cursor((4, 3))
        await pilot.pause()
        app.post_message(events.Key("z", "z"))
        with pytest.raises(AssertionError, match="stale"):
            await assert_nothing_is_stale(app, pilot, pyte_terminal, ["z"])


async def test_undo_that_takes_rows_and_scrollbar_away_keeps_the_app_alive(pyte_terminal: Any) -> None:
    app = Area(ThriftyTextArea, "\n" * 17)
    async with app.run_test(size=(80, 24)) as pilot:
        app.area.focus()
        app.area.move_cursor(app.area.document.end)
        await pilot.pause()
        for paste in ("\n\n\n", "\n\n\n", "\n\n\n"):
            app.post_message(events.Paste(paste))
        await pilot.pause()
        for _ in range(3):
            app.area.undo()
            await pilot.pause()
        assert app.area.cursor_location[0] < app.area.document.line_count
