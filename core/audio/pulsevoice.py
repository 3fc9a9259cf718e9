"""A voice that feeds PulseAudio's own player, which says where it is, also behind a slow link."""

import contextlib
import fcntl
import os
import re
import select
import time
from dataclasses import dataclass
from typing import IO

import numpy as np

from core.audio.childvoice import Child, ChildVoice, tail
from core.audio.reel import Piece, Reel
from core.audio.voices import GROWTH_TICK, LEAD_IN, TICK, DeviceLost

_BLOCK = 4096
"""Frames read at once."""
_PIPE = 1 << 14
"""Bytes that may lie between this voice and the program, where the system lets it be told."""
_CARRY = 0.06
"""Seconds that the clock carries on what was said: it is said 20 times a second."""
_PATIENCE = 5.0
"""Seconds the program may take to begin, or make no sound though it has some."""
_TIME = re.compile(r"Time: (\d+\.\d+) sec")


@dataclass(frozen=True, slots=True)
class _Said:
    """How much was heard as the program says, and since when (monotonic clock); both in seconds."""

    seconds: float = 0.0
    since: float = 0.0

    @property
    def heard(self) -> float:
        """How much of the file was heard by now (s)."""
        if not self.seconds:
            return 0.0
        return max(0.0, self.seconds + min(time.monotonic() - self.since, _CARRY) - LEAD_IN)


class PulseVoice(ChildVoice):
    """One child plays from a place to the end, round a loop and on in a file that grows."""

    _said = _Said()
    _scale = 1.0

    def set_volume(self, volume: float) -> bool:
        """Sound louder or softer with the next that is given to the program."""
        self.volume = volume
        return True

    def _heard(self) -> float:
        return self._said.heard

    def _begin_at(self, place: float) -> None:
        self._from, self._said = place, _Said()

    def _play_by_children(self) -> None:
        with contextlib.closing(Reel(self.cue, _BLOCK)) as reel:
            self.known = max(self.known, reel.seconds)
            self._begin_at(reel.place / reel.rate)
            self._scale = self.volume
            form = "--raw", "--format=s16le", f"--rate={reel.rate}", f"--channels={reel.channels}"
            with self._running(*self._program.options, "--verbose", *form, pipe=True) as running:
                is_all = running is not None and self._feed(reel, *running)
            if not self._halt.is_set():
                if not is_all:
                    raise DeviceLost(f"{self._program.name} ended before the song")
                self.reached_end = True

    def _feed(self, reel: Reel, child: Child, complaints: IO[bytes]) -> bool:
        """Give the child all there is, and wait until it is heard; returns whether that was all."""
        assert child.stdin is not None, "it was started with a pipe"
        _narrow(child.stdin)
        rest = memoryview(bytes(2 * reel.channels * round(LEAD_IN * reel.rate)))
        moved = time.monotonic()
        is_all = False
        while child.poll() is None and not self._halt.is_set():
            if self._listen(complaints) or self.waiting:
                moved = time.monotonic()
            elif time.monotonic() - moved > _PATIENCE:
                raise DeviceLost(f"{self._program.name} makes no sound")
            self._heed_sleep()
            self._is_back()
            if rest:
                rest = rest[_give(child.stdin, rest) :]
            elif is_all:
                self._halt.wait(TICK)
            elif (piece := reel.read()) is not None:
                self.known, self.waiting = max(self.known, reel.seconds), False
                rest = memoryview(self._spelt(piece))
            elif reel.cue.grows:
                self.waiting = self.position >= self.known - 2 * _CARRY
                self._halt.wait(GROWTH_TICK)
            else:
                is_all = True
                child.stdin.close()
        return is_all

    def _listen(self, complaints: IO[bytes]) -> bool:
        """Read where the program is; True when it has moved."""
        found = _TIME.findall(tail(complaints)[-200:])
        seconds = float(found[-1]) if found else 0.0
        if seconds == self._said.seconds:
            return False
        self._said = _Said(seconds, time.monotonic())
        return True

    def _spelt(self, piece: Piece) -> bytes:
        """Sound as 16-bit little-endian samples; from the old volume to the new one within it."""
        scale = np.linspace(self._scale, self.volume, len(piece.samples), dtype=np.float32)[:, None]
        self._scale = self.volume
        return bytes(np.clip(piece.samples * (scale * 32767), -32767, 32767).astype("<i2").tobytes())


def _give(pipe: IO[bytes], data: memoryview) -> int:
    """Write what the pipe takes now, in bytes; waits a tick at most."""
    if not select.select([], [pipe], [], TICK)[1]:
        return 0
    with contextlib.suppress(BlockingIOError, BrokenPipeError):
        return os.write(pipe.fileno(), data)
    time.sleep(TICK)  # the child has gone: that is seen by whoever asks for it
    return 0


def _narrow(pipe: IO[bytes]) -> None:
    """Let little lie in the pipe, so that a new volume is heard soon, and let no write wait."""
    os.set_blocking(pipe.fileno(), False)
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
