"""What one step of a song reads and writes on its device, so that the host need not be asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

ENDLESS = 2**31 - 1
"""Stands for no limit in `Mark.UNTIL`."""
AT_ONCE = 16
"""Steps whose noise a processor makes in one go."""


class Mark(IntEnum):
    """Slots of `Page.marks`."""

    POSITION = 0
    """Positions that the cache holds before the step."""
    LENGTH = 1
    """One more: what attention sees once the step's position is in."""
    DONE = 2
    """Columns written after the first; a step writes the next."""
    FRAMES = 3
    """Of the song; fewer once its end is known."""
    UNTIL = 4
    """Frames to be there when writing ends for now."""
    ENDED = 5
    """1 when the end of the song is known."""
    TOLD = 6
    """1 when a person has said where it ends."""
    IDLE = 7
    """1 when the next column has nothing to write: steps change nothing any more."""
    GIVEN = 8
    """Frames known beforehand, one slot for each codebook."""
    DELAY = 11
    """Columns that a codebook's frames come late, likewise."""


class Knob(IntEnum):
    """Slots of `Page.knobs`; those of one codebook begin with codebook 0's."""

    GUIDANCE = 0
    PENALTY = 1
    WINDOW = 2
    """Columns."""
    COUNTS = 3
    """1 divides as often as a code was heard, 0 once."""
    AWARE = 4
    """1 multiplies scores below zero, 0 divides those too."""
    BAN = 5
    """1 when the banned codes are banned."""
    MINIMUM = 6
    """Frames before which the song does not end."""
    FINISH = 7
    """1 when the song is to end here."""
    TEMPERATURE = 8
    TOP_K = 11
    TOP_P = 14


MARKS, KNOBS = 16, 17


@dataclass(frozen=True, slots=True)
class Page:
    """One song as its steps see it; every tensor keeps its place in memory."""

    columns: Tensor
    """The song as written, int64 [3, S]: cells known beforehand hold their codes, all others special."""
    fed: Tensor
    """The column written last, which the next step takes in, int64 [3, 1]."""
    tokens: Tensor
    """What was drawn last, int64 [3]."""
    marks: Tensor
    """Where the song stands, int32 [16], by `Mark`."""
    knobs: Tensor
    """fp32 [17], by `Knob`."""
    banned: Tensor
    """Codes that codebook 0 may be kept from, bool [codes]."""
    key: Tensor
    """Of the noise: the seed's low word, its high word, the CRC-32 of the stream's name; int64 [3]."""
    noise: Tensor
    """Gumbel noise of some steps, fp32 [3, steps, codes + 1]: a processor makes it for several at once."""
    noised: Tensor
    """The first step of each codebook's noise, int64 [3]; -1 before there is any."""
    delays: tuple[int, ...]
    codes: int
    """Size of a codebook; end of song and special follow."""

    @property
    def position(self) -> Tensor:
        """Positions that the cache holds before the step, int32 [1]."""
        return self.marks[Mark.POSITION : Mark.POSITION + 1]

    @property
    def length(self) -> Tensor:
        """Positions that attention sees in the step, int32 [1]."""
        return self.marks[Mark.LENGTH : Mark.LENGTH + 1]


def open_page(
    columns: Tensor, *, delays: Sequence[int], codes: int, marks: Sequence[int], knobs: Sequence[float],
    key: Sequence[int], banned: Tensor | None = None,
) -> Page:  # fmt: skip
    """A page over `columns` int64 [3, S], which it writes in place.

    `marks` and `knobs` are what `mark_row` and `knob_row` give, `key` the three words of the noise, `banned`
    ids that codebook 0 may be kept from.
    """
    assert len(columns) == len(delays), "each codebook has its delay"
    device, done = columns.device, marks[Mark.DONE]
    row = [*marks]
    row[Mark.DELAY : Mark.DELAY + len(delays)] = delays
    mask = torch.zeros(codes, dtype=torch.bool, device=device)
    if banned is not None and banned.numel():
        mask[banned.to(device)] = True
    return Page(
        columns=columns,
        fed=columns[:, done : done + 1].contiguous().clone(),
        tokens=torch.full((len(delays),), codes + 1, dtype=torch.int64, device=device),
        marks=torch.tensor(row, dtype=torch.int32, device=device),
        knobs=torch.tensor(list(knobs), dtype=torch.float32, device=device),
        banned=mask,
        key=torch.tensor(list(key), dtype=torch.int64, device=device),
        noise=torch.empty(len(delays), AT_ONCE if device.type == "cpu" else 0, codes + 1, device=device),
        noised=torch.full((len(delays),), -1, device=device),
        delays=tuple(delays),
        codes=codes,
    )


def mark_row(
    *, position: int, done: int, frames: int, given: Sequence[int] = (0, 0, 0), until: int | None = None,
    is_ended: bool = False, is_told: bool = False,
) -> list[int]:  # fmt: skip
    """`Page.marks` of a song whose next column has an open cell, but for the delays."""
    row = [0] * MARKS
    row[Mark.POSITION], row[Mark.LENGTH], row[Mark.DONE] = position, position + 1, done
    row[Mark.FRAMES], row[Mark.UNTIL] = frames, ENDLESS if until is None else until
    row[Mark.ENDED], row[Mark.TOLD] = int(is_ended), int(is_told)
    row[Mark.GIVEN : Mark.GIVEN + len(given)] = given
    return row


def knob_row(
    *, guidance: float, penalty: float, window: int, counts: bool, aware: bool, ban: bool, minimum: int,
    temperature: Sequence[float], top_k: Sequence[int], top_p: Sequence[float], finish: bool = False,
) -> list[float]:  # fmt: skip
    """`Page.knobs`; the last three have a value a codebook, `minimum` is in frames, `window` in columns.

    Temperature 0 takes the likeliest; `top_k` 0 and `top_p` 0 or 1 are no limit.
    """
    assert len(temperature) == len(top_k) == len(top_p) == 3, "three codebooks"
    row = [guidance, penalty, window, counts, aware, ban, minimum, finish, *temperature, *top_k, *top_p]
    return [float(value) for value in row]


def late_of(page: Page, books: Sequence[int]) -> int:
    """Columns that `books` are behind the frames they are told to finish at: none where codebook 0 is."""
    return 0 if books[0] == 0 else max(page.delays[book] for book in books)


def span(books: Sequence[int]) -> slice:
    """Neighbouring codebooks as a slice."""
    assert tuple(books) == tuple(range(books[0], books[-1] + 1)), "codebooks stand side by side"
    return slice(books[0], books[-1] + 1)
