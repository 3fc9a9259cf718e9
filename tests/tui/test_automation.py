"""The lanes of turned settings: on the waveform's time axis, in two runs, at most three rows."""

from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult

import tui
from core.takes.automation import Lane
from tui.widgets.automation import Automation, column, lane_row
from tui.widgets.waveform import Waveform

STYLES = Path(tui.__file__).parent / "styles"
HEAT = Lane("temperature", 0.9, ((40.0, 1.05), (80.0, 1.2)))
TOP = Lane("top_k", 5000, ((10.0, 50),))
SIGN = Lane("penalty_sign", "published", ((60.0, "aware"), (90.0, "published")))
STEPS = Lane("flow_steps", 10, ((0.0, 16),))


class Hum:
    seconds = 120.0

    def columns(self, width: int) -> tuple[float, ...]:
        return (0.5,) * width


class Page(App[None]):
    CSS_PATH = STYLES / "tune.tcss"
    CSS = "Waveform { height: 4; }"

    def compose(self) -> ComposeResult:
        yield Waveform()
        yield Automation()

    @property
    def automation(self) -> Automation:
        return self.query_one(Automation)


def test_heights_change_at_the_columns_of_the_turns_and_values_stand_beside_them() -> None:
    row = lane_row(HEAT, 120, 120)
    assert row.startswith("temperature 0.9 ▁")
    assert row[39:48] == "▁▄ 1.05 ▄"
    assert row[79:87] == "▄▇ 1.2 ▇"
    assert set(row[90:]) == {"▇"}


@pytest.mark.parametrize("lane", [HEAT, TOP, SIGN, STEPS])
@pytest.mark.parametrize("width", [1, 7, 20, 40, 76, 200])
def test_a_row_is_as_wide_as_it_is_told_and_names_its_setting(lane: Lane, width: int) -> None:
    row = lane_row(lane, 120, width)
    assert len(row) == width
    if width > 39:
        assert lane.key in row


def test_a_setting_turned_at_the_start_says_from_what() -> None:
    assert lane_row(STEPS, 120, 60).startswith("flow_steps 10 → 16 ▇")


def test_a_short_first_stretch_is_still_told() -> None:
    row = lane_row(Lane("temperature", 0.9, ((4.0, 1.2),)), 120, 76)
    assert row.startswith("▁▁▇ temperature 0.9 → 1.2 ▇")


def test_many_turns_leave_the_name_readable() -> None:
    lane = Lane("temperature", 0.5, tuple((6.0 * n, 0.5 + n / 20) for n in range(1, 20)))
    assert lane_row(lane, 120, 76).startswith("temperature 0.5 → 1.45 ")


def test_a_moment_after_the_end_is_drawn_at_the_end() -> None:
    assert lane_row(Lane("top_k", 9, ((500.0, 1),)), 120, 30)[-1] == "▁"


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (33, 12)])
async def test_it_has_a_row_for_each_lane_of_two_runs_at_most(size: tuple[int, int], until: Any) -> None:
    async with Page().run_test(size=size) as pilot:
        app = pilot.app
        assert isinstance(app, Page)
        lanes = app.automation
        assert not lanes.display
        lanes.show([HEAT, TOP, SIGN], 120, reached=90)
        await until(pilot, lambda: lanes.size.height == 3)
        for y in range(3):
            strip = lanes.render_line(y)
            assert strip.cell_length == size[0]
            assert len([segment for segment in strip if segment.text.strip()]) <= 2
            assert strip.text == lanes.lines[y]
        lanes.show([], 120)
        await until(pilot, lambda: not lanes.display)


async def test_its_columns_are_those_of_the_waveform(until: Any) -> None:
    async with Page().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Page)
        wave = app.query_one(Waveform)
        wave.show(Hum())
        app.automation.show([HEAT], 120)
        await until(pilot, lambda: app.automation.size.width == wave.size.width)
        for at, _ in HEAT.turns:
            wave.position = at
            assert column(at, 120, app.automation.size.width) == wave.head
            assert app.automation.lines[0][wave.head] in "▄▇"
            assert app.automation.lines[0][wave.head - 1] in "▁▄"


async def test_what_is_not_composed_yet_is_dots_and_only_new_columns_are_repainted(until: Any) -> None:
    async with Page().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Page)
        lanes = app.automation
        lanes.show([HEAT], 120, reached=60)
        await until(pilot, lambda: lanes.size.height == 1)
        width = lanes.size.width
        here, there = column(60, 120, width), column(63, 120, width)
        assert "▄" in lanes.lines[0][:here]
        assert not set(lanes.lines[0][here:]) & set("▁▄▇")
        assert "·" in lanes.lines[0][here:]
        await pilot.pause()
        painted: list[Any] = []
        plain = lanes.refresh

        def refresh(*regions: Any, **more: Any) -> Any:
            painted.extend(regions)
            return plain(*regions, **more)

        lanes.refresh = refresh  # type: ignore[method-assign]
        lanes.show([HEAT], 120, reached=60.1)
        assert painted == []
        lanes.show([HEAT], 120, reached=63)
        assert [(region.x, region.width) for region in painted] == [(here, there - here)]
        lanes.show([HEAT], 120)
        assert "·" not in lanes.lines[0]


async def test_more_than_three_lanes_are_named_in_the_last_row(until: Any) -> None:
    async with Page().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Page)
        app.automation.show([HEAT, TOP, SIGN, STEPS], 120)
        await until(pilot, lambda: app.automation.size.height == 3)
        first, second, third = app.automation.lines
        assert "temperature" in first
        assert "penalty_sign" in second
        assert third.startswith("also turned: top_k 50, flow_steps 16")
