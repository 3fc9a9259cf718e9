from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from core.kernels.reference import (
    attention,
    causal_attention,
    linear,
    padded_attention,
    rms_norm,
    rope_table,
    rotate_halves,
    rotate_pairs,
    swiglu,
)

Rotation = Callable[[Tensor, Tensor, Tensor], Tensor]


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_rms_norm_gives_unit_size_before_the_weight_in_the_weights_dtype(dtype: torch.dtype) -> None:
    x = torch.randn(3, 64) * 7
    normed = rms_norm(x, torch.ones(64, dtype=dtype))
    assert normed.dtype == dtype
    torch.testing.assert_close(normed.float().pow(2).mean(-1), torch.ones(3), atol=3e-3, rtol=0)
    torch.testing.assert_close(rms_norm(x, torch.full((64,), 2.0)), 2 * rms_norm(x, torch.ones(64)))


def test_rms_norm_of_silence_is_silence() -> None:
    assert rms_norm(torch.zeros(2, 8), torch.ones(8)).eq(0).all()


def test_the_gate_comes_before_what_it_gates() -> None:
    gated = swiglu(torch.tensor([[0.0, 100.0, 3.0, 3.0]]))
    torch.testing.assert_close(gated, torch.tensor([[0.0, 300.0]]))


@pytest.mark.parametrize("rotate", [rotate_halves, rotate_pairs])
def test_rotation_keeps_length_and_makes_products_depend_on_distance_alone(rotate: Rotation) -> None:
    q, k = torch.randn(1, 16), torch.randn(1, 16)

    def product(at: int, other: int) -> Tensor:
        a, b = (rope_table(torch.tensor([p]), 16, 1e4) for p in (at, other))
        return (rotate(q, *a) * rotate(k, *b)).sum()

    torch.testing.assert_close(product(5, 2), product(105, 102), atol=1e-4, rtol=1e-4)
    assert not torch.isclose(product(5, 2), product(5, 3), atol=1e-4)
    turned = rotate(q, *rope_table(torch.tensor([9]), 16, 1e4))
    torch.testing.assert_close(turned.norm(), q.norm())


def test_the_two_rotations_are_the_same_up_to_the_order_of_channels() -> None:
    x, table = torch.randn(5, 16), rope_table(torch.arange(5), 16, 1e4)
    order = torch.arange(16).view(2, 8).T.flatten()
    torch.testing.assert_close(rotate_pairs(x[:, order], *table), rotate_halves(x, *table)[:, order])


@pytest.mark.parametrize(("queries", "keys"), [(1, 6), (6, 6), (3, 6)])
def test_causal_attention_looks_back_from_each_querys_own_position(queries: int, keys: int) -> None:
    q, k, v = torch.randn(1, 2, queries, 8), torch.randn(1, 2, keys, 8), torch.randn(1, 2, keys, 8)
    seen = causal_attention(q, k, v)
    for row in range(queries):
        own = keys - queries + row + 1
        shares = (q[:, :, row : row + 1] @ k[:, :, :own].transpose(-1, -2) / 8**0.5).softmax(-1)
        torch.testing.assert_close(seen[:, :, row : row + 1], shares @ v[:, :, :own])


@pytest.mark.parametrize("rows", [1, 2, 4, 5])
@pytest.mark.parametrize("biased", ["with bias", "without"])
def test_linear_is_the_same_for_few_rows_and_for_many(rows: int, biased: str) -> None:
    x, weight = torch.randn(rows, 1, 24), torch.randn(40, 24)
    bias = torch.randn(40) if biased == "with bias" else None
    wanted = x @ weight.T if bias is None else x @ weight.T + bias
    torch.testing.assert_close(linear(x, weight, bias), wanted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        linear(x.transpose(0, 1), weight, bias), wanted.transpose(0, 1), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("dim", [6, 110, 112])
def test_attention_filled_up_with_zeros_is_the_same_attention(dim: int) -> None:
    draw = torch.Generator().manual_seed(1)
    q, k, v = (torch.randn(1, 2, 9, dim, generator=draw) for _ in range(3))
    torch.testing.assert_close(padded_attention(q, k, v), attention(q, k, v))
