"""The definition of right: each operation in plain torch on any device; fast twins are tested against it."""

import math
import platform
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from core.kernels.packing import GROUP, Packed, scaled

_FEW_ROWS = 4
_INTEL = "GenuineIntel"
_ALIGNED = 8
"""Channels of a head come in multiples of this in fused attention on accelerators."""
_GROUP = 32
"""Channels that share a scale in the int8 cache."""
_SCALE_MAX = 61440.0
"""The largest number of five bits of exponent and three of fraction that is not infinite."""


def rms_norm(x: Tensor, weight: Tensor, eps: float = 1e-5) -> Tensor:
    """Scale x [..., D] to unit root mean square in fp32, cast to the weight's dtype, and weigh (spec §5)."""
    wide = x.float()
    return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)).to(weight.dtype) * weight


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x [..., D] times weight [N, D] transposed, plus bias [N]: [..., N]."""
    rows = x.numel() // x.shape[-1]
    if not 1 < rows <= _FEW_ROWS or x.device.type != "cpu" or _is_intel():
        return F.linear(x, weight, bias)
    # On an AMD processor two rows times a wide matrix take 2 to 4 times as long as the matrix times two
    # columns; on an Intel one it is the other way round.
    product = (weight @ x.reshape(rows, -1).contiguous().T).T.contiguous().view(*x.shape[:-1], -1)
    return product if bias is None else product + bias


@cache
def _is_intel() -> bool:
    """Whether the processor is Intel's, for whose kind torch's matrix library has products of few rows."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        told = platform.processor()
    return _INTEL in told


def swiglu(gate_up: Tensor) -> Tensor:
    """Gate [..., F] and up [..., F] side by side in [..., 2F]; gives silu(gate) times up."""
    gate, up = gate_up.chunk(2, dim=-1)
    return F.silu(gate).mul_(up)


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
    scale = mulaw_scale(x)
    return mulaw_codes(x, scale, mu), scale.half()


def mulaw_scale(x: Tensor) -> Tensor:
    """The largest value of each row of x [B, H, T, D], fp32 [B, 1, 1, 1]."""
    return x.abs().amax(dim=(1, 2, 3), keepdim=True).float().clamp_min(torch.finfo(torch.float32).tiny)


def mulaw_codes(x: Tensor, scale: Tensor, mu: float) -> Tensor:
    """Int8 codes of x [B, H, T, D], whose rows reach up to `scale`."""
    unit = x.float() / scale
    companded = unit.abs().mul_(mu).log1p_().mul_(unit.sign_()).div_(math.log1p(mu))
    return companded.mul_(127).round_().to(torch.int8)


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
    """x [..., D] to int8 codes -127 to 127 and a byte a group, [..., groups], that stands for its scale.

    Value = code times scale; a byte is the upper half of the scale in fp16 without its sign: five bits of
    exponent and three of fraction, rounded up, so that no value is beyond the last code.
    """
    grouped = x.float().view(*x.shape[:-1], int8_groups(x.shape[-1]), -1)
    wanted = (grouped.abs().amax(-1, keepdim=True) / 127).clamp_max(_SCALE_MAX).half()
    scales = wanted.view(torch.int16).add(127).bitwise_right_shift(7).to(torch.uint8)
    steps = int8_scales(scales).float()
    codes = (grouped / torch.where(steps > 0, steps, 1)).round_().clamp_(-127, 127)
    return codes.to(torch.int8).flatten(-2), scales.squeeze(-1)


def int8_scales(scales: Tensor) -> Tensor:
    """What the bytes of `int8_encode` stand for, fp16."""
    return scales.to(torch.int16).bitwise_left_shift_(7).view(torch.float16)


def int8_decode(codes: Tensor, scales: Tensor) -> Tensor:
    """Codes [..., D] and bytes [..., groups] to fp32."""
    return (codes.view(*scales.shape, -1) * int8_scales(scales).float().unsqueeze(-1)).flatten(-2)


def int8_linear(x: Tensor, codes: Tensor, scales: Tensor, bias: Tensor | None = None, *, rows: int) -> Tensor:
    """x [..., K] times a matrix, codes [N, K] and scales [N, groups], transposed, plus bias [N]: [..., N].

    So many `rows` of the matrix are unpacked at a time.
    """
    count, width = codes.shape
    rows = min(rows, count)
    room = torch.empty(rows, width, dtype=x.dtype, device=x.device)
    if rows == count:
        product = linear(x, scaled(room.copy_(codes), scales))
    else:
        product = torch.empty(*x.shape[:-1], count, dtype=x.dtype, device=x.device)
        for first in range(0, count, rows):
            held = slice(first, first + rows)
            part = codes[held]
            product[..., held] = linear(x, scaled(room[: len(part)].copy_(part), scales[held]))
    return product if bias is None else product + bias


def packed_linear(x: Tensor, weight: Packed, bias: Tensor | None = None, *, rows: int) -> Tensor:
    """x [..., K] times an int4 matrix [N, K] transposed, plus bias [N]: [..., N].

    So many `rows` of the matrix are unpacked at a time.
    """
    assert weight.kind == "int4", "int8 has int8_linear"
    assert weight.scales is not None
    count, pairs = weight.rows, weight.codes.shape[1] // GROUP
    rows = min(rows, count)
    room = torch.empty(rows, pairs, 2, GROUP, dtype=x.dtype, device=x.device)
    product = torch.empty(*x.shape[:-1], count, dtype=x.dtype, device=x.device)
    for first in range(0, count, rows):
        held = slice(first, min(first + rows, count))
        part = weight.codes[held].view(-1, pairs, GROUP)
        values = room[: len(part)]
        values[:, :, 0] = part & 15
        values[:, :, 1] = part >> 4
        matrix = values.sub_(8).view(len(part), -1)[:, : weight.inputs]
        product[..., held] = linear(x, scaled(matrix, weight.scales[held]))
    return product if bias is None else product + bias
