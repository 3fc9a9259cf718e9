"""The sampler of one step: guidance, penalty, bans, temperature, exact limits, and a draw on keyed noise."""

import torch
from torch import Tensor

from core.kernels.live import is_triton
from core.kernels.page import Knob, Mark, Page
from core.kernels.reference_draw import draw as in_torch

_LEAST = 16
"""Scores that a program takes at least."""
SLOTS = {knob.name: int(knob) for knob in Knob if knob is not Knob.FINISH} | {"DONE": int(Mark.DONE)}
"""Where the kernel finds what, as it is compiled."""


def draw(logits: Tensor, page: Page, *, books: tuple[int, ...]) -> None:
    """Draw the tokens of the next column for n neighbouring codebooks into `page.tokens`.

    `logits` fp32 [B, n, codes + 1] with row 0 conditioned and row 1, if there, null; rows may lie apart.
    A codebook's temperature 0 takes the likeliest, the lowest id among equals. Nothing waits for the device.
    """
    assert logits.dtype == torch.float32, "the draw is made in fp32"
    assert logits.shape[1:] == (len(books), page.codes + 1), "a row of scores for each codebook"
    assert len(logits) in (1, 2), "conditioned, and null or not"
    if is_triton(logits.device):
        _launch(logits, page, books)
    else:
        in_torch(logits, page, books=books)


def _launch(logits: Tensor, page: Page, books: tuple[int, ...]) -> None:
    from triton import next_power_of_2

    from core.kernels.fused.draw import draw_column

    assert logits.stride(-1) == 1 == page.columns.stride(-1), "a codebook's scores stand side by side"
    block = max(_LEAST, next_power_of_2(page.codes))
    draw_column[(len(books),)](
        logits, page.columns, page.marks, page.knobs, page.banned.view(torch.uint8), page.key, page.tokens,
        logits.stride(0), logits.stride(1), page.columns.stride(0), books[0], page.codes,
        ROWS=len(logits), BLOCK=block, **SLOTS, num_warps=warps_of(block, _lanes(logits.device)),
    )  # fmt: skip


def warps_of(block: int, lanes: int = 32) -> int:
    """Warps of a program: sixteen scores a thread, which need no memory beside the registers."""
    return max(1, min(1024, block // 16) // lanes)


def _lanes(device: torch.device) -> int:
    """Threads of a warp."""
    return int(torch.cuda.get_device_properties(device).warp_size) if device.type == "cuda" else 32
