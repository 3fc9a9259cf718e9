"""What is laid into a process so that it comes to grief at a chosen place, and how far it had come.

The counts lie in a mapped file, so that they outlive the process however it ends.
"""

import contextlib
import errno
import mmap
import os
import signal
import sqlite3
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from core.device import Device
from core.engine import Plan, Stage, Verdict
from core.making.governor import Choice
from core.making.watch import Watch
from core.meter import State
from core.takes.job import STOP

EVENTS = (
    "write", "fsync", "fdatasync", "open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate",
    "sql", "conditions", "tokens", "audio",
)  # fmt: skip
"""What is counted: whatever touches a file of the workplace, and the steps of each stage."""
TOUCHES = EVENTS[:10]
_COUNTS = struct.Struct(f"<{len(EVENTS)}I")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_HARMLESS_SQL = ("PRAGMA", "SELECT", "EXPLAIN")


@dataclass(frozen=True, slots=True)
class Trip:
    """What is to happen at the n-th event of a kind, from 1 on; `touch` is any event that touches a file."""

    event: str
    n: int
    does: str = "kill"
    """`kill`, `half` (kill in the middle of a write), `after` (kill behind it), `memory` and `full` (fail for
    want of it), `starve` (fail for want of memory from then on), `ballast` (fill the disk), `nothing`, or the
    name of a signal."""
    turn: tuple[int, str, float] | None = None
    """At which step of composing a knob is turned besides, and to what; `stop` ends the song there."""


class Tally:
    """How many events of each kind there have been, in a file that others may read at any time."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _COUNTS.size)
        self.counts = [0] * len(EVENTS)

    def add(self, event: str) -> tuple[int, int]:
        """Count an event; gives its number among its kind, and among all that touch files."""
        self.counts[EVENTS.index(event)] += 1
        _COUNTS.pack_into(self._map, 0, *self.counts)
        return self.counts[EVENTS.index(event)], sum(self.counts[: len(TOUCHES)])

    @staticmethod
    def make(path: Path) -> None:
        """Make the file that a process counts in."""
        path.write_bytes(bytes(_COUNTS.size))

    @staticmethod
    def read(path: Path) -> dict[str, int]:
        """What has been counted, by kind, and all that touched files as `touch`."""
        counts = dict(zip(EVENTS, _COUNTS.unpack(path.read_bytes()), strict=True))
        return {**counts, "touch": sum(counts[event] for event in TOUCHES)}


class Tripwire:
    """Counts what a process does below a folder, and does at one of these events what was asked for."""

    def __init__(self, root: Path, tally: Tally, trip: Trip | None) -> None:
        self._root = str(root)
        self._tally = tally
        self._trip = trip
        self._is_leaving = False
        """Whether it has been sent a signal."""

    def lay(self) -> None:
        """From now on; only for a process that will not live long."""
        sys.addaudithook(self._audit)
        for name in ("write", "fsync", "fdatasync"):
            setattr(os, name, partial(self._instead, name, getattr(os, name)))
        connect = sqlite3.connect

        def connected(*args: Any, **more: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*args, **more)
            connection.set_trace_callback(self._say)
            return connection

        step, begin = Watch.step, Watch.begin
        stage = ""

        def begun(watch: Watch, now: Stage, plan: Plan, device: Device, choice: Choice) -> None:
            nonlocal stage
            stage = now.id
            begin(watch, now, plan, device, choice)

        def stepped(watch: Watch, done: int, total: int) -> Verdict:
            self._meet(stage)
            if stage == "tokens":
                self._turn(watch)
            if self._is_leaving:
                _await_word(watch)
            return step(watch, done, total)

        for place, name, instead in (
            (sqlite3, "connect", connected),
            (Watch, "begin", begun),
            (Watch, "step", stepped),
        ):
            setattr(place, name, instead)

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = args
            if flags & _WRITES and self._is_ours(path):
                self._meet(event)
        elif event in TOUCHES and self._is_ours(args[0]):
            self._meet(event)

    def _turn(self, watch: Watch) -> None:
        """Do as the person does who listens."""
        at, key, value = (self._trip and self._trip.turn) or (0, "", 0.0)
        if self._tally.counts[EVENTS.index("tokens")] != at:
            return
        if key == STOP:
            watch.stop(keep=True)
        else:
            watch.knobs[key] = value

    def _say(self, statement: str) -> None:
        if not statement.lstrip().upper().startswith(_HARMLESS_SQL):
            self._meet("sql")

    def _instead(self, event: str, real: Callable[..., Any], handle: int, *args: Any) -> Any:
        if not self._is_ours(handle):
            return real(handle, *args)
        return self._meet(event, partial(real, handle, *args), args[0] if args else b"", handle)

    def _is_ours(self, path: Any) -> bool:
        """Whether a path or a descriptor is of the workplace."""
        try:
            place = (
                os.fsdecode(path) if not isinstance(path, int) else Path(f"/proc/self/fd/{path}").readlink()
            )
        except (OSError, TypeError):
            return False
        return Path(place).is_relative_to(self._root)

    def _meet(
        self, event: str, real: Callable[[], Any] = lambda: None, data: bytes = b"", handle: int = -1
    ) -> Any:
        """Count an event, and do it; or what was asked for, if this is the one."""
        number, touches = self._tally.add(event)
        trip = self._trip
        if trip is not None and trip.does == "starve" and trip.event == event and number >= trip.n:
            raise MemoryError
        if trip is None or (trip.event, trip.n) not in ((event, number), ("touch", touches)):
            return real()
        if trip.event == "touch" and event not in TOUCHES:
            return real()
        match trip.does:
            case "kill":
                _die()
            case "half":
                os.pwrite(handle, bytes(data)[: len(data) // 2], os.fstat(handle).st_size) if data else None
                _die()
            case "after":
                real()
                _die()
            case "memory":
                raise MemoryError
            case "full":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            case "ballast":
                _fill(Path(self._root) / "ballast")
            case "nothing":
                pass
            case name:
                os.kill(os.getpid(), signal.Signals[name])
                self._is_leaving = True
        return real()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def _fill(path: Path) -> None:
    """Leave no room on the disk, to the last byte."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(4096))


def _await_word(watch: Watch) -> None:
    """Let a run that is over in a blink wait until the signal has reached it."""
    until = time.monotonic() + 30
    while watch.reading.state is State.RUNNING and time.monotonic() < until:
        time.sleep(0.005)
