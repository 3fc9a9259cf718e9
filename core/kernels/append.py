"""The new position of a layer: rotate its query and key, and write key and value to the cache."""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from core.kernels.live import is_triton
from core.kernels.reference_cache import append as in_torch
from core.kernels.sizes import padded
from core.kernels.store import LayerStore


def append(qkv: Tensor, cos: Tensor, sin: Tensor, store: LayerStore, position: Tensor) -> Tensor:
    """Write keys and values of qkv [B, 3·H·D] to `position` (int32 [1]) and give the query [B, H, D].

    Query and key are rotated by row `position` of cos and sin [P, D/2] first. A position behind the end
    of the cache is not written. Nothing depends on the host's knowing the position.
    """
    if not is_triton(qkv.device):
        return in_torch(qkv, cos, sin, store, position)
    return _launch(qkv, cos, sin, store, position)


def _launch(qkv: Tensor, cos: Tensor, sin: Tensor, store: LayerStore, position: Tensor) -> Tensor:
    from core.kernels.fused.append import rotate_and_store

    assert qkv.is_contiguous()
    q = torch.empty(store.rows, store.heads, store.dim, dtype=qkv.dtype, device=qkv.device)
    shape = shape_of(store)
    grid = (store.rows, 3, store.heads // shape["AT_ONCE"])
    rotate_and_store[grid](
        qkv, cos, sin, q, store.keys, store.values, store.key_scales, store.value_scales, position,
        store.heads, store.positions, len(cos), store.mu, **shape, num_warps=warps_of(shape),
    )  # fmt: skip
    return q


def shape_of(store: LayerStore) -> dict[str, Any]:
    """What the kernel is compiled for: a program takes one head, or all where they share a scale."""
    return _shape(store.kind, store.heads if store.kind == "mulaw8" else 1, store.dim, store.groups)


@cache
def _shape(kind: str, heads: int, dim: int, groups: int) -> dict[str, Any]:
    width = dim // groups
    return {
        "KIND": kind,
        "DIM": dim,
        "AT_ONCE": heads,
        "HEADS_PADDED": padded(heads),
        "GROUPS": groups,
        "GROUPS_PADDED": padded(groups),
        "WIDTH": width,
        "WIDTH_PADDED": padded(width),
    }


def warps_of(shape: dict[str, Any]) -> int:
    """Warps of a program: one for a head, eight for a row."""
    return 8 if shape["HEADS_PADDED"] > 2 else 1
