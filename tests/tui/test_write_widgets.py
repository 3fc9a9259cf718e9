"""The rows under the editor: the budget bar and the problem line, at any width and with any text."""

from dataclasses import replace
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widget import Widget

from core.lyrics.budget import Budget
from core.lyrics.check import Diagnostic, Fix, Severity
from core.lyrics.parse import Place, Span
from core.lyrics.tags import dialect
from tui.widgets.budget_bar import BudgetBar, clock
from tui.widgets.completion import CompletionPopup
from tui.widgets.problems import ProblemLine, counted

BUDGET = Budget(tokens=123, token_limit=600, seconds=(100.0, 150.4), seconds_limit=270.0, sections=())
HERE = Span(Place(2, 0), Place(2, 6))
UNKNOWN = Diagnostic(
    Severity.ERROR, "unknown-tag", "unknown tag [vers]", "use [verse]", HERE, 0, Fix("x", ())
)


class Rows(App[None]):
    CSS_PATH = "../../tui/styles/write.tcss"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.bar = BudgetBar()
        self.line = ProblemLine()

    def compose(self) -> ComposeResult:
        yield self.bar
        yield self.line


def text(widget: Widget) -> str:
    return "".join(segment.text for segment in widget.render_line(0)).rstrip()


def runs(widget: Widget, characters: str) -> int:
    """How many colour runs the cells with these characters make."""
    return sum(1 for segment in widget.render_line(0) if set(segment.text.strip()) & set(characters))


@pytest.mark.parametrize("width", [200, 80, 60, 59, 40])
async def test_the_bar_shows_all_figures_at_any_width(width: int) -> None:
    app = Rows()
    async with app.run_test(size=(width, 24)) as pilot:
        for tokens in (0, 1, 123, 599, 600, 1234, None):
            app.bar.show(replace(BUDGET, tokens=tokens))
            await pilot.pause()
            shown = text(app.bar)
            assert f"{'?' if tokens is None else tokens}/600" in shown
            assert "1:40–2:30" in shown
            assert "4:30" in shown
            assert app.bar.size.height == 1


async def test_the_bar_grows_with_the_tokens_in_at_most_two_colour_runs() -> None:
    app = Rows()
    async with app.run_test(size=(80, 24)) as pilot:
        lengths = []
        for tokens in range(0, 601, 60):
            app.bar.show(replace(BUDGET, tokens=tokens))
            await pilot.pause()
            lengths.append(text(app.bar).count("█"))
            assert runs(app.bar, "█░") <= 2
        assert lengths == sorted(lengths)
        assert lengths[0] == 0
        assert text(app.bar).count("░") == 0


async def test_too_much_is_said_in_words_and_not_only_in_colour() -> None:
    app = Rows()
    async with app.run_test(size=(80, 24)) as pilot:
        app.bar.show(replace(BUDGET, tokens=601))
        await pilot.pause()
        assert "text 601/600 too long" in text(app.bar)
        app.bar.show(replace(BUDGET, seconds=(300.0, 400.0)))
        await pilot.pause()
        assert "5:00–6:40, the model ends it at 4:30: too long" in text(app.bar)
    async with (app := Rows()).run_test(size=(40, 24)) as pilot:
        app.bar.show(replace(BUDGET, tokens=601))
        await pilot.pause()
        assert "601/600!" in text(app.bar)


async def test_unknown_tokens_draw_no_bar_that_could_be_read_as_empty() -> None:
    app = Rows()
    async with app.run_test(size=(80, 24)) as pilot:
        app.bar.show(replace(BUDGET, tokens=None))
        await pilot.pause()
        assert "text ?/600" in text(app.bar)
        assert not set(text(app.bar)) & set("█░")


async def test_nothing_is_shown_before_there_are_figures() -> None:
    app = Rows()
    async with app.run_test(size=(80, 24)):
        assert text(app.bar) == ""
        assert text(app.line) == ""


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (600, "10:00")])
def test_seconds_read_as_a_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


async def test_the_line_says_where_what_how_and_which_key() -> None:
    app = Rows()
    async with app.run_test(size=(80, 24)) as pilot:
        app.line.show(UNKNOWN, counted([UNKNOWN]))
        await pilot.pause()
        assert text(app.line) == "✗ 3:1 unknown tag [vers] → use [verse]  (F8 fixes)"
        app.line.show(replace(UNKNOWN, fix=None, severity=Severity.WARNING), {})
        await pilot.pause()
        assert text(app.line) == "! 3:1 unknown tag [vers] → use [verse]"


async def test_text_from_people_is_never_read_as_markup() -> None:
    app = Rows()
    odd = "[/chorus] [ verse ] [b]"
    async with app.run_test(size=(80, 24)) as pilot:
        app.line.show(replace(UNKNOWN, message=odd, hint=odd, fix=None), {})
        await pilot.pause()
        assert text(app.line) == f"✗ 3:1 {odd} → {odd}"


async def test_a_long_problem_is_cut_before_the_key_that_mends_it() -> None:
    app = Rows()
    async with app.run_test(size=(40, 24)) as pilot:
        app.line.show(replace(UNKNOWN, message="雪花飘" * 30), {})
        await pilot.pause()
        assert text(app.line).endswith("…  (F8 fixes)")
        assert app.line.size.height == 1


async def test_without_a_problem_at_the_cursor_the_line_counts_all_of_them() -> None:
    app = Rows()
    hint = replace(UNKNOWN, severity=Severity.HINT)
    async with app.run_test(size=(80, 24)) as pilot:
        app.line.show(None, counted([UNKNOWN, hint, UNKNOWN]))
        await pilot.pause()
        assert text(app.line) == "✗ 2 errors  · 1 hint  (F4 next)"
        app.line.show(None, {})
        await pilot.pause()
        assert text(app.line) == "✓ no problems"


async def test_the_same_figures_again_send_nothing(pyte_terminal: Any) -> None:
    app = Rows(driver_class=pyte_terminal.driver_class)
    async with app.run_test(size=(80, 24), headless=False) as pilot:
        app.bar.show(BUDGET)
        app.line.show(UNKNOWN, counted([UNKNOWN]))
        await pilot.pause(0.05)
        before = pyte_terminal.characters
        app.bar.show(replace(BUDGET))
        app.line.show(replace(UNKNOWN), counted([UNKNOWN]))
        await pilot.pause(0.05)
        assert pyte_terminal.characters == before
        app.bar.show(replace(BUDGET, tokens=400))
        await pilot.pause(0.05)
        assert 0 < pyte_terminal.characters - before < 400


class Floating(App[None]):
    CSS_PATH = "../../tui/styles/write.tcss"

    def __init__(self) -> None:
        super().__init__()
        self.accepted = 0
        self.popup = CompletionPopup(dialect("levo"), self.accept)

    def compose(self) -> ComposeResult:
        yield self.popup

    def accept(self) -> None:
        self.accepted += 1


@pytest.mark.parametrize(
    ("query", "best"), [("ch", "chorus"), ("br", "bridge"), ("im", "intro-medium"), ("sil", "silence")]
)
async def test_the_best_match_comes_first(query: str, best: str) -> None:
    app = Floating()
    async with app.run_test(size=(80, 24)):
        assert app.popup.offer(query, app.popup.region.offset)
        assert app.popup.chosen is not None
        assert app.popup.chosen.name == best


async def test_a_query_nobody_could_mean_closes_the_list() -> None:
    app = Floating()
    async with app.run_test(size=(80, 24)):
        for query in ("zz", "v" * 100, "雪", "verse "):
            assert not app.popup.offer(query, app.popup.region.offset), query
            assert not app.popup.is_open
            assert app.popup.chosen is None


async def test_the_list_shows_tags_with_their_brackets_and_what_they_are() -> None:
    app = Floating()
    async with app.run_test(size=(80, 24)) as pilot:
        app.popup.offer("", app.popup.region.offset)
        await pilot.pause(0.05)
        rows = ["".join(s.text for s in app.popup.render_line(y)) for y in range(4)]
        assert "[verse]" in rows[0]
        assert "sung" in rows[0]
        assert "[intro-short]" in rows[3]
        assert "no words, 0–10 s" in rows[3]
        assert not app.popup.can_focus


async def test_the_bar_says_what_ends_the_song() -> None:
    app = Rows()
    async with app.run_test(size=(80, 24)) as pilot:
        for length, words in (
            (60.0, "song 1:40–2:30, length ends it at 1:00!"),
            (120.0, "song 1:40–2:30, length ends it at 2:00"),
            (270.0, "song 1:40–2:30, the model ends it at 4:30"),
            (None, "song 1:40–2:30, the model ends it at 4:30"),
        ):
            app.bar.show(BUDGET, length)
            await pilot.pause()
            assert text(app.bar).endswith(words)


async def test_the_bar_keeps_its_bar_where_its_words_must_be_fewer() -> None:
    app = Rows()
    async with app.run_test(size=(60, 24)) as pilot:
        app.bar.show(BUDGET, 60.0)
        await pilot.pause()
        assert text(app.bar).endswith("song 1:40–2:30, length 1:00!")
        assert "█" in text(app.bar)
