"""The byte model is what the tensors take, to the byte."""

from dataclasses import replace

import pytest
import torch

from core.bench.decode.midway import known
from core.bench.decode.traffic import ROWS, Form, step_bytes, weight_bytes
from core.levo.shapes import CODEBOOKS, TokenShapes, shapes_of
from core.levo.tokens.blocks import to_int8
from core.levo.tokens.cache import CodedCache, make_cache
from core.levo.tokens.fourbits import to_int4
from core.levo.tokens.model import TokenModel
from core.levo.weights import hollow
from core.registry import variant
from tests.core.bench.decode.conftest import CPU, FORMATS, SHAPES

LARGE = shapes_of(variant("v2-large").shapes).tokens
WIDE = replace(SHAPES, width=320, ffn=200, heads=5)
"""Matrices whose rows are not whole groups of int8's scales."""


def read_by_a_step(shapes: TokenShapes, weights: str, dtype: torch.dtype) -> int:
    """Bytes of a model's tensors as they are loaded, of whose embeddings a step reads one row each."""
    with hollow():
        model = TokenModel(shapes, ("main", "sub"))
        if weights != "full":
            {"int8": to_int8, "int4": to_int4}[weights](model)
    tables, read = [], 0
    for name, tensor in model.state_dict().items():
        is_kept = tensor.dtype in (torch.int8, torch.uint8) or name.endswith("weight_scale")
        each = tensor.dtype.itemsize if is_kept else dtype.itemsize
        if name.startswith(("emb.", "layer2_emb.")):
            tables.append(name)
            read += each * tensor.shape[1]
        else:
            read += each * tensor.numel()
    assert len(tables) == CODEBOOKS
    return read


@pytest.mark.parametrize("shapes", [SHAPES, WIDE, LARGE], ids=["tiny", "ragged", "published"])
@pytest.mark.parametrize("weights", ["full", "int8", "int4"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
def test_a_step_reads_the_bytes_of_its_weights(shapes: TokenShapes, weights: str, dtype: torch.dtype) -> None:
    told = weight_bytes(shapes, weights, bytes_each=dtype.itemsize)
    assert told == read_by_a_step(shapes, weights, dtype)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("shapes", [SHAPES, WIDE], ids=["tiny", "ragged"])
def test_a_step_reads_the_cache_as_far_as_it_is_held(kind: str, shapes: TokenShapes) -> None:
    held = 12
    taken = 0
    for layers in (shapes.main_layers, shapes.sub_layers):
        cache = known(
            make_cache(
                kind, layers=layers, rows=ROWS, heads=shapes.heads, positions=held + 1,
                dim=shapes.width // shapes.heads, device=CPU,
            )
        )  # fmt: skip
        parts = (cache.codes, cache.scales) if isinstance(cache, CodedCache) else (cache.store,)
        taken += sum(part.nbytes for part in parts)
    form = Form("full", kind)
    whole = step_bytes(shapes, form, position=held, bytes_each=4)
    assert whole - weight_bytes(shapes, "full", bytes_each=4) == taken


def test_the_published_model_reads_what_was_worked_out_for_it() -> None:
    """The figures of the plan, in GB: weights in fp16 and with 8 bits, then the cache at the song's end."""
    assert weight_bytes(LARGE, "full", bytes_each=2) / 1e9 == pytest.approx(8.330, abs=0.001)
    assert weight_bytes(LARGE, "int8", bytes_each=2) / 1e9 == pytest.approx(4.169 * 1.0156, abs=0.005)
    end = step_bytes(LARGE, Form("full", "mulaw8"), position=8203, bytes_each=2)
    assert (end - weight_bytes(LARGE, "full", bytes_each=2)) / 1e9 == pytest.approx(3.23, abs=0.01)
