"""The formats of matrices: what they lose, what they take, and that a network's own memory is not copied."""

import pytest
import torch
from torch import Tensor

from core.kernels.packing import KINDS, Kind, groups, pack, packed_bytes, scaled, unpack, view

LOST = {"fp32": 0.0, "fp16": 3e-4, "int8": 0.008, "int4": 0.115}
"""Of the size of a matrix of normal values, at most."""


def drawn(*size: int) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(6))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("inputs", "pad"), [(77, 0), (128, 16), (300, 32), (512, 0)])
def test_what_is_packed_comes_back_and_takes_the_bytes_that_were_counted(
    kind: Kind, inputs: int, pad: int
) -> None:
    weight = drawn(12, inputs) * torch.logspace(-2, 1, 12)[:, None]
    weight[3] = 0
    packed = pack(weight, kind, pad=pad)
    back = unpack(packed)
    lost = (back - weight).norm(dim=1) / weight.norm(dim=1).clamp_min(1e-9)
    assert float(lost.max()) <= LOST[kind] * 1.2
    assert float(lost.mean()) >= LOST[kind] / 2
    assert packed.moved == packed_bytes(kind, 12, inputs)
    assert packed.nbytes == packed.moved + 12 * pad


def test_a_group_of_large_values_costs_the_others_nothing() -> None:
    weight = drawn(4, 256)
    for kind in ("int8", "int4"):
        calm = unpack(pack(weight, kind))[:, 128:]
        loud = unpack(pack(torch.cat((weight[:, :128] * 100, weight[:, 128:]), dim=1), kind))[:, 128:]
        assert torch.equal(calm, loud)


def test_four_bits_are_scaled_for_the_least_error() -> None:
    weight = drawn(64, 256)
    plain = weight.view(64, 2, 128).abs().amax(-1) / 7
    codes = (weight.view(64, 2, 128) / plain.unsqueeze(-1)).round()
    naive = scaled(codes.flatten(1), plain)
    assert (unpack(pack(weight, "int4")) - weight).norm() < 0.97 * (naive - weight).norm()


def test_a_networks_matrix_is_seen_where_it_is() -> None:
    full = drawn(6, 200)
    codes, scales = pack(full, "int8").codes, pack(full, "int8").scales
    for held in (view(full), view(full.half()), view(codes, scales)):
        assert (held.rows, held.inputs, held.pad) == (6, 200, 0)
    assert view(full).codes.data_ptr() == full.data_ptr()
    assert view(codes, scales).codes.data_ptr() == codes.data_ptr()
    assert torch.equal(unpack(view(codes, scales)), unpack(pack(full, "int8")))


def test_values_beyond_fp16_scales_stay_finite() -> None:
    for kind in ("int8", "int4"):
        back = unpack(pack(torch.tensor([[1e9, -1e9, 1e-12, 0.0]]), kind))
        assert back.isfinite().all()
        assert groups(4) == 1
