"""The fused product against its plain twin, and the twin against the arithmetic written out."""

import pytest
import torch
from torch import Tensor

from core.kernels.matvec import matvec
from core.kernels.packing import KINDS, Kind, Packed, pack, unpack
from core.kernels.reference_matvec import matvec as in_torch


def drawn(*size: int, seed: int = 1) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed))


def moved(weight: Packed, device: torch.device) -> Packed:
    scales = weight.scales.to(device) if weight.scales is not None else None
    return Packed(weight.kind, weight.codes.to(device), scales, weight.rows, weight.inputs, weight.pad)


CASES = [
    # vectors, rows, inputs, bytes of padding, and what goes with the product
    (1, 9, 128, 0, "norm"),
    (2, 10, 77, 16, "norm bias residual"),
    (2, 14, 1300, 0, "norm swiglu"),
    (3, 5, 300, 0, "bias"),
    (4, 6, 2176, 32, "swiglu bias residual"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("vectors", "rows", "inputs", "pad", "parts"), CASES)
def test_the_kernel_gives_what_plain_torch_gives(
    kind: Kind, vectors: int, rows: int, inputs: int, pad: int, parts: str, fused: torch.device,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("core.kernels.matvec._MANY", 8)
    is_gated = "swiglu" in parts
    weight = pack(drawn(rows, inputs) * torch.logspace(-2, 0, rows)[:, None] / inputs**0.5, kind, pad=pad)
    x = 3 * drawn(vectors, inputs, seed=2)
    x[0] /= 1000  # so quiet that what keeps the norm finite counts
    given = {
        "norm": 1 + drawn(inputs, seed=3) / 4 if "norm" in parts else None,
        "bias": drawn(rows, seed=4).half() if "bias" in parts else None,
        "residual": drawn(vectors, rows // 2 if is_gated else rows, seed=5) if "residual" in parts else None,
    }
    wanted = in_torch(x, weight, swiglu=is_gated, **given)
    there = {name: held.to(fused) if held is not None else None for name, held in given.items()}
    made = matvec(x.to(fused), moved(weight, fused), swiglu=is_gated, **there)
    assert made.dtype == torch.float32
    error = ((made.cpu() - wanted).norm(dim=1) / wanted.norm(dim=1)).max()
    assert error < 4e-6, f"{error:.2g}"


def test_padding_and_masked_columns_never_count(fused: torch.device) -> None:
    weight = pack(drawn(6, 200), "fp16", pad=16)
    weight.codes[:, 200:] = torch.nan
    x = drawn(2, 200).to(fused)
    assert matvec(x, moved(weight, fused)).isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_twin_is_the_arithmetic_written_out(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.kernels.reference_matvec._ROOM", 4 * 300 * 3)
    weight = pack(drawn(10, 300), kind)
    x, residual = drawn(2, 300, seed=2), drawn(2, 5, seed=5)
    norm, bias = drawn(300, seed=3), drawn(10, seed=4)
    full = unpack(weight).double()
    scaled = x.double() / (x.double().pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() * norm
    gate, up = (scaled @ full.T + bias).chunk(2, dim=-1)
    wanted = gate / (1 + (-gate).exp()) * up + residual
    made = matvec(x, weight, norm=norm, swiglu=True, residual=residual, bias=bias)
    torch.testing.assert_close(made.double(), wanted, atol=1e-5, rtol=1e-5)


def test_halves_larger_than_their_type_holds_are_summed(fused: torch.device) -> None:
    """The residual stream may be far beyond fp16."""
    weight = pack(torch.full((4, 256), 50.0), "fp16")
    made = matvec(torch.full((2, 256), 1e5, device=fused), moved(weight, fused))
    torch.testing.assert_close(made.cpu(), torch.full((2, 4), 256 * 50 * 1e5))
