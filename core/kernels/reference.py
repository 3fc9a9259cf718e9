"""The definition of right: each operation in plain torch, for any device; faster twins are tested against it."""

import torch
import torch.nn.functional as F
from torch import Tensor


def rms_norm(x: Tensor, weight: Tensor, eps: float = 1e-5) -> Tensor:
    """Scale x [..., D] to unit root mean square in fp32, cast back, then weigh (levo-tokens spec §5)."""
    wide = x.float()
    return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)).to(x.dtype) * weight


def swiglu(gate_up: Tensor) -> Tensor:
    """Gate [..., F] and up [..., F] side by side in [..., 2F]; gives silu(gate) times up."""
    gate, up = gate_up.chunk(2, dim=-1)
    return F.silu(gate) * up


def rope_table(positions: Tensor, dim: int, base: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines [T, dim/2], fp32, of positions [T] times base^(-2i/dim)."""
    exponents = torch.arange(0, dim, 2, device=positions.device, dtype=torch.float32) / dim
    angles = positions.float()[:, None] / base ** exponents[None, :]
    return angles.cos(), angles.sin()


def rotate_halves(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate x [..., T, D] by pairing each channel of the first half with the same one of the second."""
    a, b = x.float().chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1).to(x.dtype)


def rotate_pairs(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate x [..., T, D] by pairing neighbouring channels (2i, 2i + 1)."""
    a, b = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2).to(x.dtype)


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Every query sees every key: softmax(q k' / sqrt(D)) v over [B, H, T, D]."""
    return F.scaled_dot_product_attention(q, k, v)


def causal_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Queries are the last T of the keys' S positions; each sees the keys up to its own. [B, H, T|S, D]."""
    queries, keys = q.shape[-2], k.shape[-2]
    if queries == 1:
        return F.scaled_dot_product_attention(q, k, v)
    if queries == keys:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    seen = torch.ones(queries, keys, dtype=torch.bool, device=q.device).tril(keys - queries)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
