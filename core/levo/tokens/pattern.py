"""The delay pattern: frame t of codebook k stands in column 1 + delay + t; column 0 is all special."""

from collections.abc import Sequence

import torch
from torch import Tensor

from core.levo.shapes import CODEBOOKS, TokenShapes


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
    """The columns of one song while it is written, and where it ends (levo-tokens spec §7; §9 rows 20–24)."""

    def __init__(self, shapes: TokenShapes, frames: int, *, device: torch.device) -> None:
        """Room for `frames` frames; the song may end sooner."""
        assert shapes.delays[0] == 0, "the first codebook decides the end, so it cannot be late"
        self.frames = frames
        """Frames of the song; shrinks once the end is known."""
        self.ended = False
        self.done = 0
        """Columns written after the first."""
        self._shapes = shapes
        self._columns = torch.full(
            (CODEBOOKS, frames + 1 + max(shapes.delays)), shapes.special, dtype=torch.int64, device=device
        )

    @property
    def total(self) -> int:
        """Columns the song takes after the first: its frames, then the longest delay."""
        return self.frames + max(self._shapes.delays)

    @property
    def first(self) -> Tensor:
        """Column 0, [3, 1]."""
        return self._columns[:, :1]

    @property
    def open_books(self) -> tuple[int, ...]:
        """Codebooks whose cell in the next column is a frame of the song and not special by pattern."""
        return tuple(k for k, delay in enumerate(self._shapes.delays) if 0 <= self.done - delay < self.frames)

    def history(self, books: tuple[int, ...], window: int) -> Tensor:
        """The last `window` columns as written, for some codebooks: [len(books), ≤ window]."""
        return self._columns[list(books), max(0, self.done + 1 - window) : self.done + 1]

    def write(self, books: tuple[int, ...], tokens: Tensor) -> Tensor:
        """Write the next column, `tokens` [len(books)] in its open cells; gives the column, [3, 1].

        End of song in codebook 0 stands in its column, is fed once, and is followed by specials.
        """
        self.done += 1
        column = self._columns[:, self.done : self.done + 1]
        column[list(books), 0] = tokens
        if 0 in books and int(tokens[0]) == self._shapes.eos:
            self._end(self.done - 1)
        return column

    def finish(self) -> None:
        """End the song after the frames written so far, as if its end stood in the next column."""
        if not self.ended and self.done < self.frames:
            self._columns[0, self.done + 1] = self._shapes.eos
            self._end(self.done)

    def codes(self) -> Tensor:
        """The song, [3, frames]; every value is a row of the codebook."""
        codes = revert(self._columns, self._shapes.delays, self.frames)
        assert bool((codes < self._shapes.codes).all()), "a cell of the song holds no code"
        return codes

    def _end(self, frames: int) -> None:
        self.frames, self.ended = frames, True
