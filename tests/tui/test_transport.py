from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual._compositor import CompositorUpdate
from textual.app import App, ComposeResult
from textual.screen import Screen

import tui
from core.making.pace import Pace
from core.meter import Memory, Meter, State
from tui.widgets.transport import PlayerLine, Transport, memory_row, run_row

STYLES = Path(tui.__file__).parent / "styles"
GIB = 1 << 30
MEMORY = Memory("RAM", int(1.2 * GIB), int(8.1 * GIB), int(23.4 * GIB), int(0.9 * GIB))
SINGING = Meter(
    job="j",
    title="[/chorus] [ verse ] [b]",
    state=State.RUNNING,
    stage="composing",
    phase=2,
    done=1800,
    total=7000,
    unit="frames",
    seconds=280.0,
    section="chorus",
    rate=212.0,
    eta=(40.0, 55.0),
    memory=MEMORY,
)


class Foot(App[None]):
    CSS_PATH = STYLES / "transport.tcss"

    def __init__(self, columns: int = 200, rows: int = 60) -> None:
        super().__init__()
        self.sent = 0
        self.terminal = pyte.Screen(columns, rows)
        self.stream = pyte.Stream(self.terminal)

    def compose(self) -> ComposeResult:
        yield Transport()

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        if isinstance(renderable, CompositorUpdate):
            sequence = renderable.render_segments(self.console)
            self.sent += len(sequence.encode())
            self.stream.feed(sequence)
        super()._display(screen, renderable)

    @property
    def foot(self) -> Transport:
        return self.query_one(Transport)


def composing() -> Iterator[Meter]:
    """Five seconds of readings at 8 Hz."""
    for tick in range(40):
        yield replace(
            SINGING,
            done=1800 + tick * 27,
            rate=200.0 + tick % 17,
            eta=(40.0 - tick / 8, 55.0 - tick / 8),
            memory=replace(MEMORY, ours=MEMORY.ours and MEMORY.ours + tick * GIB // 40),
        )


async def test_two_rows_say_it_all_at_120_columns() -> None:
    async with Foot().run_test(size=(120, 40)) as pilot:
        app = pilot.app
        assert isinstance(app, Foot)
        app.foot.show(SINGING)
        app.foot.show_player("▶ pw-play", 12.0, 280.0)
        first, second = app.foot.lines
        for part in ("2/3 composing", "1:12 / 4:40", "212 frames/s", "ETA 40–55 s", "chorus", "█"):
            assert part in first
        assert "RAM ours 1.2 / used 8.1 of 23.4 / plan 0.9 GiB" in second
        assert second.endswith("▶ pw-play 0:12 / 4:40")
        assert app.foot.size.height == 2


def test_a_wide_row_shows_the_title_as_written() -> None:
    assert run_row(SINGING, 0.5, 200).text.endswith("  chorus  [/chorus] [ verse ] [b]")


async def test_what_is_not_known_is_said_to_be_unknown() -> None:
    async with Foot().run_test(size=(120, 40)) as pilot:
        app = pilot.app
        assert isinstance(app, Foot)
        app.foot.show(replace(SINGING, rate=None, eta=None, memory=Memory("VRAM", planned=GIB)))
        app.foot.show_player("▶", None, 9.0)
        first, second = app.foot.lines
        assert "? frames/s" in first
        assert "ETA unknown" in first
        assert "VRAM ours unknown / use unknown / plan 1.0 GiB" in second
        assert "? / 0:09" in second
        app.foot.show(replace(SINGING, memory=None))
        assert "memory unknown" in app.foot.lines[1]


def test_a_narrow_row_keeps_the_phase_the_time_and_the_time_left() -> None:
    known = replace(SINGING, ready=(40.0, 55.0))
    assert run_row(known, known.fraction, 80).text.endswith("212 frames/s  ETA 40–55 s  chorus")
    assert run_row(known, known.fraction, 40).text == "2/3 composing  1:12 / 4:40  ETA 40–55 s"
    player = PlayerLine("no sound: PortAudio found no device; the file is /songs/a.flac", None, None)
    assert "ours 1.2" not in memory_row(SINGING, player, 40).text
    assert "no sound" in memory_row(SINGING, player, 40).text
    assert "ours 1.2" in memory_row(SINGING, player, 80).text


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_what_is_wrong_with_a_run_takes_the_place_of_the_player(width: int) -> None:
    slow = replace(SINGING, warning="tokens come at 0.3 of the usual pace: close other programs")
    row = memory_row(slow, PlayerLine("▶ pw-play", 12.0, 280.0), width)
    assert row.strong.startswith("! tokens come at 0.3 of")
    assert cell_len(row.text) <= width
    assert ("RAM" in row.plain) == (width >= 80)
    assert "pw-play" not in row.text
    ended = memory_row(replace(slow, state=State.DONE), PlayerLine("▶ pw-play", 12.0, 280.0), width)
    assert "tokens come" not in ended.text


def test_the_way_is_told_where_there_is_room_before_the_title() -> None:
    made = replace(SINGING, way="int8 weights")
    assert run_row(made, 0.5, 200).text.endswith("  chorus  int8 weights  [/chorus] [ verse ] [b]")
    assert "int8" not in run_row(made, 0.5, 80).text


def test_the_end_of_the_phase_is_not_given_out_as_the_end_of_the_song() -> None:
    phase_only = run_row(SINGING, SINGING.fraction, 120).text
    assert "phase ETA 40–55 s" in phase_only
    both = run_row(replace(SINGING, ready=(100.0, 130.0)), SINGING.fraction, 120).text
    assert "  ETA 1:40–2:10" in both
    assert "phase" not in both


def test_the_rates_of_the_last_seconds_and_the_queue_are_shown_where_there_is_room() -> None:
    busy = replace(SINGING, rates=(10.0, 20.0, 40.0), waiting=2)
    wide = run_row(busy, busy.fraction, 140).text
    assert "212 frames/s  ▃▅█  phase ETA" in wide
    assert "+2 waiting" in wide
    assert "▃▅█" not in run_row(busy, busy.fraction, 70).text


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 220),
    st.text(max_size=60),
    st.sampled_from(list(State)),
    st.one_of(st.none(), st.floats(0, 1e5)),
    st.one_of(st.none(), st.floats(0, 1e6)),
)
def test_no_row_is_wider_than_its_room(
    width: int, words: str, state: State, number: float | None, seconds: float | None
) -> None:
    eta = None if number is None else (number, number * 2)
    meter = replace(SINGING, title=words, section=words, stage=words, state=state, rate=number, eta=eta)
    assert cell_len(run_row(meter, 0.4, width).text) <= width
    assert cell_len(memory_row(meter, PlayerLine(words, seconds, number), width).text) <= max(width, 1)


async def test_progress_never_goes_back_within_a_phase() -> None:
    async with Foot().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, Foot)
        app.foot.show(SINGING)
        app.foot.show(replace(SINGING, done=700))
        assert "1:12 / 4:40" in app.foot.lines[0]
        app.foot.show(replace(SINGING, done=900, total=9000))
        assert "1:12 / 4:40" in app.foot.lines[0]
        app.foot.show(replace(SINGING, phase=3, stage="rendering", done=0))
        assert "0:00 / 4:40" in app.foot.lines[0]
        app.foot.show(replace(SINGING, job="next", phase=3, done=1))
        assert "0:00 / 4:40" in app.foot.lines[0]


async def test_an_equal_reading_sends_nothing_and_a_full_run_stays_in_the_budget(until: Any) -> None:
    async with Foot().run_test(size=(200, 60)) as pilot:
        app = pilot.app
        assert isinstance(app, Foot)
        app.foot.show(SINGING)
        app.foot.show_player("▶ pw-play", 12.0, 280.0)
        await pilot.pause()
        await until(pilot, lambda: app.sent)
        app.sent = 0
        app.foot.show(replace(SINGING))
        app.foot.show_player("▶ pw-play", 12.3, 280.0)
        await pilot.pause()
        assert app.sent == 0
        for reading in composing():
            before = app.sent
            app.foot.show(reading)
            await until(pilot, lambda before=before: app.sent > before)
        assert app.sent / 5 < 4000, f"{app.sent / 5:.0f} B/s: the whole screen may send 8000"


async def test_every_row_is_at_most_two_runs() -> None:
    async with Foot().run_test(size=(200, 60)) as pilot:
        app = pilot.app
        assert isinstance(app, Foot)
        app.foot.show(SINGING)
        for y in range(2):
            assert len({segment.style for segment in app.foot.render_line(y)}) <= 2


@pytest.mark.parametrize("width", [200, 80, 40])
async def test_the_terminal_shows_the_rows_after_every_partial_repaint(until: Any, width: int) -> None:
    app = Foot(width, 24)
    async with app.run_test(size=(width, 24)) as pilot:
        for reading in composing():
            app.foot.show(reading)
            app.foot.show_player(f"雪花 {reading.done}", reading.done / 25, 280.0)
            wanted = [line.rstrip() for line in app.foot.lines]
            await until(pilot, lambda wanted=wanted: [t.rstrip() for t in app.terminal.display[:2]] == wanted)
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: cell_len(app.foot.lines[0]) <= 60)


@pytest.mark.parametrize("state", [State.DONE, State.STOPPED, State.CANCELLED, State.FAILED, State.IDLE])
def test_a_run_that_ended_promises_no_time_left(state: State) -> None:
    row = run_row(replace(SINGING, state=state), 1.0, 120).text
    assert row.startswith(state.value)
    assert "ETA" not in row
    assert "frames/s" not in row


def test_the_first_slow_steps_do_not_frighten_where_earlier_runs_tell_better() -> None:
    pace, fresh = Pace((("unit", 250),), {"unit": 0.1}), Pace((("unit", 250),))
    for each in (pace, fresh):
        for at, done in ((0.0, 1), (2.0, 2), (4.0, 3), (5.0, 8)):
            each.note(at, done)
    known, unknown = pace.remaining(), fresh.remaining()
    assert known == pytest.approx((242 * 0.06 - 0.5, 242 * 0.18 + 0.5))
    assert known is not None
    assert unknown is not None
    assert unknown[0] > known[1]
    for second in range(6, 16):
        pace.note(float(second), 8 + second)
    late = pace.remaining()
    assert late is not None
    assert late[1] > 100, "by then this run has shown its own pace"


def test_how_far_the_song_can_be_heard_is_told_while_it_is_composed() -> None:
    heard = replace(SINGING, preview=Path("ahead.wav"), preview_seconds=40.0)
    assert "  heard to 0:40  " in run_row(heard, heard.fraction, 160).text
    assert "heard" not in run_row(SINGING, SINGING.fraction, 160).text
    rendered = replace(heard, phase=3)
    assert "heard" not in run_row(rendered, rendered.fraction, 160).text, "its time says so"
