"""The definition of right: each operation in plain torch on any device; fast twins are tested against it."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_FEW_ROWS = 4
_ALIGNED = 8
"""Channels of a head come in multiples of this in fused attention on accelerators."""
_GROUP = 32
"""Channels that share a scale in the int8 cache."""
_HALF_MAX = torch.finfo(torch.float16).max


def rms_norm(x: Tensor, weight: Tensor, eps: float = 1e-5) -> Tensor:
    """Scale x [..., D] to unit root mean square in fp32, cast to the weight's dtype, and weigh (spec §5)."""
    wide = x.float()
    return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)).to(weight.dtype) * weight


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x [..., D] times weight [N, D] transposed, plus bias [N]: [..., N]."""
    rows = x.numel() // x.shape[-1]
    if not 1 < rows <= _FEW_ROWS or x.device.type != "cpu":
        return F.linear(x, weight, bias)
    # On a CPU two rows times a wide matrix take 2 to 4 times as long as the matrix times two columns.
    product = (weight @ x.reshape(rows, -1).contiguous().T).T.contiguous().view(*x.shape[:-1], -1)
    return product if bias is None else product + bias


def swiglu(gate_up: Tensor) -> Tensor:
    """Gate [..., F] and up [..., F] side by side in [..., 2F]; gives silu(gate) times up."""
    gate, up = gate_up.chunk(2, dim=-1)
    return F.silu(gate) * up


def rope_table(positions: Tensor, dim: int, base: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines [T, dim/2], fp32, of positions [T] times base^(-2i/dim)."""
    exponents = torch.arange(0, dim, 2, device=positions.device, dtype=torch.float32) / dim
    # Times the rounded reciprocal, as the published models do: dividing moves an angle by 5e-4 at 9000.
    return rotary_table(positions, 1.0 / base**exponents)


def rotary_table(positions: Tensor, frequencies: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines [T, D/2], fp32, of positions [T] times frequencies [D/2]."""
    angles = positions.float()[:, None] * frequencies[None, :]
    return angles.cos(), angles.sin()


def rotate_halves(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate x [..., T, D] by pairing each channel of the first half with the same one of the second."""
    a, b = x.float().chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1).to(x.dtype)


def rotate_pairs(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate x [..., T, D] by pairing neighbouring channels (2i, 2i + 1)."""
    a, b = x.float().view(*x.shape[:-1], -1, 2).unbind(-1)
    return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2).to(x.dtype)


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Every query sees every key: softmax(q k' / sqrt(D)) v over [B, H, T, D]."""
    dim = q.shape[-1]
    if q.device.type == "cpu" or dim % _ALIGNED == 0:
        return F.scaled_dot_product_attention(q, k, v)
    return padded_attention(q, k, v)


def padded_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """`attention` with D filled up by zeros to a width for which accelerators have fused kernels."""
    dim = q.shape[-1]
    q, k, v = (F.pad(x, (0, -dim % _ALIGNED)) for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, scale=dim**-0.5)[..., :dim]


def causal_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Queries are the last T of the keys' S positions; each sees the keys up to its own. [B, H, T|S, D]."""
    queries, keys = q.shape[-2], k.shape[-2]
    if queries == 1:
        return F.scaled_dot_product_attention(q, k, v)
    if queries == keys:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    seen = torch.ones(queries, keys, dtype=torch.bool, device=q.device).tril(keys - queries)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=seen)


def mulaw_encode(x: Tensor, mu: float) -> tuple[Tensor, Tensor]:
    """x [B, H, T, D] to int8 codes and one fp16 scale a row, [B, 1, 1, 1], for all T (spec §6.1).

    Codes are made with the scale before its rounding to fp16. A row beyond ±65504 reads back as not a number.
    """
    wide = x.float()
    scale = wide.abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    unit = wide / scale
    companded = unit.sign() * (mu * unit.abs()).log1p() / math.log1p(mu)
    return (127 * companded).round().to(torch.int8), scale.half()


def mulaw_table(mu: float) -> Tensor:
    """What code c stands for at scale 1, fp16 [256], at index c + 128 (spec §6.1)."""
    unit = torch.arange(-128, 128, dtype=torch.float32) / 127
    return (unit.sign() * ((unit.abs() * math.log1p(mu)).exp() - 1) / mu).half()


def mulaw_decode(codes: Tensor, scales: Tensor, mu: float) -> Tensor:
    """Codes [B, H, T, D] and scales [B, 1, T or 1, 1] to fp16."""
    return mulaw_table(mu).to(codes.device)[codes.int() + 128] * scales


def int8_groups(dim: int) -> int:
    """Scales of a vector of `dim`: one for each 32 channels, or one where 32 does not divide it."""
    return dim // _GROUP if dim % _GROUP == 0 else 1


def int8_encode(x: Tensor) -> tuple[Tensor, Tensor]:
    """x [..., D] to int8 codes -127 to 127 and fp16 scales [..., groups]: value = code times scale."""
    grouped = x.float().view(*x.shape[:-1], int8_groups(x.shape[-1]), -1)
    scales = (grouped.abs().amax(-1, keepdim=True) / 127).clamp_max(_HALF_MAX).half()
    steps = scales.float()
    codes = (grouped / torch.where(steps > 0, steps, 1)).round().clamp(-127, 127)
    return codes.to(torch.int8).flatten(-2), scales.squeeze(-1)


def int8_decode(codes: Tensor, scales: Tensor) -> Tensor:
    """Codes [..., D] and scales [..., groups] to fp32."""
    return (codes.view(*scales.shape, -1) * scales.float().unsqueeze(-1)).flatten(-2)
