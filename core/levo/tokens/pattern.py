"""The delay pattern: frame t of codebook k stands in column 1 + delay + t; column 0 is all special."""

from collections.abc import Sequence

import torch
from torch import Tensor

from core.levo.shapes import CODEBOOKS, TokenShapes

EVERY_BOOK = tuple(range(CODEBOOKS))
_PATIENCE = 8
"""Columns between two looks for the end on a device that works ahead of its host."""


def build(codes: Tensor, delays: Sequence[int], special: int) -> Tensor:
    """Codes [..., 3, T] laid out in columns [..., 3, T + 1 + longest delay]."""
    frames = codes.shape[-1]
    columns = codes.new_full((*codes.shape[:-1], frames + 1 + max(delays)), special)
    for book, delay in enumerate(delays):
        columns[..., book, 1 + delay : 1 + delay + frames] = codes[..., book, :]
    return columns


def revert(columns: Tensor, delays: Sequence[int], frames: int) -> Tensor:
    """The codes [..., 3, frames] of columns [..., 3, S]."""
    rows = [columns[..., book, 1 + delay : 1 + delay + frames] for book, delay in enumerate(delays)]
    return torch.stack(rows, dim=-2)


class Sheet:
    """The columns of one song while it is written, and where it ends (levo-tokens spec §7; §9 rows 20–24).

    What is written stays on its device; the end is looked for every few columns, because looking waits for
    the device. Until it is found the cells of codebook 0 behind it are special all the same.
    """

    def __init__(
        self, shapes: TokenShapes, frames: int, *,
        device: torch.device, start: Sequence[Tensor] = (), end: int | None = None,
        is_told: bool = False, until: int | None = None, every: int | None = None,
    ) -> None:  # fmt: skip
        """Room for `frames` frames; the song may end sooner.

        `start` are the codes int64 [n] that each codebook begins with, of which one may know more than
        another; `end` is where the song ends if that is known, `is_told` whether a person said so; `until`
        are the frames to be written for now.
        The end is looked for `every` so many columns: at each on a processor, at every eighth elsewhere.
        """
        assert shapes.delays[0] == 0, "the first codebook decides the end, so it cannot be late"
        self.frames = frames if end is None else end
        """Frames of the song; shrinks once the end is known."""
        self.ended = end is not None
        self.done = 0
        """Columns written after the first."""
        self.ahead = 0
        """How many of them are still on their way here from a device that works ahead of its host."""
        self._shapes = shapes
        self._until = until
        blank = torch.full((CODEBOOKS, frames), shapes.special, dtype=torch.int64, device=device)
        self._given = [0] * CODEBOOKS
        for book, codes in enumerate(start):
            self._given[book] = min(len(codes), self.frames)
            blank[book, : self._given[book]] = codes[: self.frames].to(device)
        self._columns = build(blank, shapes.delays, shapes.special)
        if self.frames < frames:
            self._columns[0, 1 + self.frames] = shapes.eos
        self._over = torch.full((), self.ended, dtype=torch.bool, device=device)
        patience = every or (1 if device.type == "cpu" else _PATIENCE)
        # Longer than the shortest delay, and a late codebook would be written past the end unseen.
        self._every = max(1, min(patience, *shapes.delays[1:]))
        self._told = is_told

    @property
    def total(self) -> int:
        """Columns the song takes after the first: its frames, then the longest delay."""
        return self.frames + max(self._shapes.delays)

    @property
    def goal(self) -> int:
        """Frames to be there when writing ends for now."""
        return self.frames if self._until is None else min(self.frames, self._until)

    @property
    def last(self) -> int:
        """The column with which writing ends for now."""
        return self.goal + max(self._shapes.delays)

    def made(self, book: int) -> int:
        """Frames of a codebook that stand, those known beforehand included."""
        here = self.done - self.ahead
        return max(self._given[book], min(here - self._shapes.delays[book], self.frames))

    @property
    def standing(self) -> int:
        """Frames of the song so far that stand in every codebook, whatever comes behind them."""
        return min(self.goal, *(self.made(book) for book in range(CODEBOOKS)))

    def beginning(self, frames: int) -> Tensor:
        """The codes [3, frames] of the first frames, which stand, on the host."""
        return revert(self._columns, self._shapes.delays, frames).cpu()

    def cells(self, book: int, start: int, end: int) -> Tensor:
        """Frames of one codebook as written, [end - start]."""
        first = 1 + self._shapes.delays[book]
        return self._columns[book, first + start : first + end]

    @property
    def first(self) -> Tensor:
        """Column 0, [3, 1]."""
        return self._columns[:, :1]

    def columns(self, start: int, end: int) -> Tensor:
        """Columns as written, [3, end - start]."""
        return self._columns[:, start:end]

    def open(self, books: tuple[int, ...]) -> tuple[int, ...]:
        """Those codebooks whose cell in the next column is a frame of the song and not known beforehand."""
        return self._open_behind(self.done, books)

    @property
    def size(self) -> int:
        """Columns there is room for, with the first."""
        return self._columns.shape[1]

    @property
    def given(self) -> tuple[int, ...]:
        """Frames of each codebook that were known beforehand."""
        return tuple(self._given)

    def has_open(self) -> bool:
        """Whether anything is to be written from here to the last column."""
        books = range(CODEBOOKS)
        return any(self.made(book) < self.goal for book in books)

    def skip(self, books: tuple[int, ...]) -> None:
        """Go to the next column that has an open cell, or to the last."""
        while self.done < self.last and not self.open(books):
            self.done += 1

    def rewind(self) -> None:
        """Go back to the first column, for the codebooks that are still to be written."""
        self.done = 0

    def history(self, books: tuple[int, ...], window: int) -> Tensor:
        """The last `window` columns as written, for neighbouring codebooks: [len(books), ≤ window]."""
        return self._columns[_span(books), max(0, self.done + 1 - window) : self.done + 1]

    def write(self, books: tuple[int, ...], tokens: Tensor) -> Tensor:
        """Write the next column, `tokens` [len(books)] in its open cells; gives the column, [3, 1].

        End of song in codebook 0 stands in its column, is fed once, and is followed by specials.
        """
        self.done += 1
        column = self._columns[:, self.done : self.done + 1]
        if books:
            column[_span(books), 0] = tokens
        if 0 in books:
            column[0].masked_fill_(self._over, self._shapes.special)
            self._over |= column[0, 0] == self._shapes.eos
            if self.done % self._every == 0 or self.done == self.frames:
                self.listen()
        return column

    def receive(self, columns: Sequence[Sequence[int]], books: tuple[int, ...]) -> None:
        """Take in columns [n][3] that a device was to write for `books`, the first of those on their way.

        A device stops where nothing is open, even if its host, who did not know of the end of the song yet,
        let it go on: what it was to write from there on is not counted as written.
        """
        for cells in columns:
            here = self.done - self.ahead
            if here >= self.last or not self._open_behind(here, books):
                self.done, self.ahead = here, 0
                return
            self._columns[:, here + 1] = torch.tensor(cells)
            self.ahead -= 1
            if 0 in books and not self.ended and cells[0] == self._shapes.eos:
                self._over.fill_(True)
                self._end(here)

    def listen(self) -> None:
        """Look for the end among the columns written."""
        if not self.ended and bool(self._over):
            self._end(int((self._columns[0] == self._shapes.eos).int().argmax()) - 1)

    def finish(self, books: tuple[int, ...] = EVERY_BOOK) -> None:
        """End the song, once: after the frames of codebook 0 if it is among `books`, else of all of them."""
        self.listen()
        if not self.may_finish(books):
            return
        late = self._late(books)
        self._told = True
        if not late and self.done < self.frames:
            self._columns[0, self.done + 1] = self._shapes.eos
        self._end(self.done - late)

    def may_finish(self, books: tuple[int, ...] = EVERY_BOOK) -> bool:
        """Whether the song has an end yet to be told, as far as is known here."""
        late = self._late(books)
        is_over = self._told or (self.ended and not late)
        return not is_over and 0 < self.done - late <= self.frames

    @property
    def is_told(self) -> bool:
        """Whether a person has said where the song ends."""
        return self._told

    @property
    def until(self) -> int | None:
        """Frames to be there when writing ends for now; None for the whole song."""
        return self._until

    def codes(self) -> Tensor:
        """The song as far as it was to be written, [3, goal]; every value is a row of the codebook."""
        codes = revert(self._columns, self._shapes.delays, self.goal)
        assert bool((codes < self._shapes.codes).all()), "a cell of the song holds no code"
        return codes

    def _open_behind(self, done: int, books: tuple[int, ...]) -> tuple[int, ...]:
        delays = self._shapes.delays
        return tuple(k for k in books if self._given[k] <= done - delays[k] < self.frames)

    def _late(self, books: tuple[int, ...]) -> int:
        """Columns that the frames of `books` stand behind those of codebook 0."""
        return max(self._shapes.delays[book] for book in books) if 0 not in books else 0

    def _end(self, frames: int) -> None:
        self.frames, self.ended = frames, True


def _span(books: tuple[int, ...]) -> slice:
    """Neighbouring codebooks as a slice: a list of them would be copied to the device at every step."""
    assert books == tuple(range(books[0], books[-1] + 1)), "codebooks are written side by side"
    return slice(books[0], books[-1] + 1)
