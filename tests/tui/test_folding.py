"""Folded sections: what is shown, how the cursor walks past, and what opens them."""

from typing import Any

from tests.tui.lyric_desk import SONG, Desk, shown

FOLDED = ["[intro-short]", "[verse] … 2 lines: Rain on the window", "[chorus] … 2 lines: Hold the line"]


async def test_a_folded_section_shows_its_tag_how_many_lines_and_the_first() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((4, 2))
        await pilot.press("alt+o")
        assert shown(app.editor)[2:6] == [FOLDED[1], "[chorus]", "Hold the line", "Sail on"]
        assert app.editor.cursor_location == (2, len("[verse]"))
        assert app.editor.text == SONG
        await pilot.press("alt+o")
        assert shown(app.editor) == SONG.rstrip().split("\n")


async def test_all_fold_to_an_outline_and_open_again() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("alt+a")
        assert shown(app.editor) == [*FOLDED, "[verse] … 1 line: Snow on the window"]
        numbers = [app.editor.render_line(y).text[: app.editor.gutter_width].strip(" ✗!·") for y in range(4)]
        assert numbers == ["1", "3", "7", "11"]
        await pilot.press("alt+a")
        assert not app.editor.folds


async def test_up_and_down_pass_what_is_folded_and_end_at_its_tag() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("alt+a", "down", "down", "down")
        assert app.editor.cursor_location[0] == 10
        await pilot.press("down", "down")
        assert app.editor.cursor_location[0] == app.editor.document.line_count - 1
        await pilot.press("up", "up", "up")
        assert app.editor.cursor_location[0] == 2
        assert len(app.editor.folds) == 4


async def test_down_on_a_fold_that_is_the_end_goes_to_its_own_end() -> None:
    app = Desk("[verse]\nla\nlo")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("alt+o", "home", "down")
        assert app.editor.cursor_location == (0, 7)
        assert app.editor.folds == {0: 2}


async def test_the_cursor_opens_what_it_comes_into() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        for place in ((3, 0), (4, 2), (5, 0)):
            app.editor.move_cursor((0, 0))
            app.editor.action_fold_all()
            await pilot.pause()
            assert len(app.editor.folds) == 4
            app.editor.move_cursor(place)
            assert app.editor.folds.keys() == {0, 6, 10}
            assert shown(app.editor)[1:5] == SONG.split("\n")[2:6]


async def test_walking_out_of_the_tag_line_opens_it() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((3, 0))
        await pilot.press("alt+o", "right")
        assert app.editor.cursor_location == (3, 0)
        assert not app.editor.folds


async def test_an_edit_of_the_tag_or_undo_of_what_is_inside_opens_it() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((3, 0))
        app.editor.insert("x")
        await pilot.press("alt+o")
        assert app.editor.folds
        app.editor.undo()
        assert not app.editor.folds
        assert app.editor.text == SONG
        app.editor.fold([(2, 5)])
        app.editor.insert(" ", (2, 7))
        assert not app.editor.folds


async def test_folds_go_with_their_rows_through_edits_undo_and_redo_and_a_wider_gutter() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)):
        app.editor.fold([(6, 9)])
        app.editor.insert("new\n" * 100, (1, 0))
        assert app.editor.folds == {106: 109}
        app.editor.undo()
        assert app.editor.folds == {6: 9}
        app.editor.redo()
        assert app.editor.folds == {106: 109}
        app.editor.replace("", (0, 0), (50, 0))
        assert app.editor.folds == {56: 59}
        app.editor.insert("end", app.editor.document.end)
        assert app.editor.folds == {56: 59}


async def test_a_fold_carries_the_worst_mark_of_what_it_hides(until: Any) -> None:
    app = Desk("[chorus]\none，two\n[b\nwords\n\n[verse]\nfine\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.editor.diagnostics)
        app.editor.fold([(0, 4)])
        worst = app.editor.render_line(0).text[app.editor.gutter_width - 2]
        assert worst == "✗"
        await pilot.press("f4")
        assert not app.editor.folds, "going to a hidden problem shows it"


async def test_a_new_text_is_not_folded() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("alt+a")
        app.editor.load_text(SONG + "more\n")
        await pilot.pause()
        assert shown(app.editor) == (SONG + "more").split("\n")


async def test_a_long_first_line_does_not_leave_the_row() -> None:
    app = Desk("[verse]\n" + "雪花飘 " * 40 + "\n")
    async with app.run_test(size=(40, 24)) as pilot:
        await pilot.press("alt+o")
        assert app.editor.render_line(0).cell_length == 40
        assert shown(app.editor)[0].endswith("…")
