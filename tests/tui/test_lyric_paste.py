"""Pasted lyrics: converted from other notations, one undo back to what was pasted, and quick when long."""

from typing import Any

import pytest
from textual import events
from textual._wrap import compute_wrap_offsets

from core.lyrics.parse import parse
from tests.tui.lyric_desk import Desk
from tui.widgets.lyric_editor import LyricEditor

FOREIGN = "Verse 1:\nRain on the window\n\nChorus:\nHold the line\n"
CONVERTED = "[verse]\nRain on the window\n\n[chorus]\nHold the line\n"


async def paste(app: Desk, text: str, pilot: Any) -> None:
    app.editor.post_message(events.Paste(text))
    await pilot.pause()


async def test_a_paste_in_another_notation_is_converted_and_reported(until: Any) -> None:
    app = Desk("")
    async with app.run_test(size=(80, 24)) as pilot:
        await paste(app, FOREIGN, pilot)
        assert app.editor.text == CONVERTED
        await until(pilot, lambda: app.converted)
        assert app.converted[0].report
        assert app.editor.cursor_location == app.editor.document.end


async def test_undo_first_gives_what_was_pasted_and_then_what_was_there() -> None:
    app = Desk("[bridge]\nla\n")
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor(app.editor.document.end)
        await paste(app, FOREIGN, pilot)
        assert app.editor.text == "[bridge]\nla\n" + CONVERTED
        await pilot.press("ctrl+z")
        assert app.editor.text == "[bridge]\nla\n" + FOREIGN
        await pilot.press("ctrl+z")
        assert app.editor.text == "[bridge]\nla\n"
        await pilot.press("ctrl+y", "ctrl+y")
        assert app.editor.text == "[bridge]\nla\n" + CONVERTED


async def test_ctrl_v_converts_as_well() -> None:
    app = Desk("")
    async with app.run_test(size=(80, 24)) as pilot:
        app.copy_to_clipboard(FOREIGN)
        await pilot.press("ctrl+v")
        assert app.editor.text == CONVERTED


async def test_a_paste_inside_a_line_gets_rows_of_its_own() -> None:
    app = Desk("[verse]\nbeforeafter\n")
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((1, 6))
        await paste(app, FOREIGN, pilot)
        assert app.editor.text == f"[verse]\nbefore\n\n{CONVERTED}\nafter\n"


async def test_what_is_no_other_notation_is_pasted_as_it_is() -> None:
    app = Desk("")
    async with app.run_test(size=(80, 24)) as pilot:
        for text in ("some words", "one line\nand another", "[verse]\nla la\n", "雪花飘\n", "שלום\n"):
            app.editor.load_text("")
            await paste(app, text, pilot)
            assert app.editor.text == text
        assert app.converted == []


async def test_what_a_terminal_would_obey_is_not_pasted() -> None:
    app = Desk("")
    async with app.run_test(size=(80, 24)) as pilot:
        await paste(app, "red \x1b[31m words\x07", pilot)
        assert app.editor.text == "red [31m words"


async def test_what_a_terminal_would_obey_is_not_drawn_either() -> None:
    app = Desk("[verse]\nred \x1b[2J words\x07 here\n")
    async with app.run_test(size=(80, 24)):
        row = app.editor.render_line(1).text
        assert "\x1b" not in row
        assert "\x07" not in row
        assert len(app.editor.get_line(1)) == len(app.editor.document[1])


async def test_five_hundred_lines_are_two_edits_one_check_and_no_list(
    until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Desk("")
    text = "\n\n".join("\n".join(f"Line {n} of stanza {m}" for n in range(5)) for m in range(100))
    edits: list[str] = []
    plain_edit = LyricEditor.edit

    def edit(self: LyricEditor, edit: Any) -> Any:
        edits.append(edit.text)
        return plain_edit(self, edit)

    monkeypatch.setattr(LyricEditor, "edit", edit)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.checks == 1)
        await paste(app, text, pilot)
        assert len(edits) == 2
        assert app.editor.document.line_count > 500
        await until(pilot, lambda: app.checks == 2)
        assert not app.editor.popup.is_open
        await pilot.pause(0.2)
        assert app.checks == 2


class Counts:
    """How often what grows with the text was asked for while keys were typed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wrapped = self.drawn = self.parsed = 0
        wrapping = "textual.document._wrapped_document.compute_wrap_offsets"
        monkeypatch.setattr(wrapping, self._counted("wrapped", compute_wrap_offsets, lambda *_: 1))
        monkeypatch.setattr(
            LyricEditor, "get_line", self._counted("drawn", LyricEditor.get_line, lambda *_: 1)
        )
        for module in ("completer", "lyric_editor", "lyric_sections", "lyric_text"):
            monkeypatch.setattr(f"tui.widgets.{module}.parse", self._counted("parsed", parse, len))

    def _counted(self, name: str, function: Any, size: Any) -> Any:
        def counting(*args: Any, **options: Any) -> Any:
            setattr(self, name, getattr(self, name) + size(*args))
            return function(*args, **options)

        return counting


async def work_of_keys(lines: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int, int]:
    """Rows wrapped, rows drawn and characters parsed while ten keys are typed at the top of a text."""
    app = Desk("[verse]\n" + "A line (of the song.\n" * lines)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.05)
        app.editor.move_cursor((5, 0))
        await pilot.pause()
        app.editor.check_now()
        monkeypatch.setattr(app.editor, "set_timer", lambda *_: None)
        counts = Counts(monkeypatch)
        for character in "(ab [ c) d":
            app.post_message(events.Key(character, character))
            await pilot.pause()
        return counts.wrapped, counts.drawn, counts.parsed


async def test_the_work_of_a_key_does_not_grow_with_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        short = await work_of_keys(40, patch)
    with monkeypatch.context() as patch:
        long = await work_of_keys(1200, patch)
    assert long[0] == short[0] == 10, "one row is wrapped for a key"
    assert long[1] <= short[1] <= 40, "a few rows are drawn for a key"
    assert long[2] <= short[2] < 2000, "only rows that are drawn are read"


async def test_a_bracket_is_not_searched_for_beyond_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Desk("[verse]\n(never closed\n" + "words\n" * 500 + ")\n")
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((1, 0))
        await pilot.pause()
        assert app.editor.matching_bracket_location is None
        app.editor.move_cursor((0, 0))
        assert app.editor.matching_bracket_location == (0, 6)
