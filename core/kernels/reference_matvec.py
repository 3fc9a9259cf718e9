"""Products of a few vectors with a packed matrix in plain torch: what the fast kernel is tested against."""

import torch
from torch import Tensor

from core.kernels import reference
from core.kernels.packing import Packed, unpack
from core.kernels.reference import linear, rms_norm

_ROOM = 32 << 20
"""Bytes of a matrix that are unpacked at a time."""


def matvec(
    x: Tensor, weight: Packed, *, norm: Tensor | None, swiglu: bool, residual: Tensor | None,
    bias: Tensor | None,
) -> Tensor:  # fmt: skip
    """See `core.kernels.matvec.matvec`; all in fp32."""
    x = x.float()
    if norm is not None:
        x = rms_norm(x, norm.float())
    y = _product(x, weight)
    if bias is not None:
        y = y + bias.float()
    if swiglu:
        y = reference.swiglu(y)
    return y if residual is None else y + residual


def _product(x: Tensor, weight: Packed) -> Tensor:
    if weight.kind == "fp32":
        return linear(x, weight.codes[:, : weight.inputs])
    count = max(1, _ROOM // (4 * weight.inputs))
    parts = [linear(x, unpack(part)) for part in _parts(weight, count)]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)


def _parts(weight: Packed, count: int) -> list[Packed]:
    """The matrix, so many rows at a time."""
    if count >= weight.rows:
        return [weight]
    codes = torch.split(weight.codes, count)
    scales = [None] * len(codes) if weight.scales is None else torch.split(weight.scales, count)
    return [
        Packed(weight.kind, held, by, len(held), weight.inputs, weight.pad)
        for held, by in zip(codes, scales, strict=True)
    ]
