"""What a device is tried with is what songs are made with: kernels compiled by the same widths."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from core.kernels import advance, append, attention, draw, matvec
from core.kernels.live import using
from core.kernels.page import Page
from core.kernels.sizes import padded
from core.levo.plan import is_half
from core.levo.shapes import TokenShapes, shapes_of
from core.levo.tokens.decoding import Decoding, Pass, Room
from core.levo.tokens.model import TokenModel
from core.levo.tokens.pattern import Sheet
from core.levo.tokens.static import sketch
from core.levo.tokens.static.state import page_of
from core.levo.tokens.static.step import step_of
from core.levo.weights import hollow
from core.random import Stream
from core.registry import variants

META = torch.device("meta")
NOTHING = torch.empty(0, dtype=torch.int64)
Compiled = frozenset[tuple[str, object]]
"""A kernel by name, and all that it is compiled for but what only counts how often something is done."""


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Callable[[Pass], Compiled]:
    """What a step of a network without memory would launch."""
    seen: set[tuple[str, object]] = set()

    def product_of(x: Tensor, weight: Any, norm: Any, swiglu: bool, residual: Any, bias: Any) -> Tensor:
        shape = asdict(matvec.shape_of(weight, len(x), swiglu=swiglu))
        given = [None if part is None else part.dtype for part in (norm, residual, bias)]
        seen.add(("products", (weight.kind, x.dtype, *shape.values(), *given)))
        return x.new_empty(len(x), weight.rows // 2 if swiglu else weight.rows)

    def appended(qkv: Tensor, cos: Any, sin: Any, store: Any, position: Any) -> Tensor:
        shape = append.shape_of(store)
        warps = append.warps_of(shape)
        seen.add(("append", (qkv.dtype, warps, *(shape[name] for name in shape if name != "AT_ONCE"))))
        return qkv.new_empty(store.rows, store.heads, store.dim)

    def attended(q: Tensor, store: Any, length: Any) -> Tensor:
        shape = attention.shape_of(store)
        seen.add(("attention", (q.dtype, *(shape[name] for name in shape if name != "SPLITS"))))
        return q

    def drawn(logits: Tensor, page: Page, books: tuple[int, ...]) -> None:
        seen.add(("draw", (len(logits), padded(page.codes))))

    for module, launch in zip((matvec, append, attention, draw), (product_of, appended, attended, drawn),
                              strict=True):  # fmt: skip
        monkeypatch.setattr(module, "_launch", launch)
    monkeypatch.setattr(advance, "_launch", lambda page, books: None)

    def of(network: Pass) -> Compiled:
        seen.clear()
        sheet = Sheet(network.shapes, 30, device=torch.device("cpu"))
        with using("triton"):
            step_of(network, page_of(network, sheet, NOTHING, Stream(1, "tokens")))()
        return frozenset(seen)

    return of


@pytest.fixture
def tried(compiled: Callable[[Pass], Compiled], monkeypatch: pytest.MonkeyPatch) -> Compiled:
    monkeypatch.setattr(sketch, "_model", lambda size, device: nowhere(size.shapes, size.dtype))
    made: Compiled = frozenset()
    for _, network in sketch.networks(META):
        made |= compiled(network)
    return made


def nowhere(shapes: TokenShapes, dtype: torch.dtype) -> TokenModel:
    with hollow():
        return TokenModel(shapes, ("main", "sub")).to(dtype).requires_grad_(False)


def songs() -> Iterator[Pass]:
    """Each model of the registry with all that a person can choose, short of layers and of memory."""
    for chosen in variants().values():
        shapes = replace(shapes_of(chosen.shapes).tokens, main_layers=1, sub_layers=1)
        dtype = torch.float16 if is_half(chosen, "cuda") else torch.float32
        for (_, rounds), cache, rows in product(sketch.ROUNDINGS.items(), sketch.CACHES, (2, 1)):
            model = nowhere(shapes, dtype)
            if rounds is not None:
                rounds(model)
            yield Decoding(model, rows=rows, columns=4000, cache=cache)


def test_kernels_of_every_model_are_tried(compiled: Callable[[Pass], Compiled], tried: Compiled) -> None:
    for network in songs():
        wanted = compiled(network)
        assert {name for name, _ in wanted} == {"products", "append", "attention", "draw"}
        about = (network.shapes.width, network.room)
        assert not wanted - tried, about


def test_a_cache_is_divided_among_as_many_programs_as_in_a_song() -> None:
    """For two rows of the largest published model there are 16."""
    shapes = sketch.SIZES[0].shapes
    room = Room(sketch.ROWS, 44, "int8")
    positions = shapes.prefix + room.columns
    tiles = attention._coded_shape("int8", 128, 4, positions, room.rows * shapes.heads)
    assert tiles["SPLITS"] >= 16
