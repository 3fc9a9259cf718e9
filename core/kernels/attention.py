"""Attention from one query a row to all that a layer's cache holds."""

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor

from core.kernels.live import is_triton
from core.kernels.reference_cache import decode_attention as in_torch
from core.kernels.sizes import padded
from core.kernels.store import LayerStore

WARPS = 4
_TILE = 4096
"""Codes or numbers in a tile of keys: 32 to a thread."""
_MOST_SLOTS = 128
FAST_EXPONENTS = {"allow_flush_denorm": True}
"""What makes exp2 one instruction on AMD's devices, at the cost of numbers below 1e-38."""
_MOST_SPLITS = 64
_PROGRAMS = 512
"""Splits times heads and rows: about what the largest devices run at a time."""


def decode_attention(q: Tensor, store: LayerStore, length: Tensor) -> Tensor:
    """softmax(q k' / sqrt(D)) v from q [B, H, D] over the first `length` (int32 [1]) positions: [B, H, D].

    A length beyond the cache means all of it; of length 0 the result is zero. What lies behind is not read.
    """
    if not is_triton(q.device):
        return in_torch(q, store, length)
    return _launch(q, store, length)


def _launch(q: Tensor, store: LayerStore, length: Tensor) -> Tensor:
    from core.kernels.fused.attention import attend_codes, attend_plain, merge

    assert q.is_contiguous()
    shape, pairs = shape_of(store), store.pairs
    splits, dim = shape["SPLITS"], store.dim
    mixed = torch.empty(pairs, splits, dim, dtype=torch.float32, device=q.device)
    stats = torch.empty(pairs, splits, 2, dtype=torch.float32, device=q.device)
    sharpness = math.log2(math.e) / math.sqrt(dim)
    if store.key_scales is None:
        attend_plain[pairs, splits](
            q, store.keys, store.values, length, mixed, stats, store.positions, sharpness,
            **shape, num_warps=WARPS, **_options(),
        )  # fmt: skip
    else:
        attend_codes[pairs, splits](
            q, store.keys.view(torch.int32), store.values.view(torch.int32), packed(store.key_scales),
            packed(store.value_scales), length, mixed, stats, store.heads, store.positions, sharpness,
            store.mu, **shape, num_warps=WARPS, **_options(),
        )  # fmt: skip
    out = torch.empty_like(q)
    merge[(pairs,)](mixed, stats, out, DIM=dim, DIM_PADDED=padded(dim), SPLITS=splits, num_warps=WARPS)
    return out


def _options() -> dict[str, bool]:
    return FAST_EXPONENTS if torch.version.hip is not None else {}


def packed(scales: Tensor | None) -> Tensor:
    """Scales of int8 [B, H, L, groups] as one number a position, where numbers of that size are."""
    assert scales is not None
    sizes = {2: torch.int16, 4: torch.int32}
    return scales.view(sizes[scales.shape[-1]]) if scales.shape[-1] in sizes else scales


def shape_of(store: LayerStore) -> dict[str, Any]:
    """What the kernel is compiled for; nothing of it depends on how much the cache holds."""
    if store.key_scales is None:
        return _plain_shape(store.dim, store.positions, store.pairs)
    return _coded_shape(store.kind, store.dim, store.groups, store.positions, store.pairs)


@cache
def _plain_shape(dim: int, positions: int, pairs: int) -> dict[str, Any]:
    side = padded(dim)
    return {"DIM": dim, "DIM_PADDED": side, **_tiles(side, positions, pairs)}


@cache
def _coded_shape(kind: str, dim: int, groups: int, positions: int, pairs: int) -> dict[str, Any]:
    words = dim // groups // 4
    sides = {"GROUPS_PADDED": padded(groups), "WORDS_PADDED": padded(words)}
    tiles = _tiles(padded(groups) * padded(words) * 4, positions, pairs)
    return {"KIND": kind, "DIM": dim, "GROUPS": groups, "WORDS": words, **sides, **tiles}


def _tiles(width: int, positions: int, pairs: int) -> dict[str, int]:
    """Positions in a tile whose rows take `width` numbers, and splits: no more than there are tiles."""
    slots = min(_MOST_SLOTS, _TILE // width)
    most = padded(-(-positions // slots))
    return {"SLOTS": slots, "SPLITS": min(_MOST_SPLITS, most, padded(max(1, _PROGRAMS // pairs)))}
