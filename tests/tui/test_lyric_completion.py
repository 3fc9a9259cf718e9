"""The tag list of the lyric editor: when it opens, what its keys do, where it stands, when it goes."""

from typing import Any

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Size
from textual.widgets import Input

from core.lyrics.tags import dialect
from tui.widgets.lyric_editor import LyricEditor

LEVO = dialect("levo")
GOOD = "[intro-short]\n\n[verse]\nRain on the window.\nI am here.\n\n[chorus]\nLa la la.\n"


class Desk(App[None]):
    CSS_PATH = "../../tui/styles/write.tcss"

    def __init__(self, text: str, **options: Any) -> None:
        super().__init__(**options)
        self.editor = LyricEditor(LEVO, text)

    def compose(self) -> ComposeResult:
        yield self.editor
        yield Input(id="elsewhere")

    def on_mount(self) -> None:
        self.editor.focus()


async def test_a_bracket_at_the_start_of_a_line_offers_every_tag_of_the_engine(until: Any) -> None:
    app = Desk("")
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.insert("[")
        await until(pilot, lambda: app.editor.popup.is_open)
        assert app.editor.popup.offered == tuple(tag.name for tag in LEVO.tags)
        app.editor.insert("cho")
        assert app.editor.popup.offered[0] == "chorus"
        app.editor.insert("rx")
        assert not app.editor.popup.is_open
        app.editor.action_delete_left()
        assert app.editor.popup.chosen is not None


async def test_a_bracket_inside_a_line_offers_nothing() -> None:
    app = Desk("")
    async with app.run_test(size=(80, 24)):
        app.editor.insert("la ")
        app.editor.insert("[")
        assert not app.editor.popup.is_open


@pytest.mark.parametrize("key", ["tab", "enter"])
async def test_accepting_writes_the_tag_and_a_new_line_and_undo_takes_it_back(key: str) -> None:
    app = Desk("")
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.insert("[")
        app.editor.insert("brid")
        await pilot.press(key)
        assert app.editor.text == "[bridge]\n"
        assert app.editor.cursor_location == (1, 0)
        assert app.focused is app.editor
        assert not app.editor.popup.is_open
        app.editor.undo()
        assert app.editor.text != "[bridge]\n"


async def test_arrows_choose_and_go_round() -> None:
    app = Desk("")
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.insert("[")
        await pilot.press("down", "tab")
        assert app.editor.text == f"[{LEVO.tags[1].name}]\n"
        app.editor.insert("[")
        await pilot.press("up", "tab")
        assert app.editor.text.splitlines()[1] == f"[{LEVO.tags[-1].name}]"


async def test_accepting_above_lyrics_keeps_them_right_under_the_tag() -> None:
    app = Desk("]\nla la.\n")
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.insert("[")
        app.editor.insert("ver")
        await pilot.press("tab")
        assert app.editor.text == "[verse]\nla la.\n"
        assert app.editor.cursor_location == (1, 0)


async def test_escape_closes_the_list_and_leaves_the_keys_alone() -> None:
    app = Desk("")
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.insert("[")
        await pilot.press("escape")
        assert not app.editor.popup.is_open
        assert app.editor.text == "["
        await pilot.press("enter")
        assert app.editor.text == "[\n"
        await pilot.press("up")
        assert app.editor.cursor_location[0] == 0
        await pilot.press("tab")
        assert app.focused is app.query_one("#elsewhere")


async def test_the_list_closes_when_cursor_or_focus_leaves() -> None:
    app = Desk(GOOD)
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor(app.editor.document.end)
        app.editor.insert("[")
        opened = app.editor.popup.is_open
        app.editor.move_cursor((0, 0))
        assert (opened, app.editor.popup.is_open) == (True, False)
        app.editor.move_cursor(app.editor.document.end)
        app.editor.insert("\n")
        app.editor.insert("[")
        app.query_one(Input).focus()
        await pilot.pause()
        assert not app.editor.popup.is_open


@pytest.mark.parametrize("rows", [1, 12, 60])
async def test_the_list_stays_on_the_screen_and_off_the_line_being_written(until: Any, rows: int) -> None:
    app = Desk("\n" * rows)
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor(app.editor.document.end)
        await pilot.pause()
        app.editor.insert("[")
        popup = app.editor.popup
        await until(pilot, lambda: popup.region.height > 3)
        await pilot.pause(0.05)
        cursor = app.editor.cursor_screen_offset
        assert popup.region.y >= 0
        assert popup.region.bottom <= 24
        assert not popup.region.contains(*cursor)
        assert min(abs(popup.region.y - cursor.y), abs(popup.region.bottom - 1 - cursor.y)) == 1


@pytest.mark.parametrize("theme", ["textual-dark", "ansi-dark"])
async def test_only_the_highlighted_tag_is_bold_whatever_the_colours(
    pyte_terminal: Any, until: Any, theme: str
) -> None:
    app = Desk("", driver_class=pyte_terminal.driver_class)
    async with app.run_test(size=(80, 24), headless=False) as pilot:
        app.theme = theme
        app.editor.insert("[")
        await until(pilot, lambda: "[verse]" in pyte_terminal.text())
        await pilot.press("down")
        await pilot.pause(0.05)
        top, left = app.editor.popup.region.y, app.editor.popup.region.x
        bold = [pyte_terminal.cells()[y][left + 2][3] for y in range(top, app.editor.popup.region.bottom)]
        assert bold == [index == 1 for index in range(len(bold))]


async def test_a_click_on_the_list_accepts(until: Any) -> None:
    app = Desk("")
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.insert("[")
        await until(pilot, lambda: app.editor.popup.region.height > 3)
        await pilot.click(app.editor.popup, offset=(2, 1))
        assert app.editor.text == f"[{LEVO.tags[1].name}]\n"
        assert app.focused is app.editor


async def test_insert_section_opens_the_same_list_on_a_line_of_its_own() -> None:
    app = Desk("[verse]\nRain.\n")
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((1, 2))
        await pilot.press("alt+i")
        assert app.editor.popup.is_open
        app.editor.insert("chor")
        await pilot.press("enter")
        assert app.editor.text == "[verse]\nRain.\n\n[chorus]\n\n"


async def test_insert_section_and_escape_leaves_the_text_as_it_was() -> None:
    app = Desk("[verse]\nRain.\n")
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((1, 2))
        await pilot.press("alt+i")
        app.editor.insert("cho")
        await pilot.press("escape")
        assert app.editor.text == "[verse]\nRain.\n"


async def test_the_popup_leaves_with_its_editor(until: Any) -> None:
    app = Desk(GOOD)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.editor.remove()
        await until(pilot, lambda: not app.screen.query("CompletionPopup"))


async def test_the_list_follows_a_resize(until: Any) -> None:
    app = Desk("")
    async with app.run_test(size=(120, 40)) as pilot:
        app.editor.insert("[")
        app.post_message(events.Resize(Size(40, 12), Size(40, 12)))
        await until(pilot, lambda: app.editor.popup.region.right <= 40 and app.size.width == 40)
        assert app.editor.popup.is_open
