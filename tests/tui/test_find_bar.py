"""Searching as one types, going from match to match, and replacing."""

from typing import Any

from textual.app import App, ComposeResult
from textual.widgets import Input

from tests.tui.lyric_desk import LEVO
from tui.widgets.find_bar import FindBar
from tui.widgets.lyric_editor import LyricEditor

TEXT = "[verse]\nRain on rain\nrainy (days)\n\n[chorus]\nRAIN 雪 rain\n"


class Searched(App[None]):
    CSS_PATH = "../../tui/styles/write.tcss"

    def __init__(self, text: str = TEXT) -> None:
        super().__init__()
        self.editor = LyricEditor(LEVO, text)
        self.bar = FindBar(self.editor)

    def compose(self) -> ComposeResult:
        yield self.editor
        yield self.bar

    def on_mount(self) -> None:
        self.editor.focus()

    def on_lyric_editor_asked(self, message: LyricEditor.Asked) -> None:
        self.bar.open()


async def find(app: Searched, pilot: Any, words: str) -> None:
    await pilot.press("ctrl+f")
    await pilot.pause()
    app.bar.query_one("#find-words", Input).value = words
    await pilot.pause()


def selected(app: Searched) -> tuple[tuple[int, int], tuple[int, int]]:
    return app.editor.selection.start, app.editor.selection.end


async def test_what_is_typed_is_found_from_the_cursor_on_and_counted() -> None:
    app = Searched()
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((1, 3))
        await pilot.press("ctrl+f", "r", "a", "i", "n")
        assert selected(app) == ((1, 8), (1, 12))
        assert app.bar.count_text.split() == ["2", "of", "5"]
        await pilot.press("y")
        assert selected(app) == ((2, 0), (2, 5))
        assert app.bar.count_text.split() == ["1", "of", "1"]
        await pilot.press("z")
        assert app.bar.count_text.split() == ["none"]
        assert app.editor.text == TEXT


async def test_enter_and_the_arrows_go_round_and_escape_stays_at_the_match() -> None:
    app = Searched()
    async with app.run_test(size=(80, 24)) as pilot:
        await find(app, pilot, "rain")
        rows = []
        for key in ["enter", "down", "down", "down", "down", "up", "up"]:
            await pilot.press(key)
            rows.append(selected(app)[0])
        assert rows == [(1, 8), (2, 0), (5, 0), (5, 7), (1, 0), (5, 7), (5, 0)]
        await pilot.press("escape")
        assert app.focused is app.editor
        assert not app.bar.display
        assert app.editor.selected_text == "RAIN"


async def test_capitals_count_when_told_to() -> None:
    app = Searched()
    async with app.run_test(size=(80, 24)) as pilot:
        await find(app, pilot, "RAIN")
        await pilot.press("alt+c")
        assert app.bar.count_text.split() == ["1", "of", "1", "Aa"]
        assert selected(app)[0] == (5, 0)


async def test_one_match_is_replaced_and_the_next_one_taken() -> None:
    app = Searched()
    async with app.run_test(size=(80, 24)) as pilot:
        await find(app, pilot, "rain")
        app.bar.query_one("#find-with", Input).value = "snow"
        await pilot.press("alt+r")
        assert app.editor.document[1] == "snow on rain"
        assert selected(app)[0] == (1, 8)
        await pilot.press("alt+r")
        assert app.editor.document[1] == "snow on snow"
        app.editor.undo()
        assert app.editor.document[1] == "snow on rain"


async def test_what_replaces_may_hold_what_is_searched_for() -> None:
    app = Searched("[verse]\na a\n")
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((1, 0))
        await find(app, pilot, "a")
        app.bar.query_one("#find-with", Input).value = "aa"
        await pilot.press("alt+r", "alt+r")
        assert app.editor.document[1] == "aa aa"


async def test_all_are_replaced_as_one_step() -> None:
    app = Searched()
    async with app.run_test(size=(80, 24)) as pilot:
        await find(app, pilot, "rain")
        app.bar.query_one("#find-with", Input).value = "雪"
        await pilot.press("alt+a")
        assert app.editor.text == "[verse]\n雪 on 雪\n雪y (days)\n\n[chorus]\n雪 雪 雪\n"
        assert app.bar.count_text.split() == ["5", "replaced"]
        app.editor.undo()
        assert app.editor.text == TEXT


async def test_selected_words_are_what_is_searched_for() -> None:
    app = Searched()
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((2, 6))
        app.editor.move_cursor((2, 12), select=True)
        await pilot.press("ctrl+f")
        await pilot.pause()
        assert app.bar.words == "(days)"
        assert app.bar.count_text.split() == ["1", "of", "1"]


async def test_a_match_in_a_fold_opens_it() -> None:
    app = Searched()
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.action_fold_all()
        await find(app, pilot, "days")
        assert 0 not in app.editor.folds
        assert 4 in app.editor.folds


async def test_matches_are_marked_with_more_than_a_colour_while_the_bar_is_open() -> None:
    app = Searched()
    async with app.run_test(size=(80, 24)) as pilot:
        await find(app, pilot, "rain")
        style = app.editor.get_line(2).get_style_at_offset(app.console, 1)
        assert style.underline
        await pilot.press("escape")
        assert not app.editor.get_line(2).get_style_at_offset(app.console, 1).underline


async def test_the_bar_is_one_row_and_fits_a_narrow_terminal() -> None:
    app = Searched()
    async with app.run_test(size=(50, 24)) as pilot:
        await find(app, pilot, "rain")
        assert app.bar.size.height == 1
        assert app.bar.query_one("#find-count").region.right <= 50
        assert min(field.size.width for field in app.bar.query(Input)) >= 8
