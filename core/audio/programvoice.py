"""A voice that runs a player program as a child, on the file itself or on copies of what is to be heard."""

import atexit
import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
import wave
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from core.audio.cue import Cue
from core.audio.reel import Piece, Reel
from core.audio.voices import GROWTH_TICK, TICK, Program, Voice
from core.errors import SongdeskError

_BLOCK = 2048 * 16
"""Frames copied at once."""
_ROUNDS = 60.0
"""Seconds of a loop in one copy, at least: between two copies there is a short gap."""
_PATIENCE = 0.5
"""Seconds a child has to leave when asked, before it is made to."""


@dataclass(frozen=True, slots=True)
class _Span:
    """What the clock tells of a child; times of the monotonic clock (s)."""

    place: float
    """Where in the file it began (s)."""
    started: float | None = None
    stopped: float | None = None

    @property
    def heard(self) -> float:
        """How long it has sounded (s)."""
        return 0.0 if self.started is None else (self.stopped or time.monotonic()) - self.started


class ProgramVoice(Voice):
    """Where the program is in the file is told by the clock: it says nothing itself."""

    def __init__(
        self,
        cue: Cue,
        before: Voice | None,
        *,
        program: Program,
        executable: str,
        settle: float = 0.0,
        volume: float = 1.0,
    ) -> None:
        super().__init__(cue, before, settle=settle, volume=volume)
        self._executable = executable
        self._program = program
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._span = _Span(cue.begin)

    @property
    def position(self) -> float:
        """Where in the file it is (s), by the clock."""
        span = self._span
        return self.cue.folded(span.place + span.heard, self.known) if span.started else span.place

    def halt(self) -> None:
        """Ask the program to end; its thread makes it, if it does not."""
        with self._lock:
            self._halt.set()
            self._signal(signal.SIGTERM)

    def end(self) -> None:
        """Halt and wait until nothing is left running."""
        self.halt()
        self.wait(4 * _PATIENCE)

    def _play(self) -> None:
        atexit.register(self.end)
        try:
            with contextlib.closing(Reel(self.cue, _BLOCK)) as reel:
                self.known = reel.seconds
                if self._takes_the_file():
                    self._run_child([str(self.path.absolute())])
                    self.reached_end = not self._halt.is_set()
                else:
                    self._play_copies(reel)
        finally:
            atexit.unregister(self.end)

    def _takes_the_file(self) -> bool:
        """Whether the program can be given the file as it is."""
        cue = self.cue
        if cue.gain * self.volume != 1 or cue.loop is not None or cue.grows:
            return False
        return bool(self._program.seeks) or (cue.begin == 0 and cue.path.suffix.lower() == ".wav")

    def _play_copies(self, reel: Reel) -> None:
        while not self._halt.is_set():
            first = reel.read()
            if first is None:
                if not self.cue.grows:
                    self.reached_end = True
                    return
                self.waiting = True
                self._halt.wait(GROWTH_TICK)
                continue
            self.waiting = False
            with tempfile.TemporaryDirectory(prefix="songdesk-") as folder:
                copy = Path(folder) / "rest.wav"
                seconds = self._copy(copy, reel, first)
                self._span = _Span(first.place / reel.rate)
                self.known = max(self.known, reel.seconds)
                self._run_child([str(copy)])
            # A program that ends at once would be run again without end.
            if self.cue.loop is not None and self._span.heard < seconds / 2:
                return
            self._span = _Span(self.cue.folded(reel.place / reel.rate, self.known))

    def _copy(self, target: Path, reel: Reel, first: Piece) -> float:
        """Write what is left of the file, or many rounds of the loop; returns its length (s).

        It is 16-bit wav, which every program plays.
        """
        piece: Piece | None = first
        written, scale = 0, self.volume * 32767
        with target.open("wb") as file, wave.open(file, "wb") as copy:
            copy.setparams((reel.channels, 2, reel.rate, 0, "NONE", ""))
            while piece is not None and not self._halt.is_set():
                copy.writeframesraw((np.clip(piece.samples * scale, -32767, 32767)).astype("<i2").tobytes())
                written += len(piece.samples)
                enough = self.cue.loop is not None and written > _ROUNDS * reel.rate
                piece = None if enough else reel.read()
        return written / reel.rate

    def _run_child(self, files: list[str]) -> None:
        with tempfile.TemporaryFile() as complaints:
            child = self._start_child([self._executable, *self._arguments(files)], complaints)
            if child is None:
                return
            try:
                while child.poll() is None and not self._halt.wait(TICK):
                    pass
            finally:
                self._span = replace(self._span, stopped=time.monotonic())
                self._reap(child)
            if not self._halt.is_set():
                self._judge(child.returncode, complaints)

    def _arguments(self, files: list[str]) -> list[str]:
        seeks = self._program.seeks if self._takes_the_file() else ""
        start = [seeks, f"{self.cue.begin:.3f}"] if seeks else []
        return [*self._program.options, *start, *files]

    def _start_child(self, command: list[str], complaints: IO[bytes]) -> "subprocess.Popen[bytes] | None":
        with self._lock:
            if self._halt.is_set():
                return None
            self._child = subprocess.Popen(  # noqa: S603 - one of the known programs, as found on PATH
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                start_new_session=True,
            )
            self._span = _Span(self._span.place, time.monotonic())
            return self._child

    def _reap(self, child: "subprocess.Popen[bytes]") -> None:
        try:
            if child.poll() is None:
                child.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            pass
        with self._lock:
            # What it started itself goes with it, though it may have ended first.
            self._signal(signal.SIGKILL)
            child.wait()
            self._child = None

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the program and whatever it started; the caller holds the lock."""
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, number)

    def _judge(self, status: int, complaints: IO[bytes]) -> None:
        if status == 0:
            return
        complaints.seek(0)
        lines = complaints.read(4000).decode(errors="replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), f"exit status {status}")
        raise SongdeskError(f"{self._program.name} stopped: {said[:120]}")
