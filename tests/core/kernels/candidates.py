"""The limits of the draw by themselves: which ids are left as candidates."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from core.kernels.fused.draw import limit


@triton.jit  # type: ignore[untyped-decorator]
def _candidates(  # type: ignore[no-untyped-def]
    scores, kept, codes, top_k, top_p, COUNT: tl.constexpr, NUCLEUS: tl.constexpr, BLOCK: tl.constexpr
):
    ids = tl.arange(0, BLOCK)
    row = tl.load(scores + ids, mask=ids < codes, other=float("-inf"))
    end = tl.load(scores + codes)
    row, end = limit(row, end, top_k, COUNT, top_p, NUCLEUS)
    tl.store(kept + ids, row, mask=ids < codes)
    tl.store(kept + codes, end)


def candidates(scores: Tensor, top_k: int, top_p: float) -> Tensor:
    """Which of scores [V] are left, bool [V]."""
    width, kept = len(scores), torch.empty_like(scores)
    has_count = 0 < top_k < width
    _candidates[(1,)](
        scores, kept, width - 1, top_k if has_count else width, top_p, COUNT=has_count, NUCLEUS=0 < top_p < 1,
        BLOCK=triton.next_power_of_2(width - 1), num_warps=1,
    )  # fmt: skip
    return kept.isfinite()
