import pytest
import torch
from torch import Tensor

from core.kernels import reference_cache
from core.kernels.append import append
from core.kernels.reference import rope_table
from core.kernels.store import Kind, LayerStore
from tests.core.kernels.stores import KINDS, copy_of, empty_store, place

SHAPES = [(1, 2, 16), (2, 3, 32), (2, 2, 48), (1, 3, 64), (1, 2, 96), (1, 1, 112), (2, 1, 128)]
CASES = [
    *((kind, *shape) for kind in ("int8", "mulaw8") for shape in SHAPES),
    *((kind, *shape) for kind in ("fp16", "fp32") for shape in SHAPES[::3]),
]
"""Format, rows, heads and width of a head."""


def drawn(rows: int, heads: int, dim: int, device: torch.device) -> Tensor:
    """Query, key and value with a channel far beyond the others."""
    x = torch.randn(rows, 3 * heads * dim, generator=torch.Generator().manual_seed(dim))
    x[:, dim // 2 :: dim] *= 40
    return x.to(device)


def table(positions: int, dim: int, device: torch.device) -> tuple[Tensor, Tensor]:
    return rope_table(torch.arange(positions, device=device), dim, 1e4)


def assert_alike(got: LayerStore, wanted: LayerStore, position: int) -> None:
    """All is the same but for codes that were halfway between two."""
    for ours, theirs in zip(got.parts(), wanted.parts(), strict=True):
        if ours.dtype == torch.uint8:
            assert ours.equal(theirs)
            continue
        if ours.dtype != torch.int8:
            torch.testing.assert_close(ours, theirs, equal_nan=True)
            continue
        apart = (ours.int() - theirs.int()).abs()
        assert apart.max() <= 1
        assert apart.sum() <= 1
        assert apart.sum() == apart[:, :, position].sum()


@pytest.mark.parametrize(("kind", "rows", "heads", "dim"), CASES)
def test_one_launch_does_what_torch_does(
    fused: torch.device, kind: Kind, rows: int, heads: int, dim: int
) -> None:
    store = empty_store(kind, rows=rows, heads=heads, positions=7, dim=dim, device=fused)
    wanted = copy_of(store)
    qkv, (cos, sin) = drawn(rows, heads, dim, fused), table(9, dim, fused)
    q = append(qkv, cos, sin, store, place(5, fused))
    right = reference_cache.append(qkv, cos, sin, wanted, place(5, fused))
    torch.testing.assert_close(q, right, rtol=1e-5, atol=1e-5)
    assert_alike(store, wanted, 5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("live", ["triton", "torch"])
def test_nothing_is_written_behind_the_end(fused: torch.device, kind: Kind, live: str) -> None:
    """Not to the next row or head either; and there the last row of the table turns the query."""
    store = empty_store(kind, rows=2, heads=2, positions=4, dim=16, device=fused)
    before, last = copy_of(store), copy_of(store)
    do = append if live == "triton" else reference_cache.append
    qkv, (cos, sin) = drawn(2, 2, 16, fused), table(4, 16, fused)
    q = do(qkv, cos, sin, store, place(4, fused))
    for ours, theirs in zip(store.parts(), before.parts(), strict=True):
        assert ours.view(torch.uint8).equal(theirs.view(torch.uint8))
    torch.testing.assert_close(q, reference_cache.append(qkv, cos, sin, last, place(3, fused)))


@pytest.mark.parametrize("kind", KINDS)
def test_silence_is_kept_as_silence(fused: torch.device, kind: Kind) -> None:
    store = empty_store(kind, rows=1, heads=2, positions=3, dim=32, device=fused)
    append(torch.zeros(1, 3 * 2 * 32, device=fused), *table(3, 32, fused), store, place(1, fused))
    assert store.keys[:, :, 1].eq(0).all()
    assert store.values[:, :, 1].eq(0).all()


def test_half_precision_in_is_half_precision_out(fused: torch.device) -> None:
    store = empty_store("fp16", rows=2, heads=2, positions=3, dim=32, device=fused)
    wanted = copy_of(store)
    qkv, (cos, sin) = drawn(2, 2, 32, fused).half(), table(3, 32, fused)
    q = append(qkv, cos, sin, store, place(2, fused))
    right = reference_cache.append(qkv, cos, sin, wanted, place(2, fused))
    assert q.dtype == right.dtype == torch.float16
    torch.testing.assert_close(q, right)
    assert_alike(store, wanted, 2)
