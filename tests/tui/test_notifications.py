"""Who waits for a long song is called back, with what the terminal takes and no more."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from textual.drivers.headless_driver import HeadlessDriver
from textual.events import AppBlur, AppFocus

from core.audio.player import NoPlayer
from core.config import Config, StudioConfig
from core.errors import SongdeskError
from core.meter import Meter, State
from core.notices import LONG
from core.passing import Takes
from tests.tui.conftest import Until
from tests.tui.opened import SONG, said
from tests.tui.pty_terminal import Terminal
from tests.tui.rehearsal import READING, Rehearsal
from tui.app import Studio
from tui.bridge import Bridge
from tui.taskbar import Taskbar

WEZTERM = Takes("WezTerm", (), "osc777", progress=True)
OSC = re.compile(r"\x1b\][^\x07\x1b]*(\x07|\x1b\\)")
NOTICE = re.compile(r"\x1b\]777;notify;([^;]*);([^;]*)\x1b\\")
PROGRESS = re.compile(r"\x1b\]9;4;(\d);(\d+)\x1b\\")


class Desk:
    """The studio at a terminal that is known, with a clock of the test's own, and what was written to it."""

    def __init__(self, takes: Takes = WEZTERM, **config: Any) -> None:
        self.engine = Rehearsal()
        self.now = 1000.0
        self.written = ""
        self.asked = 0
        desk = self

        class Recorder(HeadlessDriver):
            @property
            def is_headless(self) -> bool:
                return False

            def write(self, data: str) -> None:
                desk.written += data

        def asks() -> Takes:
            self.asked += 1
            return takes

        self.app = Studio(
            Config(studio=StudioConfig(**config)),
            SONG,
            make_engine=lambda: self.engine,
            open_player=lambda: NoPlayer("no sound here"),
            go_on_behind=lambda: None,
        )
        self.app.driver_class = Recorder
        self.app.ask_what_passes = asks
        self.app.steady_clock = lambda: self.now

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Any]:
        async with self.app.run_test(headless=False) as pilot:
            await pilot.pause()
            yield pilot

    async def compose(self, pilot: Any, until: Until) -> None:
        jobs = len(self.engine.jobs)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: len(self.engine.jobs) > jobs and self.app._is_at_work, timeout=20)

    async def end(self, pilot: Any, until: Until, state: State = State.DONE, **how: Any) -> None:
        told = len(self.app._ended)
        self.engine.end(state, **how)
        await until(pilot, lambda: len(self.app._ended) > told, timeout=20)
        await self.called(pilot, until)

    async def called(self, pilot: Any, until: Until) -> None:
        await until(pilot, lambda: not any(worker.group == "call" for worker in self.app.workers), timeout=20)

    @property
    def notices(self) -> list[tuple[str, ...]]:
        return NOTICE.findall(self.written)

    @property
    def bells(self) -> int:
        return OSC.sub("", self.written).count("\x07")

    @property
    def progress(self) -> list[tuple[str, ...]]:
        return PROGRESS.findall(self.written)


async def test_a_person_is_called_for_what_took_long_or_failed_and_not_for_their_own_doing(
    until: Until,
) -> None:
    desk = Desk(taskbar=False)
    ways = [
        (State.DONE, LONG, None, 1),
        (State.DONE, LONG - 1, None, 0),
        (State.PAUSED, LONG, None, 0),
        (State.CANCELLED, LONG, None, 0),
        (State.FAILED, LONG, SongdeskError("the disk is full", hint="make room"), 1),
    ]
    async with desk.opened() as pilot:
        for state, took, error, calls in ways:
            desk.written = ""
            await desk.compose(pilot, until)
            desk.now += took
            await desk.end(pilot, until, state, error=error)
            assert (len(desk.notices), desk.bells) == (calls, calls), state
        assert desk.notices == [("Paper boats failed", "the disk is full → make room")]


async def test_where_the_person_looks_decides(until: Until) -> None:
    desk = Desk(taskbar=False)
    async with desk.opened() as pilot:
        await desk.compose(pilot, until)
        desk.app.post_message(AppBlur())
        await until(pilot, lambda: not desk.app.app_focus)
        await desk.end(pilot, until)
        assert desk.notices == [("Paper boats is ready", "0:12 long, made in 0:03")]
        assert desk.bells == 1
        desk.app.post_message(AppFocus())
        await until(pilot, lambda: desk.app.app_focus)
        await desk.compose(pilot, until)
        desk.now += LONG
        await desk.end(pilot, until)
        assert (len(desk.notices), desk.bells) == (1, 2)


async def test_switched_off_nothing_is_sent_and_no_terminal_looked_into(until: Until) -> None:
    desk = Desk(notify="off", taskbar=False)
    async with desk.opened() as pilot:
        await desk.compose(pilot, until)
        desk.now += LONG
        await desk.end(pilot, until)
        assert (desk.notices, desk.bells, desk.progress, desk.asked) == ([], 0, [], 0)


async def test_the_taskbar_follows_a_queue_which_is_told_at_its_end(until: Until) -> None:
    desk = Desk()
    async with desk.opened() as pilot:
        await desk.compose(pilot, until)
        await until(pilot, lambda: desk.app._takes.progress)
        desk.engine.reading = replace(READING, rate=42.0)  # or nothing new is read
        await until(pilot, lambda: desk.progress)
        assert desk.progress[-1] == ("1", "43")
        desk.engine.reading = replace(READING, done=700)
        await until(pilot, lambda: desk.app.studio._last.done == 700)
        assert desk.progress[-1] == ("1", "43")
        desk.now += 1.0
        desk.engine.reading = replace(READING, done=710)
        await until(pilot, lambda: len(desk.progress) == 2)
        assert desk.progress[-1] == ("1", "71")
        await pilot.press("ctrl+g")
        await until(pilot, lambda: desk.app.studio.bridge.meter.waiting == 1)
        desk.now += LONG / 2
        await desk.end(pilot, until)
        await until(pilot, lambda: len(desk.engine.jobs) == 2)
        assert desk.notices == []
        assert desk.progress[-1] != ("0", "0")
        desk.now += LONG / 2
        await desk.end(pilot, until)
        assert desk.notices == [("the queue is done", "2 songs made")]
        assert desk.progress[-1] == ("0", "0")
        take = desk.app.studio.session.making.takes[0]
        desk.app.post_message(AppBlur())
        desk.app.studio.bridge.post_message(Bridge.Refused(take, SongdeskError("no such model")))
        await until(pilot, lambda: len(desk.notices) == 2)
        assert desk.notices[-1] == ("Paper boats cannot be made", "no such model")
        await desk.called(pilot, until)
        shown = len(desk.progress)
        desk.app.post_message(AppFocus())  # tmux may have dropped the first, its window not being shown
        await until(pilot, lambda: len(desk.progress) == shown + 1)
        assert desk.progress[-1] == ("0", "0")


async def test_one_can_be_tried_from_the_palette_which_says_what_is_taken(until: Until) -> None:
    desk = Desk(replace(WEZTERM, hint="tmux could pass more"))
    async with desk.opened():
        commands = {command.title: command for command in desk.app.get_system_commands(desk.app.screen)}
        await commands["Notification"].callback()
        known = "the bell, notifications (OSC 777), progress in the taskbar or tab"
        assert said(desk.app) == f"WezTerm: {known} → tmux could pass more"
        assert (len(desk.notices), desk.bells) == (1, 1)


# The taskbar


def test_the_taskbar_changes_at_most_once_a_second() -> None:
    taskbar = Taskbar(is_wanted=True)
    readings = [replace(READING, done=done) for done in range(0, 1000, 5)]
    sent = [taskbar.show(meter, WEZTERM, 50 + at / 8) for at, meter in enumerate(readings)]
    times = [at / 8 for at, sequence in enumerate(sent) if sequence]
    assert len(times) == len(readings) / 8
    assert min(b - a for a, b in pairwise(times)) >= 1.0


def test_what_does_not_change_is_not_sent_again() -> None:
    taskbar = Taskbar(is_wanted=True)
    assert taskbar.show(READING, WEZTERM, 1.0)
    assert not taskbar.show(replace(READING, done=431), WEZTERM, 5.0)
    assert taskbar.show(replace(READING, state=State.PAUSING), WEZTERM, 9.0) == "\x1b]9;4;4;43\x1b\\"
    assert taskbar.show(Meter(state=State.RUNNING), WEZTERM, 12.0) == "\x1b]9;4;3;0\x1b\\"


def test_nothing_is_cleared_that_was_never_shown() -> None:
    taskbar = Taskbar(is_wanted=True)
    assert not taskbar.show(READING, Takes("kitty", notice="osc99"), 1.0)
    assert taskbar.clear() == ""
    through = replace(WEZTERM, is_wrapped=True)
    assert taskbar.show(READING, through, 1.0).startswith("\x1bPtmux;")
    assert taskbar.clear() == "\x1bPtmux;\x1b\x1b]9;4;0;0\x1b\x1b\\\x1b\\"


AT_WINDOWS_TERMINAL = {"WT_SESSION": "1", "TMUX": "", "TERM_PROGRAM": ""}


@pytest.mark.parametrize(
    "way", ["signal", *(pytest.param(way, marks=pytest.mark.slow) for way in ("quit", "crash"))]
)
def test_the_taskbar_is_clear_however_the_studio_ends(open_studio: Callable[..., Terminal], way: str) -> None:
    terminal = open_studio(engine="Breaking" if way == "crash" else "Obedient", **AT_WINDOWS_TERMINAL)
    terminal.type(b"\x07")
    terminal.until(lambda: b"\x1b]9;4;1;" in terminal.log)
    if way == "signal":
        terminal.process.terminate()
    elif way == "quit":
        terminal.type(b"\x11")
        terminal.until(lambda: "background" in terminal.text())
        terminal.type(b"p")
    terminal.ended()
    assert terminal.log.rfind(b"\x1b]9;4;0;0\x1b\\") > terminal.log.rfind(b"\x1b]9;4;1;")
    assert terminal.is_restored
