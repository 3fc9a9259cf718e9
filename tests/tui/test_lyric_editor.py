"""The lyric editor: what it says, what its keys do, and that it never shows anything but the text."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Input

from core.lyrics.check import Severity, apply_fix, check
from core.lyrics.parse import parse
from core.lyrics.tags import dialect
from tui.widgets.lyric_editor import LyricEditor

LEVO = dialect("levo")
GOOD = "[intro-short]\n\n[verse]\nRain on the window.\nI am here.\n\n[chorus]\nLa la la.\n"
BROKEN = "[vers]\nRain on the window\n\n[intro-short]\nla la\n\n[chorus]\n\n[verse]\nwow，so far.\n"
ODD = "[/chorus] [ verse ] [b]"


class Desk(App[None]):
    CSS_PATH = "../../tui/styles/write.tcss"

    def __init__(self, text: str = GOOD, **options: Any) -> None:
        super().__init__(**options)
        self.editor = LyricEditor(LEVO, text, id="lyrics")
        self.checked: list[LyricEditor.Checked] = []
        self.pointed: list[LyricEditor.Pointed] = []

    def compose(self) -> ComposeResult:
        yield self.editor
        yield Input(id="elsewhere")

    def on_mount(self) -> None:
        self.editor.focus()

    def on_lyric_editor_checked(self, message: LyricEditor.Checked) -> None:
        self.checked.append(message)

    def on_lyric_editor_pointed(self, message: LyricEditor.Pointed) -> None:
        self.pointed.append(message)


def row_on_screen(editor: LyricEditor, y: int) -> str:
    return editor.render_line(y).text


def mark(editor: LyricEditor, y: int) -> str:
    return row_on_screen(editor, y)[editor.gutter_width - 2]


def rules(editor: LyricEditor) -> list[str]:
    return [diagnostic.rule for diagnostic in editor.diagnostics]


async def test_the_first_text_is_checked_without_a_key(until: Any) -> None:
    app = Desk(BROKEN)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.checked)
        assert app.checked[0].control is app.editor
        assert app.checked[0].diagnostics == check(parse(BROKEN), LEVO)
        assert app.checked[0].lyrics.text == BROKEN


async def test_a_burst_of_changes_is_checked_once(until: Any) -> None:
    app = Desk()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.checked) == 1)
        for character in "ten quick keys":
            app.editor.insert(character)
        await until(pilot, lambda: len(app.checked) > 1)
        assert len(app.checked) == 2
        assert app.checked[1].lyrics.text == app.editor.text


async def test_the_screen_can_put_its_own_judge_in(until: Any) -> None:
    app = Desk(BROKEN)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.checked)
        app.editor.judge = lambda text: (parse(text), ())
        app.editor.check_now()
        await until(pilot, lambda: len(app.checked) == 2)
        assert app.checked[1].diagnostics == ()
        assert mark(app.editor, 0) == " "


async def test_text_with_brackets_is_shown_as_it_is(until: Any) -> None:
    app = Desk(f"[verse]\n{ODD}\nla.\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.checked)
        assert row_on_screen(app.editor, 1)[app.editor.gutter_width :].rstrip() == ODD
        app.editor.move_cursor((1, 3))
        await pilot.pause()
        assert row_on_screen(app.editor, 1)[app.editor.gutter_width :].rstrip() == ODD


async def test_known_and_unknown_tags_differ_without_colour(until: Any) -> None:
    app = Desk("[verse]\nla.\n[vers]\nla [verse].\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.checked)
        styles = [app.editor.get_line(row).get_style_at_offset(app.console, 2) for row in range(4)]
        known, plain, unknown, _ = ((style.bold, style.reverse) for style in styles)
        inside = app.editor.get_line(3).get_style_at_offset(app.console, 5)
        assert len({known, plain, unknown}) == 3
        assert not inside.bold, "a tag inside a lyric line is no tag"


async def test_the_gutter_marks_the_worst_problem_of_each_row(until: Any) -> None:
    app = Desk(BROKEN)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.checked)
        signs = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.HINT: "·"}
        order = list(Severity)
        for row in range(app.editor.document.line_count):
            here = [d.severity for d in app.editor.diagnostics if d.span.start.row == row]
            assert mark(app.editor, row) == (signs[min(here, key=order.index)] if here else " "), row
        assert row_on_screen(app.editor, 0).endswith(" " * 20)
        assert len(row_on_screen(app.editor, 0)) == len(row_on_screen(app.editor, 1))


async def test_marks_move_with_their_rows_before_the_next_check(until: Any) -> None:
    app = Desk("[verse]\nla.\n[vers]\nla.\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.checked)
        assert mark(app.editor, 2) == "✗"
        app.editor.insert("a line.\n", (1, 0))
        assert (mark(app.editor, 2), mark(app.editor, 3)) == (" ", "✗")


def fixes() -> Iterator[str]:
    yield BROKEN
    yield "la la\n"
    yield "[verse]\n\n[chorus]\nla；la。"
    yield "[intro-short]\nwords here\n[verse]\n雪花飘.\n"
    yield "[silence]\n[vrse]"


@pytest.mark.parametrize("text", fixes())
async def test_a_fix_does_to_the_document_what_core_says_and_undo_restores_it(text: str) -> None:
    app = Desk(text)
    async with app.run_test(size=(80, 24)):
        mendable = [d.fix for d in check(parse(text), LEVO) if d.fix]
        assert mendable
        for fix in mendable:
            app.editor.load_text(text)
            app.editor.apply(fix)
            assert app.editor.text == apply_fix(text, fix), fix.title
            app.editor.undo()
            assert app.editor.text == text, fix.title


async def test_f8_mends_the_row_first_and_then_the_rest_one_by_one() -> None:
    app = Desk(BROKEN)
    async with app.run_test(size=(80, 24)) as pilot:
        app.editor.move_cursor((9, 0))
        await pilot.press("f8")
        assert "，" not in app.editor.text
        assert app.editor.text.startswith("[vers]")
        for _ in range(20):
            app.editor.action_fix()
        assert not [d for d in app.editor.diagnostics if d.fix]


async def test_f4_walks_the_problems_both_ways_and_round(until: Any) -> None:
    app = Desk(BROKEN)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.checked)
        places = sorted({(d.span.start.row, d.span.start.column) for d in app.editor.diagnostics})
        app.editor.move_cursor(app.editor.document.end)
        await pilot.press("f4")
        assert app.editor.cursor_location == places[0]
        await pilot.press("f4")
        assert app.editor.cursor_location == places[1]
        await pilot.press("shift+f4", "shift+f4")
        assert app.editor.cursor_location == places[-1]


async def test_the_problem_under_the_cursor_is_announced_once(until: Any) -> None:
    app = Desk("[verse]\nla.\n[vers]\nla.\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.checked)
        assert not app.pointed
        app.editor.move_cursor((2, 1))
        app.editor.move_cursor((2, 2))
        app.editor.move_cursor((0, 0))
        await until(pilot, lambda: len(app.pointed) == 2)
        first, second = (message.diagnostic for message in app.pointed)
        assert first is not None
        assert first.rule == next(iter(rules(app.editor)))
        assert second is None


async def test_f8_mends_the_very_problem_that_is_pointed_at(until: Any) -> None:
    app = Desk("[verse]\none，two。three；\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.checked)
        on_row = [d for d in app.editor.diagnostics if d.span.start.row == 1 and d.fix]
        last = max(on_row, key=lambda d: d.span.start)
        app.editor.move_cursor((1, last.span.start.column + 1))
        await until(pilot, lambda: app.editor.pointed is not None)
        pointed = app.editor.pointed
        assert pointed is not None
        assert pointed.fix is not None
        expected = apply_fix(app.editor.text, pointed.fix)
        await pilot.press("f8")
        assert app.editor.text == expected


async def test_f8_goes_to_the_problem_it_mends() -> None:
    app = Desk("[verse]\n" + "la.\n" * 60 + "[vers]\nla.\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f8")
        assert app.editor.document[61] == "[verse]"
        assert app.editor.cursor_location[0] == 61
        await pilot.pause(0.05)
        assert app.editor.scroll_offset.y > 0


async def test_the_problem_is_told_again_after_each_check(until: Any) -> None:
    app = Desk("[vers]\nla.\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.pointed) == 1)
        app.editor.check_now()
        await until(pilot, lambda: len(app.pointed) == 2)
        assert app.pointed[0].diagnostic == app.pointed[1].diagnostic == app.editor.pointed


async def test_every_binding_has_an_id_and_a_tooltip() -> None:
    assert all(binding.id and binding.tooltip for binding in LyricEditor.BINDINGS)  # type: ignore[union-attr]


async def fuzz(terminal: Any, seed: int, rounds: int) -> None:
    dice = random.Random(seed)
    app = Desk(BROKEN, driver_class=terminal.driver_class)
    async with app.run_test(size=(80, 24), headless=False) as pilot:
        for _ in range(rounds):
            for _ in range(6):
                strike(app, dice)
            await compare(app, pilot, terminal)


def strike(app: Desk, dice: random.Random) -> None:
    keys = ["f8", "f4", "shift+f4", "alt+i", "tab", "escape", "enter", "down", "up", "ctrl+z", "ctrl+y", "f6"]
    typed = ["[", "[", "]", "v", "雪", "，", ".", " ", ";"]
    if dice.random() < 0.6:
        key = str(dice.choice(keys))
        app.post_message(events.Key(key, "\r" if key == "enter" else None))
        app.editor.focus()
    else:
        character = str(dice.choice(typed))
        app.post_message(events.Key(character, character))


async def compare(app: Desk, pilot: Any, terminal: Any) -> None:
    await pilot.pause()
    app.editor.check_now()
    written = None
    while written != terminal.characters:
        written = terminal.characters
        await pilot.pause(0.03)
    shown = terminal.cells()
    fresh = await terminal.repainted(app, pilot)
    stale = [(y, x) for y, row in enumerate(fresh) for x, cell in enumerate(row) if cell != shown[y][x]]
    assert not stale, f"{len(stale)} stale cells, first {stale[:3]}\n{terminal.text()}"


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_cell_of_the_editor_is_stale(pyte_terminal: Any, seed: int) -> None:
    await fuzz(pyte_terminal, seed, 6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50, 70))
async def test_no_cell_of_the_editor_is_stale_after_many_keys(pyte_terminal: Any, seed: int) -> None:
    await fuzz(pyte_terminal, seed, 15)


async def test_typing_in_the_editor_costs_less_than_a_kilobyte_a_key(pyte_terminal: Any) -> None:
    app = Desk(GOOD, driver_class=pyte_terminal.driver_class)
    async with app.run_test(size=(80, 24), headless=False) as pilot:
        app.editor.move_cursor((4, 0))
        await pilot.pause(0.05)
        before = pyte_terminal.characters
        for character in "some words":
            app.post_message(events.Key(character, character))
            await pilot.pause()
        await pilot.pause(0.3)
        assert 0 < (pyte_terminal.characters - before) / 10 < 1000
