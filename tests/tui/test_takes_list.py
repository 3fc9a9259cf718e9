from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult

import tui
from tui.widgets.takes_list import NOTHING, Signs, TakeRow, TakesList, widths_for

STYLES = Path(tui.__file__).parent / "styles"
ODD = TakeRow("a", "composing 43 %", None, None, "[/chorus] [ verse ] [b]")
READY = TakeRow("b", "ready", 123.0, 7, "雪花飘")
OLD = TakeRow("c", "failed: disk full", 9.0, 8, "tab\there\x1b[31m")


class Takes(App[None]):
    CSS_PATH = STYLES / "takes.tcss"

    def __init__(self, *early: TakeRow) -> None:
        super().__init__()
        self.early = early
        self.chosen: list[str] = []
        self.highlighted: list[str] = []
        self.asked: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        takes = TakesList()
        takes.show(self.early)
        yield takes

    def on_takes_list_chosen(self, event: TakesList.Chosen) -> None:
        assert event.control is self.takes
        self.chosen.append(event.id)

    def on_takes_list_highlighted(self, event: TakesList.Highlighted) -> None:
        self.highlighted.append(event.id)

    def on_takes_list_asked(self, event: TakesList.Asked) -> None:
        self.asked.append((event.verb, event.id))

    @property
    def takes(self) -> TakesList:
        return self.query_one(TakesList)

    def screen_text(self) -> str:
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())

    def cell(self, key: str, column: str) -> str:
        return self.takes.get_cell(key, column).plain


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_words_are_shown_as_written(until: Any, size: tuple[int, int]) -> None:
    app = Takes(ODD, READY, OLD)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: ODD.detail in app.screen_text())
        assert "雪花飘" in app.screen_text()
        assert "\x1b" not in app.screen_text()


async def test_unknown_numbers_are_question_marks() -> None:
    async with Takes(ODD, READY).run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Takes)
        assert (app.cell("a", "length"), app.cell("a", "seed")) == ("?", "?")
        assert (app.cell("b", "length"), app.cell("b", "seed")) == ("2:03", "7")


async def test_enter_plays_the_take_under_the_cursor(until: Any) -> None:
    app = Takes(ODD, READY)
    async with app.run_test() as pilot:
        app.takes.focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.chosen)
        assert app.chosen == ["b"]
        assert app.highlighted[-1] == "b"
        assert app.takes.current == READY


async def test_a_new_take_leaves_the_cursor_on_the_same_one(until: Any) -> None:
    app = Takes(ODD, READY)
    async with app.run_test() as pilot:
        app.takes.focus()
        await pilot.press("down")
        app.takes.show([OLD, ODD, READY])
        await until(pilot, lambda: app.takes.row_count == 3)
        assert app.takes.current == READY
        app.takes.show([replace(OLD, state_text="ready"), ODD, replace(READY, detail="played")])
        assert app.takes.current is not None
        assert app.takes.current.id == "b"
        assert app.cell("c", "state") == "ready"
        app.takes.show([OLD])
        await until(pilot, lambda: app.takes.row_count == 1)
        assert app.takes.current == OLD


async def test_only_the_changed_cell_is_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Takes(ODD, READY)
    async with app.run_test():
        written: list[tuple[Any, Any]] = []
        original = app.takes.update_cell

        def update_cell(row: Any, column: Any, *args: Any, **kwargs: Any) -> None:
            written.append((row, column))
            original(row, column, *args, **kwargs)

        monkeypatch.setattr(app.takes, "update_cell", update_cell)
        app.takes.show([ODD, READY])
        assert written == []
        app.takes.show([replace(ODD, state_text="ready"), READY])
        assert written == [("a", "state")]


async def test_what_is_written_again_is_seen_also_where_the_list_was_scrolled(until: Any) -> None:
    rows = [replace(READY, id=str(at), number=at, detail=f"no. {at}") for at in range(30)]
    app = Takes(*rows)
    async with app.run_test(size=(80, 10)) as pilot:
        app.takes.focus()
        app.takes.go_to("20")
        await until(pilot, lambda: "no. 20" in app.screen_text() and app.takes.scroll_y > 0)
        for at in (0, 14, 20):
            rows[at] = replace(rows[at], state_text=f"composing {at} %")
        app.takes.show(rows)
        await until(pilot, lambda: "composing 20 %" in app.screen_text())
        await until(pilot, lambda: "composing 14 %" in app.screen_text())
        app.takes.go_to("0")
        await until(pilot, lambda: "composing 0 %" in app.screen_text())


async def test_an_empty_list_says_how_to_fill_it(until: Any) -> None:
    app = Takes()
    async with app.run_test() as pilot:
        await until(pilot, lambda: NOTHING in app.screen_text())
        await pilot.press("enter")
        assert app.chosen == []
        app.takes.show([READY])
        await until(pilot, lambda: "雪花飘" in app.screen_text())
        assert NOTHING not in app.screen_text()


@pytest.mark.parametrize("width", [40, 80, 120, 200])
async def test_the_last_columns_take_the_room_there_is(until: Any, width: int) -> None:
    app = Takes(replace(READY, detail="x" * 300))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.resize_terminal(width, 24)
        await until(pilot, lambda: app.takes.size.width == width)
        room = sum(column.get_render_width(app.takes) for column in app.takes.columns.values())
        assert room == max(width, 73)
        assert app.takes.current is not None


async def test_a_row_is_told_by_its_place_in_the_tree_its_star_and_its_note(until: Any) -> None:
    parent = replace(READY, number=1, star=True, note="keep [this]")
    child = replace(ODD, id="d", number=2, lead="└ ", detail="re-sung from 0:42 of take 1")
    app = Takes(parent, child)
    async with app.run_test() as pilot:
        app.takes.mark(Signs("b", True, "b"))
        assert [app.cell(key, "take") for key in "bd"] == ["1★ A▶", "└ 2"]
        assert app.cell("b", "detail") == "“keep [this]” · 雪花飘"
        await pilot.resize_terminal(200, 24)
        await until(pilot, lambda: "note" in widths_for(app.takes.size.width))
        await until(pilot, lambda: app.takes.row_count == 2 and len(app.takes.columns) == 6)
        assert (app.cell("b", "detail"), app.cell("b", "note")) == ("雪花飘", "keep [this]")
        assert [app.cell(key, "take") for key in "bd"] == ["1★ A▶", "└ 2"]


def test_of_a_deep_tree_the_last_lines_are_drawn() -> None:
    deep = replace(READY, number=12, star=True, lead="│ │ │ │ └ ")
    columns = widths_for(80)
    assert deep.cells("A▶", columns)[0] == "… └ 12★ A▶"
    assert deep.cells("A▶", widths_for(200))[0] == "│ │ │ │ └ 12★ A▶"


async def test_a_key_asks_for_the_take_under_the_cursor(until: Any) -> None:
    app = Takes(ODD, READY)
    async with app.run_test() as pilot:
        app.takes.focus()
        await pilot.press("down", *"seirdgvtuw", "slash", "delete", "shift+delete")
        await until(pilot, lambda: len(app.asked) == 13)
        verbs = [verb for verb, _ in app.asked]
        assert verbs[:8] == ["star", "note", "details", "resing", "endings", "go_on", "render", "sort"]
        assert verbs[8:] == ["undo", "bin", "search", "trash", "empty"]
        assert {take for _, take in app.asked} == {"b"}


async def test_one_that_goes_leaves_the_cursor_on_the_next(until: Any) -> None:
    app = Takes(ODD, READY, OLD)
    async with app.run_test() as pilot:
        app.takes.focus()
        await pilot.press("down")
        app.takes.show([ODD, OLD])
        await until(pilot, lambda: app.takes.row_count == 2)
        assert app.takes.current == OLD
        app.takes.show([], nothing="The trash is empty.")
        await until(pilot, lambda: "The trash is empty." in app.screen_text())
        await pilot.press("s")
        await until(pilot, lambda: app.asked)
        assert app.asked == [("star", "")]


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -3.0, 1e300])
async def test_a_length_that_cannot_be_is_shown_without_harm(seconds: float) -> None:
    app = Takes(replace(READY, seconds=seconds, detail="\ud800"))
    async with app.run_test():
        assert "\ud800" not in app.cell("b", "detail")


async def test_takes_in_hand_and_compared_are_marked_by_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    numbered = [replace(take, number=3 - at) for at, take in enumerate((ODD, READY, OLD))]
    app = Takes(*numbered)
    async with app.run_test() as pilot:
        app.takes.mark(Signs("b", True, "c", "b"))
        assert [app.cell(key, "take") for key in "abc"] == ["3", "2 B▶", "1 A"]
        app.takes.show(numbered[:2])
        await pilot.pause()
        assert [app.cell(key, "take") for key in "ab"] == ["3", "2 B▶"]
        written: list[str] = []
        original = app.takes.update_cell

        def update_cell(row: Any, *rest: Any, **more: Any) -> None:
            written.append(row)
            original(row, *rest, **more)

        monkeypatch.setattr(app.takes, "update_cell", update_cell)
        app.takes.mark(Signs("b", False, "c", "b"))
        assert app.cell("b", "take") == "2 B⏸"
        assert written == ["b"]
        app.takes.mark(Signs())
        assert app.cell("b", "take") == "2"
