"""A voice that runs a player program on copies of what is to be heard."""

import contextlib
import tempfile
import time
import wave
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.audio.childvoice import ChildVoice
from core.audio.reel import Piece, Reel
from core.audio.voices import GROWTH_TICK, LEAD_IN, TICK

_BLOCK = 2048 * 16
"""Frames copied at once."""
_ROUNDS = 60.0
"""Seconds of a loop in one copy, at least: between two copies there is a short gap."""


@dataclass(frozen=True, slots=True)
class _Span:
    """What the clock tells of a child; times of the monotonic clock (s)."""

    started: float | None = None
    stopped: float | None = None

    @property
    def heard(self) -> float:
        """How long it has sounded (s)."""
        since = 0.0 if self.started is None else (self.stopped or time.monotonic()) - self.started
        return max(0.0, since - LEAD_IN)


class ProgramVoice(ChildVoice):
    """Where the program is in the file is told by the clock: it says nothing itself."""

    _span = _Span()

    def _heard(self) -> float:
        return self._span.heard

    def _begin_at(self, place: float) -> None:
        self._from, self._span = place, _Span()

    def _play_by_children(self) -> None:
        with contextlib.closing(Reel(self.cue, _BLOCK)) as reel:
            self.known = reel.seconds
            self._play_copies(reel)

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
                self._begin_at(first.place / reel.rate)
                self.known = max(self.known, reel.seconds)
                self._run_child(copy)
            # A program that ends at once would be run again without end.
            if self.cue.loop is not None and self._heard() < seconds / 2:
                return
            self._begin_at(self.cue.folded(reel.place / reel.rate, self.known))

    def _copy(self, target: Path, reel: Reel, first: Piece) -> float:
        """Write a silence and what is left of the file, or many rounds of the loop; returns its length (s).

        It is 16-bit wav, which every program plays.
        """
        piece: Piece | None = first
        written, scale = 0, self.volume * 32767
        with target.open("wb") as file, wave.open(file, "wb") as copy:
            copy.setparams((reel.channels, 2, reel.rate, 0, "NONE", ""))
            copy.writeframesraw(bytes(2 * reel.channels * round(LEAD_IN * reel.rate)))
            while piece is not None and not self._halt.is_set():
                copy.writeframesraw((np.clip(piece.samples * scale, -32767, 32767)).astype("<i2").tobytes())
                written += len(piece.samples)
                enough = self.cue.loop is not None and written > _ROUNDS * reel.rate
                piece = None if enough else reel.read()
        return written / reel.rate

    def _run_child(self, file: Path) -> None:
        with self._running(*self._program.options, str(file)) as running:
            if running is None:
                return
            child, _ = running
            self._span = _Span(time.monotonic())
            try:
                while child.poll() is None and not self._halt.wait(TICK):
                    self._heed_sleep()
                    self._is_back()
            finally:
                self._span = replace(self._span, stopped=time.monotonic())
