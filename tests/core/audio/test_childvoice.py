"""A voice and its child: whoever tells it to stop never waits for the child."""

import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.audio import childvoice
from core.audio.childvoice import ChildVoice
from core.audio.cue import Cue
from core.audio.voices import TICK, Program

_LONG = 10.0
"""Seconds after which something counts as hanging."""


class Held:
    """A child that a driver holds: it begins and ends when a test says so, and no signal hastens it."""

    pid = 1 << 23
    stdin = None
    returncode: int | None = None

    def __init__(self) -> None:
        self.asked, self.killed, self.awaited = threading.Event(), threading.Event(), threading.Event()
        self.may_begin, self.may_end = threading.Event(), threading.Event()
        self.signals: list[int] = []

    def begin(self, *command: Any, **how: Any) -> "Held":
        """In place of `subprocess.Popen`."""
        self.asked.set()
        assert self.may_begin.wait(_LONG)
        return self

    def take(self, group: int, number: int) -> None:
        """In place of `os.killpg`."""
        assert group == self.pid
        self.signals.append(number)
        if number == signal.SIGKILL:
            self.killed.set()

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.killed.is_set():
            self.awaited.set()
            if timeout is None or timeout >= 1:
                assert self.may_end.wait(_LONG)
        if not self.may_end.is_set():
            raise subprocess.TimeoutExpired("held", timeout or 0.0)
        self.returncode = -signal.SIGKILL
        return self.returncode


class OneChild(ChildVoice):
    """Runs one child until it is told to stop."""

    def _heard(self) -> float:
        return 0.0

    def _begin_at(self, place: float) -> None:
        self._from = place

    def _play_by_children(self) -> None:
        with self._running() as running:
            while running is not None and running[0].poll() is None and not self._halt.wait(TICK):
                pass


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    child = Held()
    monkeypatch.setattr("core.audio.childvoice.subprocess.Popen", child.begin)
    monkeypatch.setattr("core.audio.childvoice.os.killpg", child.take)
    monkeypatch.setattr(childvoice, "_PATIENCE", 0.01)
    return child


@pytest.fixture
def voice(held: Held) -> Iterator[OneChild]:
    voice = OneChild(Cue(Path("song.wav")), None, program=Program("held"), executable="held")
    yield voice
    held.may_begin.set()
    held.may_end.set()
    voice.wait(_LONG)
    assert not voice.sounding


def halts(voice: OneChild) -> bool:
    """Whether a stop comes back, though the child is where it is."""
    stopping = threading.Thread(target=voice.halt, daemon=True)
    stopping.start()
    stopping.join(_LONG / 2)
    return not stopping.is_alive()


def test_a_stop_does_not_wait_for_a_child_that_does_not_go(held: Held, voice: OneChild) -> None:
    held.may_begin.set()
    voice.start()
    assert held.asked.wait(_LONG)
    assert halts(voice)
    assert held.awaited.wait(_LONG), "it was killed, and its end is waited for"
    assert halts(voice)
    assert held.signals[-1] == signal.SIGKILL


def test_a_stop_does_not_wait_for_a_child_that_is_being_started_and_reaches_it_then(
    held: Held, voice: OneChild
) -> None:
    voice.start()
    assert held.asked.wait(_LONG)
    assert halts(voice)
    assert held.signals == []
    held.may_begin.set()
    assert held.killed.wait(_LONG)
    assert held.signals[0] == signal.SIGTERM


def test_a_child_that_no_signal_reaches_is_left_behind(
    held: Held, voice: OneChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(childvoice, "_GRACE", 0.01)
    held.may_begin.set()
    voice.start()
    assert held.asked.wait(_LONG)
    voice.halt()
    voice.wait(_LONG / 2)
    assert not voice.sounding, "the next voice waits for this one"
    assert voice.trouble == ""
