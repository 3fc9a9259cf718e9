"""What voices have in common that run a player program as a child: none outlives its voice."""

import atexit
import contextlib
import os
import re
import signal
import subprocess
import tempfile
import threading
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import IO

from core.audio.cue import Cue
from core.audio.voices import DeviceLost, Program, Voice
from core.environment import child_variables

_PATIENCE = 0.5
"""Seconds a child has to leave when asked, before it is made to."""
_GRACE = 5.0
"""Seconds that are waited for one that was made to."""
_TAIL = 4000
"""Bytes of the end of what a child said that are read."""

Child = subprocess.Popen[bytes]


class ChildVoice(Voice):
    """Runs one child after another, each from some place of the file on."""

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
        self._from = cue.begin
        """Where in the file the child began (s)."""
        self._child: Child | None = None
        self._lock = threading.Lock()

    @property
    def position(self) -> float:
        """Where in the file it is (s)."""
        heard = self._heard()
        return self.cue.folded(self._from + heard, self.known) if heard else self._from

    def halt(self) -> None:
        """Ask the program to end; its thread makes it, if it does not."""
        self._halt.set()
        with self._lock:  # which nobody holds for longer than a signal takes
            self._signal(signal.SIGTERM)

    def end(self) -> None:
        """Halt and wait until nothing is left running."""
        self.halt()
        self.wait(4 * _PATIENCE)

    def _play(self) -> None:
        atexit.register(self.end)
        try:
            self._play_by_children()
        finally:
            atexit.unregister(self.end)

    @abstractmethod
    def _play_by_children(self) -> None: ...

    @abstractmethod
    def _begin_at(self, place: float) -> None:
        """Know that the next child begins there (s), and that nothing of it is heard yet."""

    def _stay(self) -> float:
        place = self.position
        self.cue = replace(self.cue, begin=place)
        self._begin_at(place)
        return place

    @contextlib.contextmanager
    def _running(self, *arguments: str, pipe: bool = False) -> Iterator[tuple[Child, IO[bytes]] | None]:
        """A child and what it says on stderr; None where there is to be none any more.

        It is ended at the end of the block. Raises DeviceLost where it had ended badly by itself.
        """
        with tempfile.TemporaryFile() as complaints:
            child = self._start_child([self._executable, *arguments], complaints, pipe=pipe)
            if child is None:
                yield None
                return
            try:
                yield child, complaints
            finally:
                self._reap(child)
            if not self._halt.is_set() and child.returncode:
                said = said_last(complaints) or f"exit status {child.returncode}"
                raise DeviceLost(f"{self._program.name} stopped: {said}")

    def _start_child(self, command: list[str], complaints: IO[bytes], *, pipe: bool) -> Child | None:
        if self._halt.is_set():
            return None
        child = subprocess.Popen(  # noqa: S603 - one of the known programs, as found on PATH
            command,
            bufsize=0,
            env=child_variables(LC_ALL="C"),
            stdin=subprocess.PIPE if pipe else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            start_new_session=True,
        )
        with self._lock:
            self._child = child
            if self._halt.is_set():  # meanwhile, when there was no child yet to tell it
                self._signal(signal.SIGTERM)
        return child

    def _reap(self, child: Child) -> None:
        """End a child; one that a driver holds, which no signal reaches, is left to the system."""
        if child.stdin is not None:
            child.stdin.close()
        try:
            if child.poll() is None:
                with self._lock:
                    self._signal(signal.SIGTERM)
                child.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            pass
        with self._lock:
            # What it started itself goes with it, though it may have ended first.
            self._signal(signal.SIGKILL)
            self._child = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE)

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the program and whatever it started; the caller holds the lock."""
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, number)


def tail(complaints: IO[bytes]) -> str:
    """The end of what a child said so far; the place where it writes on, which it shares, is left alone."""
    descriptor = complaints.fileno()
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, _TAIL, max(0, size - _TAIL)).decode(errors="replace")


def said_last(complaints: IO[bytes]) -> str:
    """The last line of it; empty where there is none."""
    lines = re.split(r"[\r\n]", tail(complaints))
    return next((line.strip()[:120] for line in reversed(lines) if line.strip()), "")
