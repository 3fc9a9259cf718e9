"""Lines used before: offered while one types, taken by Tab, and never in the way."""

from typing import Any

import pytest
from textual import events

from tests.tui.lyric_desk import SONG, Desk


async def type_in(app: Desk, words: str) -> None:
    for character in words:
        app.editor.insert(character)


async def test_three_letters_offer_the_lines_that_go_on_from_them() -> None:
    app = Desk(SONG + "\n[bridge]\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.05)
        app.editor.move_cursor(app.editor.document.end)
        await type_in(app, "ho")
        assert not app.editor.popup.is_open
        await type_in(app, "l")
        assert app.editor.popup.offered == ("Hold the line",)
        await pilot.press("tab")
        assert app.editor.document[app.editor.cursor_location[0]] == "Hold the line"
        assert app.focused is app.editor


async def test_a_second_tab_writes_the_rest_of_the_section() -> None:
    app = Desk("[chorus]\nHold the line\nSail on\nand on\n\n[bridge]\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.05)
        app.editor.move_cursor(app.editor.document.end)
        await type_in(app, "hold")
        await pilot.press("tab", "tab")
        assert app.editor.text.endswith("[bridge]\nHold the line\nSail on\nand on")
        assert not app.editor.popup.is_open
        app.editor.undo()
        assert app.editor.text.endswith("[bridge]\nHold the line")
        app.editor.undo()
        assert app.editor.text.endswith("[bridge]\nhold")


@pytest.mark.parametrize(("key", "after"), [("enter", "hold\n"), ("x", "holdx"), ("space", "hold ")])
async def test_other_keys_do_what_they_always_do(key: str, after: str) -> None:
    app = Desk(SONG + "\n[bridge]\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.05)
        app.editor.move_cursor(app.editor.document.end)
        await type_in(app, "hold")
        assert app.editor.popup.is_open
        await pilot.press(key)
        assert app.editor.text.endswith(after)
        assert app.editor.popup.is_open == (key == "space")


async def test_arrows_move_the_cursor_and_close_the_list() -> None:
    app = Desk(SONG + "\n[bridge]\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.05)
        app.editor.move_cursor(app.editor.document.end)
        await type_in(app, "hold")
        row = app.editor.cursor_location[0]
        await pilot.press("up")
        assert app.editor.cursor_location[0] == row - 1
        assert not app.editor.popup.is_open


async def test_escape_closes_the_list_and_it_stays_closed_on_this_row() -> None:
    app = Desk(SONG + "\n[bridge]\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.05)
        app.editor.move_cursor(app.editor.document.end)
        await type_in(app, "hold")
        await pilot.press("escape", "space", "t")
        assert not app.editor.popup.is_open
        await pilot.press("enter", *"hold")
        assert app.editor.popup.is_open


async def test_another_of_several_lines_can_be_highlighted() -> None:
    app = Desk("[verse]\nOn the one hand\nOn the other hand\n\n[bridge]\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.05)
        app.editor.move_cursor(app.editor.document.end)
        await type_in(app, "on the")
        assert app.editor.popup.offered == ("On the one hand", "On the other hand")
        await pilot.press("shift+tab", "tab")
        assert app.editor.text.endswith("[bridge]\nOn the other hand")


async def test_nothing_is_offered_in_the_middle_of_a_line_or_of_a_selection() -> None:
    app = Desk("[chorus]\nHold the line\n\n[bridge]\n and so\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.05)
        app.editor.move_cursor((4, 0))
        await type_in(app, "hold")
        assert not app.editor.popup.is_open


async def test_a_chosen_chorus_offers_the_lines_of_the_last_one() -> None:
    app = Desk(SONG + "\n")
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor(app.editor.document.end)
        await type_in(app, "[cho")
        await pilot.press("enter")
        assert app.editor.popup.is_open
        await pilot.press("tab")
        assert app.editor.text == SONG + "\n[chorus]\nHold the line\nSail on"
        app.editor.undo()
        assert app.editor.text == SONG + "\n[chorus]\n"


async def test_lines_can_be_written_under_a_chosen_chorus_as_ever() -> None:
    app = Desk(SONG + "\n")
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor(app.editor.document.end)
        await type_in(app, "[cho")
        await pilot.press("enter", "a", "enter", "b")
        assert app.editor.text == SONG + "\n[chorus]\na\nb"


async def test_the_list_fits_the_screen_and_shows_the_line_with_its_beginning_marked() -> None:
    app = Desk("[verse]\n" + "On and on and on " * 8 + "\n\n[bridge]\n")
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause(0.05)
        app.editor.move_cursor(app.editor.document.end)
        await type_in(app, "on and")
        await pilot.pause(0.1)
        popup = app.editor.popup
        assert popup.region.right <= 60
        assert popup.region.height == 1
        assert "On and on" in "".join(segment.text for segment in popup.render_line(0))


async def test_an_inserted_section_is_one_step_of_undo_and_no_step_when_left() -> None:
    app = Desk("[verse]\nRain.\n")
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((1, 2))
        app.editor.insert("x")
        await pilot.press("alt+i")
        await type_in(app, "chor")
        await pilot.press("escape")
        assert app.editor.text == "[verse]\nRaxin.\n"
        assert app.editor.cursor_location == (1, 3)
        await pilot.press("alt+i", "b", "r", "enter")
        assert app.editor.text == "[verse]\nRaxin.\n\n[bridge]\n\n"
        assert app.editor.cursor_location == (4, 0)
        app.editor.undo()
        assert app.editor.text == "[verse]\nRaxin.\n"
        app.editor.undo()
        assert app.editor.text == "[verse]\nRain.\n"


async def test_typing_beside_the_open_list_costs_less_than_a_kilobyte_a_key(pyte_terminal: Any) -> None:
    lines = "Hold the line again and again\nHold the line again and then\n"
    app = Desk(f"[chorus]\n{lines}\n[bridge]\n", driver_class=pyte_terminal.driver_class)
    async with app.run_test(size=(80, 24), headless=False) as pilot:
        await pilot.pause(0.05)
        app.editor.move_cursor(app.editor.document.end)
        await pilot.pause(0.3)
        before = pyte_terminal.characters
        for character in "hold the line":
            app.post_message(events.Key(character, character))
            await pilot.pause()
        await pilot.pause(0.3)
        assert app.editor.popup.is_open
        assert 0 < (pyte_terminal.characters - before) / len("hold the line") < 1000
