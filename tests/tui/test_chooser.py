"""The list that typing narrows, by itself and as a question."""

from pathlib import Path
from typing import Any

from textual.app import App
from textual.widgets import Input, OptionList

import tui
from tests.tui.opened import screen_text
from tui.screens.chooser import Chooser
from tui.widgets.fuzzy_list import FuzzyList

ROWS = [(f"id{number}", f"Song [b] {number}", f"{number} takes") for number in range(30)]


async def test_typing_narrows_and_enter_gives_the_id(until: Any) -> None:
    app: Any = App(css_path=Path(tui.__file__).parent / "styles" / "app.tcss")
    given: list[str | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(Chooser("Which [/x]?", ROWS, at="id7"), given.append)
        await until(pilot, lambda: app.screen.query(FuzzyList))
        lines = app.screen.query_one(FuzzyList)
        assert lines.in_hand == "id7"
        await until(pilot, lambda: "Which [/x]?" in screen_text(app) and "Song [b] 7" in screen_text(app))
        height = app.screen.query_one(OptionList).size.height
        app.screen.query_one(Input).value = "song 12"
        await until(pilot, lambda: lines.shown[0] == "id12")
        await until(pilot, lambda: lines.in_hand == "id12")
        assert app.screen.query_one(OptionList).size.height == height
        app.screen.query_one(Input).value = "nothing like it at all"
        await until(pilot, lambda: lines.shown == () and lines.in_hand is None)
        await pilot.press("enter")
        assert given == []
        app.screen.query_one(Input).value = ""
        await until(pilot, lambda: len(lines.shown) == 30)
        await pilot.press("down", "pagedown", "up", "up", "pageup", "down")
        assert lines.in_hand == "id1"
        lines.show(ROWS[1:], at="id5")
        assert lines.in_hand == "id5"
        await pilot.press("enter")
        await until(pilot, lambda: given == ["id5"])
        app.push_screen(Chooser("Again", ROWS), given.append)
        await until(pilot, lambda: app.screen.query(FuzzyList))
        await pilot.press("escape")
        await until(pilot, lambda: given == ["id5", None])


async def test_the_line_in_hand_is_told(until: Any) -> None:
    told: list[str] = []

    class Listening(App[None]):
        def compose(self) -> Any:
            yield FuzzyList(ROWS)

        def on_fuzzy_list_pointed(self, event: FuzzyList.Pointed) -> None:
            told.append(event.pointed)

    async with Listening().run_test() as pilot:
        await until(pilot, lambda: told == ["id0"])
        await pilot.press("down")
        await until(pilot, lambda: told == ["id0", "id1"])
