"""Int8 weights: what rounding does to a matrix, to a network, and on the way from a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from core.kernels.packing import int8_weight, scaled, unpack, view
from core.kernels.reference import int8_linear, linear
from core.levo.artifacts import Conditions
from core.levo.shapes import TokenShapes
from core.levo.tokens.blocks import Int8Projection, Projection, to_int8
from core.levo.tokens.decoding import Decoding
from core.levo.tokens.model import PARTS, Part, TokenModel
from core.levo.weights import hollow, load_module

CPU = torch.device("cpu")


def drawn(*size: int) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(4))


def restored(model: nn.Module) -> nn.Module:
    """The network with its int8 matrices written out in full."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, Int8Projection):
                rows, inputs = child.weight.shape
                full: Any = Projection(inputs, rows, bias=child.bias is not None)
                full.weight = nn.Parameter(unpack(view(child.weight, child.weight_scale)))
                full.bias = child.bias
                setattr(module, name, full)
    return model.requires_grad_(False)


def rounded(state: dict[str, Tensor]) -> TokenModel:
    model = TokenModel(SHAPES)
    model.load_state_dict(state)
    to_int8(model)
    return model.eval().requires_grad_(False)


SHAPES = TokenShapes(
    width=32, ffn=48, heads=2, main_layers=2, sub_layers=1, main_rope_base=1e4, sub_rope_base=5e5,
    codes=50, lyric_rows=40, style_rows=30, lyric_length=7, prompt_length=6, style_length=3,
    delays=(0, 5, 5),
)  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_each_group_of_a_row_is_rounded_by_its_own_largest_value(dtype: torch.dtype) -> None:
    weight = (drawn(40, 300) * torch.logspace(-3, 1, 40)[:, None]).to(dtype)
    weight[:, 128:256] *= 8
    weight[7] = 0
    weight[8, :128] = 1e-7
    codes, scales = int8_weight(weight)
    assert (codes.dtype, scales.dtype, scales.shape) == (torch.int8, torch.float16, (40, 3))
    most = torch.stack([part.abs().amax(1) for part in torch.split(codes, 128, dim=1)], dim=1)
    assert bool((most[:6] > 100).all() & (most[7] == 0).all())
    steps = scales.float().repeat_interleave(128, dim=1)[:, :300]
    assert bool(((weight.float() - codes.float() * steps).abs() <= 0.5001 * steps).all())
    largest = torch.stack([part.abs().amax(1) for part in torch.split(weight.float(), 128, dim=1)], dim=1)
    assert bool((scales.float() * 127 >= largest).all()), "no value is beyond the last code"
    other, same = int8_weight(-weight)
    assert torch.equal(other, -codes), "positive and negative alike"
    assert torch.equal(same, scales)


@pytest.mark.parametrize("rows", [1, 7, 40, 1000])
@pytest.mark.parametrize("positions", [1, 2, 9])
def test_a_product_is_that_of_the_rounded_matrix_however_it_is_unpacked(rows: int, positions: int) -> None:
    codes, scales = int8_weight(drawn(40, 192) / 3)
    x, bias = drawn(positions, 1, 192), drawn(40)
    whole = linear(x, scaled(codes.float(), scales), bias)
    torch.testing.assert_close(int8_linear(x, codes, scales, bias, rows=rows), whole, atol=1e-5, rtol=1e-5)
    half = int8_linear(x.half(), codes, scales, rows=rows)
    assert half.dtype == torch.float16
    torch.testing.assert_close(half.float(), whole - bias, atol=0.05, rtol=0.01)


def test_halves_do_not_overflow_where_their_product_does_not() -> None:
    codes, scales = int8_weight(torch.full((4, 64), 0.01))
    assert int8_linear(torch.full((1, 64), 200.0).half(), codes, scales, rows=4).isfinite().all()


def test_a_network_equals_the_one_with_the_rounded_weights(conditions: Conditions) -> None:
    state = TokenModel(SHAPES).state_dict()
    made = [_logits(model, conditions) for model in (rounded(state), restored(rounded(state)))]
    torch.testing.assert_close(*made, atol=1e-4, rtol=1e-4)
    exact = TokenModel(SHAPES).eval().requires_grad_(False)
    exact.load_state_dict(state)
    assert not torch.allclose(made[0], _logits(exact, conditions), atol=1e-4)


def _logits(model: Any, conditions: Conditions) -> Tensor:
    song = Decoding(model, rows=2, columns=8, cache="fp32")
    song.prefill(model.prefix(conditions, 2), torch.full((3, 1), SHAPES.special))
    seen = [song.logits((0, 1, 2))]
    for column in torch.randint(0, 50, (6, 3, 1), generator=torch.Generator().manual_seed(2)):
        song.feed(column)
        seen.append(song.logits((0, 1, 2)))
    return torch.stack(seen)


def test_all_projections_and_nothing_else_are_rounded() -> None:
    exact, model = TokenModel(SHAPES).state_dict(), rounded(TokenModel(SHAPES).state_dict())
    kept = {key for key, tensor in model.state_dict().items() if tensor.dtype != torch.int8}
    kept = {key for key in kept if not key.endswith("_scale")}
    projections = {
        f"{name}.weight"
        for name, module in TokenModel(SHAPES).named_modules()
        if isinstance(module, nn.Linear)
    }
    assert exact.keys() - kept == projections
    assert len(projections) == 4 * 3 + 2 + 3


def build(*parts: Part) -> Callable[[], TokenModel]:
    def make() -> TokenModel:
        model = TokenModel(SHAPES, parts or PARTS)
        to_int8(model)
        return model

    return make


@pytest.mark.parametrize("parts", [PARTS, ("main",), ("sub",), ("text",)])
@pytest.mark.parametrize("stored", [torch.float16, torch.float32])
def test_weights_are_rounded_on_their_way_in(
    parts: tuple[Part, ...], stored: torch.dtype, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.levo.portions.WEIGHT_BYTES", 4 * 32 * 5)
    state = {key: tensor.to(stored) for key, tensor in TokenModel(SHAPES).state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    loaded = load_module(build(*parts), tmp_path / "w.safetensors", CPU)
    wanted = rounded({key: tensor.float() for key, tensor in state.items()}).state_dict()
    assert loaded.state_dict().keys() <= wanted.keys()
    for key, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, wanted[key]), key
        assert tensor.dtype == wanted[key].dtype
        assert not tensor.requires_grad


def test_no_matrix_is_in_memory_as_it_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one matrix a few rows at a time are asked for, never more."""
    asked: list[int] = []

    def noted(weight: Tensor) -> tuple[Tensor, Tensor]:
        asked.append(weight.numel())
        return int8_weight(weight)

    monkeypatch.setattr("core.levo.weights.int8_weight", noted)
    monkeypatch.setattr("core.levo.portions.WEIGHT_BYTES", 4 * 32 * 5)
    save_file(TokenModel(SHAPES).state_dict(), tmp_path / "w.safetensors")
    load_module(build("main"), tmp_path / "w.safetensors", CPU)
    assert max(asked) <= 32 * 5
    assert sum(asked) == sum(
        module.weight.numel()
        for module in TokenModel(SHAPES, ("main",)).modules()
        if isinstance(module, nn.Linear)
    )


def test_a_hollow_network_is_rounded_without_memory() -> None:
    with hollow():
        model = build()()
    assert all(tensor.is_meta for tensor in model.state_dict().values())
