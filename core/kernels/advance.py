"""Going one column on, on the device: which cells are written, where the song ends, what is fed next."""

from core.kernels.live import is_triton
from core.kernels.page import Knob, Mark, Page, late_of, span
from core.kernels.reference_advance import advance as in_torch

SLOTS = {mark.name: int(mark) for mark in Mark} | {"FINISH": int(Knob.FINISH), "LANES": 4}
"""Where the kernel finds what, as it is compiled."""


def advance(page: Page, *, books: tuple[int, ...]) -> None:
    """Write the next column of `books` from `page.tokens`, and go on to it.

    A cell is written where it is a frame of the song and not known beforehand (levo-tokens spec §7; §9 rows
    20-24): an end of song in codebook 0 stands in its column and is followed by specials. When the next
    column has nothing to write or the last one stands, nothing changes but `Mark.IDLE`. Nothing waits for
    the device.
    """
    if is_triton(page.marks.device):
        _launch(page, books)
    else:
        in_torch(page, books=books)


def _launch(page: Page, books: tuple[int, ...]) -> None:
    from core.kernels.fused.advance import next_column

    held, (count, width) = span(books), page.columns.shape
    next_column[(1,)](
        page.columns, page.fed, page.tokens, page.marks, page.knobs, page.columns.stride(0), width, count,
        max(page.delays), late_of(page, books), held.start, held.stop - 1, page.codes, **SLOTS, num_warps=1,
    )  # fmt: skip
