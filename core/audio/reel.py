"""Reads what a cue asks for, block by block: round its loop, and on in a file that grows."""

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from core.audio.cue import Cue
from core.audio.files import blocks, info
from core.errors import SongdeskError

if TYPE_CHECKING:
    from collections.abc import Generator

Samples: TypeAlias = npt.NDArray[np.float32]
_SEAM = 0.003
"""Seconds of fading where a loop turns back, so that it does not click."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Sound ready to be heard."""

    place: int
    """Frame of the file at which it begins."""
    samples: Samples
    """float32 [n, channels], with the cue's gain in them."""
    order: int = 0
    """Which of a voice's orders it belongs to."""


class Reel:
    """One reading of a cue; raises SongdeskError when the file cannot be read."""

    def __init__(self, cue: Cue, frames: int) -> None:
        """Give at most so many frames a piece."""
        facts = info(cue.path)
        self.cue = cue
        self.rate = facts.sample_rate
        """Hz."""
        self.channels = facts.channels
        self._frames = frames
        self._known = facts.frames
        self._first = 0 if cue.loop is None else round(cue.loop[0] * self.rate)
        last = inf if cue.loop is None else cue.loop[1] * self.rate
        self._last = inf if last == inf else max(round(last), self._first + 1)
        self._blocks: Generator[Samples] | None = None
        self._turned = False
        self._is_over = False
        self.place = 0
        """The frame that is read next."""
        self.go_to(round(cue.begin * self.rate))

    @property
    def seconds(self) -> float:
        """Length of the file as it was last seen (s)."""
        return self._known / self.rate

    def go_to(self, frame: int) -> None:
        """Read on from there; behind the loop is its beginning."""
        self.close()
        self._is_over = False
        self.place = frame if frame < self._last else self._first

    def close(self) -> None:
        """Give the file back; reading takes it up again."""
        if self._blocks is not None:
            self._blocks.close()
            self._blocks = None

    def read(self) -> Piece | None:
        """The next piece; None at the end, which is the end for now in a file that grows."""
        if self._is_over:
            return None
        if self.place >= self._last:
            self._turn_back()
        block = self._next()
        if block is None and self._last_is_the_end and self.place > self._first:
            self._turn_back()
            block = self._next()
        if block is None:
            self._is_over = not self.cue.grows
            return None
        room = self._last - self.place
        samples = block[: int(room)] if room < len(block) else block
        heard = samples * np.float32(self.cue.gain)
        self._fade(heard, ends=self.place + len(heard) >= self._last)
        piece = Piece(self.place, heard)
        self.place += len(heard)
        self._known = max(self._known, self.place)
        return piece

    @property
    def _last_is_the_end(self) -> bool:
        """Whether the end of the file turns back to the loop's beginning."""
        return self.cue.loop is not None and not self.cue.grows

    def _turn_back(self) -> None:
        self.close()
        self.place, self._turned = self._first, True

    def _next(self) -> Samples | None:
        """The next block as it lies in the file; one that grew since it was opened is opened again."""
        for _ in range(2):
            try:
                block = self._block()
            except SongdeskError:
                # A file that is just being written to, or that has just become another.
                if not self.cue.grows:
                    raise
                block = None
            if block is not None:
                return block
            self.close()
            if not self.cue.grows:
                break
        return None

    def _block(self) -> Samples | None:
        if self._blocks is None:
            self._blocks = blocks(self.cue.path, self._frames, start=self.place / self.rate)
        block = next(self._blocks, None)
        return block if block is not None and len(block) else None

    def _fade(self, samples: Samples, *, ends: bool) -> None:
        count = min(len(samples), round(_SEAM * self.rate))
        ramp = np.linspace(0, 1, count, dtype=np.float32)[:, None]
        if self._turned:
            samples[:count] *= ramp
            self._turned = False
        if ends and count:
            samples[-count:] *= ramp[::-1]


def joined(before: Samples, after: Samples, count: int) -> Samples:
    """`after` with its first `count` frames led over from those of `before`; both float32 [n, channels]."""
    count = min(count, len(before), len(after))
    ramp = np.linspace(0, 1, count, dtype=np.float32)[:, None]
    led = after.copy()
    led[:count] = before[:count] * (1 - ramp) + after[:count] * ramp
    return led
