"""Whole sections by key: each is one step of undo, and folds go along."""

from typing import Any

import pytest

from core.lyrics.parse import parse
from tests.tui.lyric_desk import SONG, Desk
from tui.widgets.lyric_sections import differing


def tags(app: Desk) -> list[str]:
    return [section.tag for section in parse(app.editor.text).sections]


async def test_each_is_one_step_of_undo_and_of_redo() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        for keys in (["alt+down"], ["alt+up"], ["alt+d"], ["alt+k"], ["alt+down", "alt+down"]):
            app.editor.move_cursor((3, 4))
            await pilot.press(*keys)
            changed = app.editor.text
            assert changed != SONG
            for _ in keys:
                app.editor.undo()
            assert (app.editor.text, app.editor.cursor_location) == (SONG, (3, 4))
            for _ in keys:
                app.editor.redo()
            assert app.editor.text == changed
            for _ in keys:
                app.editor.undo()


async def test_the_cursor_stays_in_the_section_that_moves() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((7, 4))
        await pilot.press("alt+up")
        assert tags(app) == ["intro-short", "chorus", "verse", "verse"]
        assert app.editor.document[app.editor.cursor_location[0]] == "Hold the line"
        assert app.editor.cursor_location == (3, 4)
        await pilot.press("alt+up", "alt+up")
        assert tags(app)[0] == "chorus", "once more than there are places does nothing"


async def test_a_section_can_be_doubled_and_deleted() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((6, 0))
        await pilot.press("alt+d")
        assert tags(app) == ["intro-short", "verse", "chorus", "chorus", "verse"]
        assert app.editor.cursor_location == (10, 0)
        await pilot.press("alt+k")
        assert app.editor.text == SONG
        assert "undo brings it back" in app.said[-1]


async def test_selecting_takes_the_tag_and_what_stands_under_it() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((8, 2))
        await pilot.press("alt+s")
        assert app.editor.selected_text == "[chorus]\nHold the line\nSail on\n\n"
        app.editor.move_cursor((11, 0))
        await pilot.press("alt+s")
        assert app.editor.selected_text == "[verse]\nSnow on the window\n"


async def test_keys_go_from_tag_to_tag() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        rows = []
        for key in ["alt+n", "alt+n", "alt+n", "alt+n", "alt+p", "alt+p"]:
            await pilot.press(key)
            rows.append(app.editor.cursor_location[0])
        assert rows == [2, 6, 10, 10, 6, 2]
        app.editor.move_cursor((8, 0))
        await pilot.press("alt+p")
        assert app.editor.cursor_location == (6, 0), "first to the start of the section itself"


async def test_an_empty_section_repeats_what_the_last_of_its_tag_sings(until: Any) -> None:
    app = Desk(SONG + "\n[chorus]\n")
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((13, 0))
        await pilot.press("alt+r")
        assert app.editor.text == SONG + "\n[chorus]\nHold the line\nSail on\n"
        app.editor.undo()
        assert app.editor.text == SONG + "\n[chorus]\n"
        app.editor.move_cursor((7, 0))
        await pilot.press("alt+r")
        await until(pilot, lambda: "has lyrics already" in app.said[-1])


async def test_moved_sections_stay_folded_and_no_others() -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((6, 0))
        await pilot.press("alt+o", "alt+up", "alt+d")
        assert tags(app) == ["intro-short", "chorus", "chorus", "verse", "verse"]
        assert app.editor.folds == {2: 5, 6: 9}


async def test_before_the_first_tag_the_keys_do_nothing() -> None:
    app = Desk("words\n\n[verse]\nla\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("alt+up", "alt+down", "alt+d", "alt+k", "alt+s", "alt+r", "alt+o")
        assert app.editor.text == "words\n\n[verse]\nla\n"
        assert app.editor.selection.is_empty


async def test_the_section_at_the_cursor_is_told_as_it_changes(until: Any) -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((7, 0))
        app.editor.move_cursor((8, 0))
        app.editor.insert("more\n" * 3, (4, 0))
        app.editor.move_cursor((9, 0))
        await until(pilot, lambda: app.entered[-1:] == [2])
        app.editor.move_cursor((6, 0))
        await until(pilot, lambda: app.entered[-2:] == [2, 1])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["a", "b", "c"], ["a", "x", "c"]),
        (["a"], ["a", "b"]),
        (["a", "b"], ["b"]),
        (["a", "a", "a"], ["a", "a"]),
        ([""], ["a", "", "b"]),
        (["a", "b", "a", "b"], ["a", "b"]),
    ],
)
def test_only_what_differs_is_replaced(old: list[str], new: list[str]) -> None:
    found = differing(old, new)
    assert found is not None
    first, end, lines = found
    assert [*old[:first], *lines, *old[end:]] == new
    assert end > first
    assert lines
    assert differing(old, old) is None


async def test_a_fix_of_everything_is_one_step_and_says_how_many(until: Any) -> None:
    wrong = "[vers]\nRain，rain\n\n[chorus]\n\n[Verse 2]\nla；la\n"
    app = Desk(wrong)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("shift+f8")
        await until(pilot, lambda: app.said)
        assert not app.editor.diagnostics
        assert app.said[-1].split()[0].isdigit()
        assert "mended" in app.said[-1]
        app.editor.undo()
        assert app.editor.text == wrong


async def test_full_width_marks_are_rewritten_as_one_step() -> None:
    app = Desk("[verse]\n雪，花！\nla；la\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("alt+w")
        await pilot.pause()
        assert "，" not in app.editor.text
        assert app.said[-1].startswith("3 marks")
        app.editor.undo()
        assert app.editor.text == "[verse]\n雪，花！\nla；la\n"
