"""The definition of right for what a decode step does with the cache, in plain torch on any device."""

import torch
from torch import Tensor

from core.kernels.reference import (
    causal_attention,
    int8_decode,
    int8_encode,
    mulaw_codes,
    mulaw_decode,
    mulaw_scale,
    rotate_halves,
)
from core.kernels.store import LayerStore

_UNPACKED = 8_000_000
"""Bytes of decoded keys at a time on a processor: about what its cache holds."""


def append(qkv: Tensor, cos: Tensor, sin: Tensor, store: LayerStore, position: Tensor) -> Tensor:
    """`append.append` without a kernel."""
    q, k, v = qkv.view(-1, 3, store.heads, 1, store.dim).unbind(1)
    at = position.clamp_max(len(cos) - 1).long()
    turned = rotate_halves(torch.stack((q, k)), cos.index_select(0, at), sin.index_select(0, at))
    _write(turned[1], store, position, store.keys, store.key_scales)
    _write(v, store, position, store.values, store.value_scales)
    return turned[0].squeeze(-2)


def _write(x: Tensor, store: LayerStore, position: Tensor, codes: Tensor, scales: Tensor | None) -> None:
    """Encode x [B, H, 1, D] and put it at the position."""
    if scales is None:
        _put(codes, x.to(codes.dtype), position)
        return
    made, by = _encode(x, store)
    _put(codes, made, position)
    _put(scales, by, position)


def _encode(x: Tensor, store: LayerStore) -> tuple[Tensor, Tensor]:
    if store.kind == "int8":
        return int8_encode(x)
    largest = mulaw_scale(x)
    return mulaw_codes(x, largest, store.mu), largest.half()


def _put(into: Tensor, x: Tensor, position: Tensor) -> None:
    """Write x [B, H, 1, any] at a position of `into`; behind its end nothing changes."""
    last = into.shape[-2] - 1
    if into.device.type == "cpu":
        if int(position) <= last:
            into.narrow(-2, int(position), 1).copy_(x)
        return
    at = position.clamp_max(last).long()
    held = into.index_select(-2, at)
    into.index_copy_(-2, at, torch.where(position <= last, x, held))


def decode_attention(q: Tensor, store: LayerStore, length: Tensor) -> Tensor:
    """`attention.decode_attention` without a kernel."""
    if q.device.type == "cpu":
        return _over_slices(q, store, min(int(length), store.positions))
    return masked_attention(q, store, length)


def _over_slices(q: Tensor, store: LayerStore, length: int) -> Tensor:
    """So many heads at a time that what is unpacked stays small."""
    if length == 0:
        return torch.zeros_like(q)
    each = store.rows * length * store.dim * q.element_size()
    count = min(store.heads, max(1, _UNPACKED // each))
    if store.keys.dtype == q.dtype:
        count = store.heads
    parts = [
        causal_attention(
            q[:, first : first + count, None], *_unpacked(store, first, count, length, q.dtype)
        ).squeeze(2)
        for first in range(0, store.heads, count)
    ]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def masked_attention(q: Tensor, store: LayerStore, length: Tensor) -> Tensor:
    """`decode_attention` of a length that only the device knows: what lies behind it is masked."""
    keys, values = _unpacked(store, 0, store.heads, store.positions, torch.float32)
    seen = torch.arange(store.positions, device=q.device) < length
    scores = (keys @ q.float().unsqueeze(-1)).squeeze(-1) * store.dim**-0.5
    top = scores.masked_fill_(~seen, -torch.inf).amax(-1, keepdim=True).clamp_min(-1e30)
    weights = (scores - top).exp_()
    total = weights.sum(-1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    # What was never written may be not a number, which a weight of 0 does not silence.
    mixed = weights.unsqueeze(-2) @ torch.where(seen[:, None], values, 0)
    whole: Tensor = (mixed.squeeze(-2) / total).to(q.dtype)
    return whole


def _unpacked(
    store: LayerStore, first: int, count: int, length: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Keys and values [B, count, length, D] of some heads."""
    keys = _decode(store, store.keys, store.key_scales, first, count, length, dtype)
    return keys, _decode(store, store.values, store.value_scales, first, count, length, dtype)


def _decode(
    store: LayerStore, codes: Tensor, scales: Tensor | None,
    first: int, count: int, length: int, dtype: torch.dtype,
) -> Tensor:  # fmt: skip
    codes = codes[:, first : first + count, :length]
    if scales is None:
        return codes.to(dtype)
    if store.kind == "int8":
        return int8_decode(codes, scales[:, first : first + count, :length]).to(dtype)
    return mulaw_decode(codes, scales[:, :, :length], store.mu).to(dtype)
