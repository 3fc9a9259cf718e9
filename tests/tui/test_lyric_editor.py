"""The lyric editor: what it says, what its keys do, and that it never shows anything but the text."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Size
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


async def test_every_binding_has_an_id_and_a_tooltip() -> None:
    assert all(binding.id and binding.tooltip for binding in LyricEditor.BINDINGS)  # type: ignore[union-attr]


async def test_the_popup_leaves_with_its_editor(until: Any) -> None:
    app = Desk()
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
