"""Int4 weights: what becomes of a network, on its way from a file and in memory, and what it says of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from core.errors import SongdeskError
from core.kernels.packing import pack, unpack
from core.kernels.reference import linear, packed_linear
from core.levo.artifacts import Conditions
from core.levo.settings import settings_of
from core.levo.shapes import TokenShapes
from core.levo.tokens.blocks import Int8Projection, Projection
from core.levo.tokens.compose import _made_on
from core.levo.tokens.decoding import Decoding
from core.levo.tokens.fourbits import Int4Projection, to_int4
from core.levo.tokens.model import PARTS, Part, TokenModel
from core.levo.weights import hollow, load_module
from core.registry import variant
from core.settings import Values

CPU = torch.device("cpu")
SHAPES = TokenShapes(
    width=32, ffn=300, heads=2, main_layers=2, sub_layers=1, main_rope_base=1e4, sub_rope_base=5e5,
    codes=50, lyric_rows=40, style_rows=30, lyric_length=7, prompt_length=6, style_length=3,
    delays=(0, 5, 5),
)  # fmt: skip
"""Rows of one group, and of three, so that a pair is not full."""


def drawn(*size: int) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(4))


def rounded(state: dict[str, Tensor]) -> TokenModel:
    model = TokenModel(SHAPES)
    model.load_state_dict(state)
    to_int4(model)
    return model.eval().requires_grad_(False)


def restored(model: nn.Module) -> nn.Module:
    """The network with its int4 matrices written out in full."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, Int4Projection):
                rows, inputs = child.stored
                full: Any = Projection(inputs, rows, bias=child.bias is not None)
                full.weight = nn.Parameter(unpack(child.packed))
                full.bias = child.bias
                setattr(module, name, full)
    return model.requires_grad_(False)


@pytest.mark.parametrize("inputs", [32, 192, 256, 300])
@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_a_product_is_that_of_the_rounded_matrix_however_it_is_unpacked(inputs: int, rows: int) -> None:
    weight = pack(drawn(40, inputs) / 3, "int4")
    for positions in (1, 2, 9):
        x, bias = drawn(positions, 1, inputs), drawn(40)
        whole = linear(x, unpack(weight), bias)
        torch.testing.assert_close(packed_linear(x, weight, bias, rows=rows), whole, atol=1e-4, rtol=1e-5)
        half = packed_linear(x.half(), weight, rows=rows)
        assert half.dtype == torch.float16
        torch.testing.assert_close(half.float(), whole - bias, atol=0.05, rtol=0.01)


def test_a_network_equals_the_one_with_the_rounded_weights(conditions: Conditions) -> None:
    state = TokenModel(SHAPES).state_dict()
    made = [_logits(model, conditions) for model in (rounded(state), restored(rounded(state)))]
    torch.testing.assert_close(*made, atol=1e-4, rtol=1e-4)


def _logits(model: Any, conditions: Conditions) -> Tensor:
    song = Decoding(model, rows=2, columns=8, cache="fp32")
    song.prefill(model.prefix(conditions, 2), torch.full((3, 1), SHAPES.special))
    song.feed(torch.full((3, 1), 3))
    return song.logits((0, 1, 2))


def test_heads_are_kept_in_int8_and_all_other_projections_in_int4() -> None:
    model = rounded(TokenModel(SHAPES).state_dict())
    kinds = {
        name: type(module)
        for name, module in model.named_modules()
        if isinstance(module, Int4Projection | Int8Projection)
    }
    heads = {name for name, kind in kinds.items() if kind is Int8Projection}
    assert heads == {"transformer.lm_head", "linears.0", "linears.1"}
    assert len(kinds) == 4 * 3 + 2 + 3
    assert not any(isinstance(module, Projection) for module in model.modules())
    with hollow():
        empty = TokenModel(SHAPES)
        to_int4(empty)
    assert all(tensor.is_meta for tensor in empty.state_dict().values())
    assert empty.state_dict().keys() == model.state_dict().keys()


def build(*parts: Part, shapes: TokenShapes = SHAPES) -> Callable[[], TokenModel]:
    def make() -> TokenModel:
        model = TokenModel(shapes, parts or PARTS)
        to_int4(model)
        return model

    return make


@pytest.mark.parametrize("parts", [PARTS, ("sub",)])
@pytest.mark.parametrize("stored", [torch.float16, torch.float32])
def test_weights_are_rounded_on_their_way_in(
    parts: tuple[Part, ...], stored: torch.dtype, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.levo.portions.WEIGHT_BYTES", 4 * 32 * 60)
    state = {key: tensor.to(stored) for key, tensor in TokenModel(SHAPES).state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    loaded = load_module(build(*parts), tmp_path / "w.safetensors", CPU)
    wanted = rounded({key: tensor.float() for key, tensor in state.items()}).state_dict()
    for key, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, wanted[key]), key
        assert tensor.dtype == wanted[key].dtype


def test_a_matrix_of_another_width_is_refused_though_its_codes_would_fit(tmp_path: Path) -> None:
    """299 inputs take as many bytes and scales as 300."""
    save_file(TokenModel(SHAPES, ("main",)).state_dict(), tmp_path / "w.safetensors")
    other = TokenShapes(**{name: getattr(SHAPES, name) for name in SHAPES.__slots__} | {"ffn": 299})
    with pytest.raises(SongdeskError, match=r"down_proj.weight is 32×300 where 32×299 belongs"):
        load_module(build("main", shapes=other), tmp_path / "w.safetensors", CPU)


def test_what_a_song_was_made_on_names_the_version_of_its_weights() -> None:
    table = {setting.key: setting.default for setting in settings_of(variant("demo"))}
    told = [
        _made_on(CPU, Values({**table, "weights": kind}), static=False) for kind in ("full", "int8", "int4")
    ]
    assert len({*told}) == 3
    assert "/int4.1/" in told[2]
