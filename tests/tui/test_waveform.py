import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult

import tui
from tui.widgets.bars import REST, bar, braille, clip, clock, gib, one_line
from tui.widgets.waveform import NOTHING, Marks, Waveform

STYLES = Path(tui.__file__).parent / "styles"
MARKS: Marks = ((0.0, "intro"), (20.0, "[verse]"), (90.0, "[/chorus]"), (199.0, "outro"))


class Hum:
    """A swell of 200 s."""

    seconds = 200.0

    def __init__(self) -> None:
        self.asked = 0

    def columns(self, width: int) -> Sequence[float]:
        self.asked += 1
        return tuple(abs(math.sin(n / 9)) for n in range(width))


class Page(App[None]):
    CSS_PATH = STYLES / "transport.tcss"

    def compose(self) -> ComposeResult:
        yield Waveform()

    @property
    def wave(self) -> Waveform:
        return self.query_one(Waveform)

    def rows(self) -> list[str]:
        return [self.wave.render_line(y).text for y in range(self.wave.size.height)]


@pytest.mark.parametrize("size", [(200, 60), (120, 40), (80, 24), (40, 20), (7, 5)])
async def test_it_is_drawn_at_any_width_in_two_runs(size: tuple[int, int]) -> None:
    async with Page().run_test(size=size) as pilot:
        app = pilot.app
        assert isinstance(app, Page)
        app.wave.show(Hum(), MARKS)
        for position in (0.0, 70.0, 199.9, 500.0):
            app.wave.position = position
            for y in range(app.wave.size.height):
                strip = app.wave.render_line(y)
                assert strip.cell_length == size[0]
                assert len([segment for segment in strip if segment.text.strip()]) <= 2


async def test_the_head_stands_where_the_player_is_and_sections_are_named() -> None:
    async with Page().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Page)
        app.wave.show(Hum(), MARKS)
        app.wave.position = 100.0
        *wave, marks = app.rows()
        assert all(row.index("┃") == 40 for row in wave)
        assert marks.startswith("╵intro")
        assert marks.index("╵[verse]") == 8
        assert marks.index("╵[/chorus]") == 36


async def test_moving_the_head_draws_nothing_anew_and_a_resize_does(until: Any) -> None:
    async with Page().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Page)
        hum = Hum()
        app.wave.show(hum)
        await until(pilot, lambda: hum.asked == 1)
        for second in range(100):
            app.wave.position = float(second)
        await pilot.pause()
        app.rows()
        assert hum.asked == 1
        await pilot.resize_terminal(50, 20)
        await until(pilot, lambda: hum.asked == 2)
        assert len(app.rows()[0]) == 50


async def test_without_sound_it_says_so() -> None:
    async with Page().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Page)
        assert app.rows()[0].strip() == NOTHING
        app.wave.show(Hum())
        assert NOTHING not in app.rows()[0]
        app.wave.show(None)
        app.wave.position = 3.0
        assert app.rows()[0].strip() == NOTHING


def test_a_bar_is_as_wide_as_asked_and_grows_with_the_fraction() -> None:
    for width in (0, 1, 8, 33):
        lengths = []
        for step in range(-10, 111):
            done, rest = bar(step / 100, width)
            assert len(done) + len(rest) == width
            lengths.append(len(done))
        assert lengths == sorted(lengths)
    assert bar(0.0, 8) == ("", REST * 8)
    assert bar(1.0, 8) == ("█" * 8, "")


@pytest.mark.parametrize("height", [1, 2, 3, 5])
def test_louder_is_taller_in_braille(height: int) -> None:
    def dots(level: float) -> int:
        rows = braille((level, level), height)
        assert len(rows) == height
        return sum((ord(cell) - 0x2800).bit_count() for row in rows for cell in row)

    heights = [dots(level / 20) for level in range(21)]
    assert heights == sorted(heights)
    assert heights[0] == 2
    assert heights[-1] == 8 * height


def test_words_from_people_stay_on_one_line_and_inside_their_room() -> None:
    assert one_line("a\tb\n\x1b[31mc\u202e") == "a b  [31mc"
    assert clip("雪花飘飘", 5) == "雪花…"
    assert clip("abc", 3) == "abc"
    assert clip("abcd", 0) == ""


def test_unknown_numbers_are_question_marks() -> None:
    assert (clock(None), clock(72.9), clock(280)) == ("?", "1:12", "4:40")
    assert (gib(None), gib(1 << 30)) == ("?", "1.0")


async def test_a_loop_stands_between_brackets_and_the_label_in_the_corner() -> None:
    async with Page().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Page)
        app.wave.show(Hum(), MARKS)
        app.wave.position = 100.0
        app.wave.loop, app.wave.label = (20.0, 90.0), "A"
        *wave, marks = app.rows()
        assert all((row.index("["), row.index("]")) == (8, 35) for row in wave)
        assert wave[0].startswith("A ")
        assert not wave[1].startswith("A")
        assert "╵[verse]" in marks
        app.wave.loop = (0.0, math.inf)
        assert all((row.rindex("]"), len(row)) == (79, 80) for row in app.rows()[:-1])
        assert all(len([s for s in app.wave.render_line(y) if s.text]) <= 2 for y in range(3))
        app.wave.loop = (90.0, 90.0)
        assert app.rows()[1].count("]") == 1
        app.wave.loop, app.wave.label = None, ""
        assert "[" not in "".join(app.rows()[:-1])


@pytest.mark.parametrize("size", [(80, 24), (41, 10), (3, 5)])
async def test_what_is_not_rendered_yet_is_blank(size: tuple[int, int]) -> None:
    async with Page().run_test(size=size) as pilot:
        app = pilot.app
        assert isinstance(app, Page)
        app.wave.show(Hum(), MARKS, whole=400.0)
        app.wave.position = 100.0
        for row in app.rows()[:-1]:
            assert len(row) == size[0]
            assert not row[size[0] // 2 :].strip(" ┃")
        assert app.wave.head == size[0] // 4
