"""Causal attention behind positions that are held already, without a mask of its size where a device can."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from core.kernels import reference

_QUERIES, _KEYS = 19, 150
"""Of the attention that a device is asked for before it is trusted; neither fills a tile."""
_ALIGNED = 8
"""Channels of a head come in multiples of this in fused attention."""
_LOWER_RIGHT = 2
"""Torch's number for: the last query sees the last key."""
_NEAR = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 5e-2}
_Fused = Callable[[Tensor, Tensor, Tensor], Tensor]


def causal_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Queries are the last T of the keys' S positions; each sees the keys up to its own. [B, H, T|S, D].

    Torch's own causal flag lets the first query see the first key alone: it serves where T is S. Elsewhere
    a fused kernel is told of the offset where the device has one that is right, and a mask [T, S] made
    where it has not.
    """
    queries, keys = q.shape[-2], k.shape[-2]
    fused = None if queries in (1, keys) else fused_with_offset(q.device, q.dtype, q.shape[-1])
    return reference.causal_attention(q, k, v) if fused is None else fused(q, k, v)


def fused_with_offset(device: torch.device, dtype: torch.dtype, dim: int) -> _Fused | None:
    """The device's fused kernel for an offset, tried out once against the mask; None where none is right."""
    return None if device.type == "cpu" else _first_right((_flash, _thrifty), device, dtype, dim)


@cache
def _first_right(
    kernels: tuple[_Fused, ...], device: torch.device, dtype: torch.dtype, dim: int
) -> _Fused | None:
    draw = torch.Generator().manual_seed(0)
    q = torch.randn(1, 2, _QUERIES, dim, generator=draw).to(device, dtype)
    k, v = torch.randn(2, 1, 2, _KEYS, dim, generator=draw).to(device, dtype)
    right = reference.causal_attention(q, k, v)
    return next((kernel for kernel in kernels if dim % _ALIGNED == 0 and _is(kernel, q, k, v, right)), None)


def _is(kernel: _Fused, q: Tensor, k: Tensor, v: Tensor, right: Tensor) -> bool:
    try:
        apart = (kernel(q, k, v) - right).abs().max()
    except RuntimeError:  # it is not built for this device, or not for this dtype
        return False
    return float(apart) <= _NEAR.get(q.dtype, 0.0)


# As torch.nn.attention.bias does it, whose import brings hundreds of modules along and takes seconds.


def _flash(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    seen: Tensor = torch.ops.aten._scaled_dot_product_flash_attention(q, k, v, 0.0, is_causal=True)[0]
    return seen


def _thrifty(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Of any float dtype; its tensors are [B, T, H, D]."""
    given = (x.transpose(1, 2) for x in (q, k, v))
    seen: Tensor = torch.ops.aten._efficient_attention_forward(
        *given, None, None, None, None, None, 0.0, _LOWER_RIGHT, compute_log_sumexp=False
    )[0]
    return seen.transpose(1, 2)
