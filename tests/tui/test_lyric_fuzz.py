"""Random writing in any script: the screen is what a full repaint shows, the cursor where it belongs."""

import random
from typing import Any

import pytest
from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.pilot import Pilot

from tests.tui.lyric_desk import SONG, Desk
from tests.tui.test_thrifty import assert_nothing_is_stale
from tui.widgets.lyric_editor import LyricEditor

SCRIPTS = (
    "[verse]\n雪花飘 over the river\nשָׁלוֹם עולם\nمَرْحَبًا بالعالم\n"
    "cafe\u0301 e\u0301te\u0301\n😀 한국어 🎵 la\n\n"
)
TEXT = SCRIPTS + SONG + "la la la " * 14 + "\nend."
MOVES = ["left", "right", "up", "down", "home", "end", "pageup", "pagedown", "ctrl+left", "ctrl+right"]
SELECTS = ["shift+left", "shift+right", "shift+up", "shift+down", "alt+s"]
EDITS = ["enter", "backspace", "delete", "ctrl+w", "ctrl+k", "ctrl+u", "ctrl+z", "ctrl+z", "ctrl+y", "ctrl+x"]
SECTIONS = ["alt+up", "alt+down", "alt+d", "alt+k", "alt+o", "alt+o", "alt+a", "alt+n", "alt+p", "alt+r"]
HELP = ["f8", "f4", "shift+f8", "alt+w", "alt+i", "tab", "escape", "shift+tab"]
TYPED = [*"abH .,[]()", "雪", "花", "é", "\u0301", "한", "א", "ם", "ע", "م", "َ", "😀", "，"]
PASTES = [
    "雪花飘\n[verse]\n(la)",
    "שלום\nمرحبا",
    "word " * 30,
    "\n\n\n",
    "e\u0301" * 40,
    "x" * 90,
    "[chorus]\nHold",
]


class Alone(Desk):
    """Every key goes to the editor: how a terminal combines marks in other fields is not our matter."""

    def compose(self) -> ComposeResult:
        yield self.editor


def strike(app: Desk, dice: random.Random) -> str:
    """Send one random key, character or paste; returns what it was."""
    kind = dice.random()
    if kind < 0.25:
        paste = dice.choice(PASTES) if kind < 0.04 else ""
        if paste:
            app.editor.post_message(events.Paste(paste))
            return repr(paste)
        key = dice.choice(SECTIONS)
    elif kind < 0.6:
        key = dice.choice([*MOVES, *SELECTS, *EDITS, *HELP])
    else:
        character = str(dice.choice(TYPED))
        app.post_message(events.Key(character, character))
        return character
    app.post_message(events.Key(key, sent_along(key)))
    return key


def sent_along(key: str) -> str | None:
    """The character a terminal sends with a key."""
    if key == "enter":
        return "\r"
    return key[-1] if key.startswith("alt+") and len(key) == len("alt+x") else None


def assert_the_cursor_is_where_the_text_says(editor: LyricEditor) -> None:
    """Its row is in sight, and its cell is behind what stands before it on its screen line."""
    row, column = editor.cursor_location
    assert row not in editor.wrapped_document.hidden  # type: ignore[attr-defined]
    breaks = [0, *editor.wrapped_document.get_offsets(row)]
    start = max(at for at in breaks if at <= column)
    before = editor.document[row][start:column]
    cursor = editor.cursor_screen_offset
    assert cursor.x - editor.content_region.x == editor.gutter_width + cell_len(before.expandtabs(4))
    line = editor.render_line(cursor.y - editor.content_region.y).text
    number = line[: editor.gutter_width - 2].strip()
    assert number == (str(row + 1) if start == 0 else "")
    if "\u200b" not in before:
        assert line[editor.gutter_width :].startswith(before)


async def fuzz(terminal: Any, seed: int, *, rounds: int, strikes: int) -> None:
    dice = random.Random(seed)
    app = Alone(TEXT, driver_class=terminal.driver_class)
    async with app.run_test(size=(80, 24), headless=False) as pilot:
        for _ in range(rounds):
            app.editor.focus()
            story = [strike(app, dice) for _ in range(strikes)]
            await settle(app, pilot)
            await assert_nothing_is_stale(app, pilot, terminal, story)
            assert_the_cursor_is_where_the_text_says(app.editor)


async def settle(app: Desk, pilot: Pilot[None]) -> None:
    await pilot.pause()
    app.editor.check_now()
    app.editor.scroll_cursor_visible()
    await pilot.pause()


@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_is_stale_and_the_cursor_is_right_in_any_script(pyte_terminal: Any, seed: int) -> None:
    await fuzz(pyte_terminal, seed, rounds=5, strikes=10)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300, 340))
async def test_nothing_is_stale_after_much_writing_in_any_script(pyte_terminal: Any, seed: int) -> None:
    await fuzz(pyte_terminal, seed, rounds=14, strikes=14)
