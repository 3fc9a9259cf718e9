"""A few vectors times one matrix, which is what decoding a token is made of."""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from core.kernels.live import is_triton
from core.kernels.packing import Kind, Packed
from core.kernels.reference_matvec import matvec as in_torch

MOST_VECTORS = 4
"""That a product takes."""
EPS = 1e-5
WARPS = 4
_THREADS = 32 * WARPS
_EACH: dict[Kind, int] = {"fp32": 4, "fp16": 8, "int8": 8, "int4": 8}
"""Codes of a load: 16 bytes of numbers, fewer of codes, so that a thread's inputs lie close together."""
_MANY = 4096
"""Rows of a matrix from which there are enough for programs that take twice as many."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the kernel is compiled for."""

    VECTORS: int
    PADDED: int
    SWIGLU: bool
    PLANES: int
    OUT: int
    LANES: int
    EACH: int


def matvec(
    x: Tensor, weight: Packed, *, norm: Tensor | None = None, swiglu: bool = False,
    residual: Tensor | None = None, bias: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """x [B, K] times the packed matrix [N, K] transposed, summed in fp32: fp32 [B, N]; B is 1 to 4.

    In this order: x is scaled to unit root mean square and weighed by `norm` [K]; `bias` [N] is added;
    with `swiglu` the rows are gates, then as many that they gate, and N halves; `residual` fp32 [B, N] is
    added. The product is new memory; nothing given is changed.
    """
    assert x.ndim == 2, "vectors are rows"
    assert x.shape[0] <= MOST_VECTORS, "a few vectors only"
    assert x.shape[1] == weight.inputs, "vectors as long as the matrix is wide"
    if not is_triton(x.device):
        return in_torch(x, weight, norm=norm, swiglu=swiglu, residual=residual, bias=bias)
    return _launch(x, weight, norm, swiglu, residual, bias)


def _launch(
    x: Tensor, weight: Packed, norm: Tensor | None, swiglu: bool, residual: Tensor | None, bias: Tensor | None
) -> Tensor:
    from core.kernels.fused.matvec import products

    codes, shape = weight.codes, shape_of(weight, len(x), swiglu=swiglu)
    assert x.is_contiguous()
    assert residual is None or residual.is_contiguous()
    outputs = weight.rows // 2 if swiglu else weight.rows
    out = torch.empty(len(x), outputs, dtype=torch.float32, device=x.device)
    scales = weight.scales
    products[(-(-outputs // shape.OUT),)](
        x, codes, scales, norm, bias, residual, out, outputs, weight.inputs, codes.shape[1] - weight.pad,
        codes.stride(0), 0 if scales is None else scales.shape[1], EPS, **asdict(shape), num_warps=WARPS,
    )  # fmt: skip
    return out


def shape_of(weight: Packed, vectors: int, *, swiglu: bool) -> Shape:
    """How the work is cut: the same on every device, so that sums are added in the same order."""
    rows = 8 if weight.rows >= _MANY else 4
    return Shape(
        VECTORS=vectors,
        PADDED=1 << (vectors - 1).bit_length(),
        SWIGLU=swiglu,
        PLANES=2 if weight.kind == "int4" else 1,
        OUT=rows // 2 if swiglu else rows,
        LANES=_THREADS,
        EACH=_EACH[weight.kind],
    )
