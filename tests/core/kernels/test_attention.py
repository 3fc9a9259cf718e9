import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from core.kernels import attention, reference_cache
from core.kernels.append import append
from core.kernels.attention import decode_attention, shape_of
from core.kernels.reference import int8_scales, rope_table
from core.kernels.store import Kind, LayerStore
from tests.core.kernels.stores import KINDS, empty_store, place

SHAPES = [(1, 2, 16), (2, 1, 32), (1, 1, 48), (1, 2, 64), (1, 1, 96), (1, 1, 112), (2, 1, 128)]
CASES = [
    *((kind, *shape) for kind in ("int8", "mulaw8") for shape in SHAPES),
    *((kind, *shape) for kind in ("fp16", "fp32") for shape in SHAPES[::3]),
]
"""Format, rows, heads and width of a head."""


def filled(store: LayerStore, held: int, loudness: Tensor | None = None) -> LayerStore:
    """A layer with `held` positions written one by one, each as loud as told, and poison behind."""
    cos, sin = rope_table(torch.arange(held), store.dim, 1e4)
    draw = torch.Generator().manual_seed(held)
    for position in range(held):
        size = 1.5 if loudness is None else float(loudness[position])
        qkv = torch.randn(store.rows, 3 * store.heads * store.dim, generator=draw) * size
        here = store.keys.device
        reference_cache.append(qkv.to(here), cos.to(here), sin.to(here), store, place(position, here))
    return store


def query(store: LayerStore) -> Tensor:
    shape = (store.rows, store.heads, store.dim)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(store.keys.device) * 2


def exact(q: Tensor, store: LayerStore, held: int) -> Tensor:
    """Attention in float64 over what the codes stand for, without a rounding on the way."""
    keys, values = (wide(store, part)[:, :, :held] for part in ("key", "value"))
    scores = (keys @ q.double().unsqueeze(-1)).squeeze(-1) / math.sqrt(store.dim)
    return (scores.softmax(-1).unsqueeze(-2) @ values).squeeze(-2)


def wide(store: LayerStore, part: str) -> Tensor:
    codes, scales = (store.keys, store.key_scales) if part == "key" else (store.values, store.value_scales)
    if scales is None:
        return codes.double()
    if store.kind == "int8":
        steps = int8_scales(scales).double().unsqueeze(-1)
        return (codes.double().view(*scales.shape, -1) * steps).flatten(-2)
    unit = codes.double() / 127
    return unit.sign() * ((unit.abs() * math.log1p(store.mu)).exp() - 1) / store.mu * scales.double()


def rounded(kind: Kind) -> float:
    """How far off torch may be: it rounds µ-law's values to fp16, and the kernel does not."""
    return 2e-3 if kind == "mulaw8" else 2e-6


def apart(got: Tensor, wanted: Tensor) -> float:
    """The difference's size by the wanted size."""
    return float((got.double() - wanted.double()).norm() / wanted.double().norm())


@pytest.mark.parametrize(("kind", "rows", "heads", "dim"), CASES)
def test_codes_are_attended_to_as_they_are(
    fused: torch.device, kind: Kind, rows: int, heads: int, dim: int
) -> None:
    store = filled(empty_store(kind, rows=rows, heads=heads, positions=83, dim=dim, device=fused), 77)
    q = query(store)
    got = decode_attention(q, store, place(77, fused))
    assert apart(got, exact(q, store, 77)) < 2e-6
    assert apart(got, reference_cache.decode_attention(q, store, place(77, fused))) < rounded(kind)


@pytest.mark.parametrize("kind", ["int8", "mulaw8", "fp16"])
def test_any_length_is_right_whatever_lies_behind_it(fused: torch.device, kind: Kind) -> None:
    store = empty_store(kind, rows=1, heads=2, positions=71, dim=112, device=fused)
    q = query(store)
    assert shape_of(store)["SPLITS"] == 4
    for held in (1, 33, 64, 71):
        filled(store, held)
        got = decode_attention(q, store, place(held, fused))
        assert apart(got, exact(q, store, held)) < 2e-6
        masked = reference_cache.masked_attention(q, store, place(held, fused))
        assert apart(masked, exact(q, store, held)) < rounded(kind)
    assert decode_attention(q, store, place(500, fused)).equal(got)


@pytest.fixture
def few_splits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in songs, where each split goes through many tiles."""
    shapes = (attention._plain_shape, attention._coded_shape)
    monkeypatch.setattr(attention, "_MOST_SPLITS", 2)
    for shape in shapes:
        shape.cache_clear()
    yield
    for shape in shapes:
        shape.cache_clear()


@pytest.mark.usefixtures("few_splits")
@pytest.mark.parametrize("kind", ["int8", "mulaw8", "fp16"])
def test_a_split_goes_on_from_tile_to_tile(fused: torch.device, kind: Kind) -> None:
    """Louder and louder, so that what is kept of earlier tiles fades; and the other way round."""
    store = empty_store(kind, rows=1, heads=2, positions=163, dim=128, device=fused)
    shape, held = shape_of(store), 150
    assert -(-held // shape["SLOTS"]) > 2 * shape["SPLITS"], "more than two tiles for a split"
    loud = torch.linspace(0.1, 2, held)
    for loudness in (loud, loud.flip(0)):
        filled(store, held, loudness)
        q = query(store)
        got = decode_attention(q, store, place(held, fused))
        assert apart(got, exact(q, store, held)) < 2e-6


@pytest.mark.parametrize("kind", KINDS)
def test_of_nothing_comes_nothing(fused: torch.device, kind: Kind) -> None:
    store = empty_store(kind, rows=1, heads=1, positions=9, dim=16, device=fused)
    for attend in (decode_attention, reference_cache.decode_attention, reference_cache.masked_attention):
        assert attend(query(store), store, place(0, fused)).eq(0).all()


def test_half_precision_in_is_half_precision_out(fused: torch.device) -> None:
    store = filled(empty_store("int8", rows=1, heads=2, positions=20, dim=32, device=fused), 20)
    got = decode_attention(query(store).half(), store, place(20, fused))
    assert got.dtype == torch.float16
    assert apart(got, exact(query(store).half(), store, 20)) < 1e-3


def test_splits_are_a_matter_of_shape_and_fill_large_devices() -> None:
    large = empty_store("int8", rows=2, heads=16, positions=8210, dim=128, device=torch.device("meta"))
    assert shape_of(large)["SPLITS"] * large.pairs == 512
    small = empty_store("int8", rows=1, heads=4, positions=8210, dim=48, device=torch.device("meta"))
    assert shape_of(small)["SPLITS"] == 64


@pytest.mark.gpu
@pytest.mark.parametrize("kind", KINDS)
def test_a_recorded_step_follows_the_position_on_the_device(kind: Kind) -> None:
    device = torch.device("cuda")
    store = filled(empty_store(kind, rows=2, heads=16, positions=400, dim=128, device=device), 100)
    cos, sin = rope_table(torch.arange(400, device=device), 128, 1e4)
    qkv, position = torch.randn(2, 3 * 16 * 128, device=device), place(100, device)

    def step() -> Tensor:
        q = append(qkv, cos, sin, store, position)
        return decode_attention(q, store, position + 1)

    for _ in range(3):
        step()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        seen = step()
    for at in range(100, 164):
        position.fill_(at)
        qkv.normal_()
        graph.replay()
        replayed = seen.clone()
        assert replayed.equal(step())
    q = append(qkv, cos, sin, store, position)
    assert apart(replayed, reference_cache.decode_attention(q, store, position + 1)) < rounded(kind)
