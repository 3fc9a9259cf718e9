"""What a device has written comes back to its host without either waiting for the other."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Letter(Protocol):
    """Columns on their way to the host."""

    def is_here(self) -> bool:
        """Whether opening it would not wait."""

    def open(self) -> Sequence[Sequence[int]]:
        """The columns [n][3], once they are here."""


Post = Callable[[Tensor], Letter]
"""Sends columns [3, n] that the device will have written by then."""


@dataclass(frozen=True, slots=True)
class Present:
    """Columns that need not travel: the device is the host's own processor."""

    columns: Tensor

    def is_here(self) -> bool:
        """At once."""
        return True

    def open(self) -> Sequence[Sequence[int]]:
        """The columns [n][3]."""
        rows: list[list[int]] = self.columns.T.tolist()
        return rows


@dataclass(frozen=True, slots=True)
class Pinned:
    """Columns that a device copies to memory of the host which keeps its place."""

    held: Tensor
    """[n, 3]."""
    done: torch.cuda.Event

    def is_here(self) -> bool:
        """Whether the device has come past the copy."""
        return bool(self.done.query())  # type: ignore[no-untyped-call]

    def open(self) -> Sequence[Sequence[int]]:
        """The columns [n][3]; the host sleeps until they are here."""
        self.done.synchronize()
        rows: list[list[int]] = self.held.tolist()
        return rows


def post_of(device: torch.device) -> Post:
    """How columns come back from a device."""
    return _posted if device.type == "cuda" else Present


def _posted(columns: Tensor) -> Letter:
    written = columns.T.contiguous()
    held = torch.empty(written.shape, dtype=written.dtype, pin_memory=True)
    held.copy_(written, non_blocking=True)
    done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
    done.record()
    return Pinned(held, done)


class Readback:
    """The letters of one song, in order."""

    def __init__(self, columns: Tensor, post: Post, *, most: int) -> None:
        """`columns` int64 [3, S] of the page; at most so many are on their way at a time."""
        self._columns, self._post, self._most = columns, post, most
        self._each = max(1, most // 2)
        self._sent: deque[Letter] = deque()
        self._first = self._end = 0

    def begin(self, done: int) -> None:
        """Nothing is on its way behind column `done`."""
        self._sent.clear()
        self._first = self._end = done + 1

    def written(self) -> None:
        """One more column will be there."""
        self._end += 1
        if self._end - self._first >= self._each:
            self.send()

    def send(self) -> None:
        """Send what was not sent yet."""
        if self._end > self._first:
            self._sent.append(self._post(self._columns[:, self._first : self._end]))
            self._first = self._end

    def next(self, *, wait: bool) -> Sequence[Sequence[int]]:
        """The columns [n][3] of the next letter; none where there is none, or one is not to be waited for."""
        if not self._sent or not (wait or self._sent[0].is_here()):
            return ()
        return self._sent.popleft().open()
