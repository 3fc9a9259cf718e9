import pytest
import torch
from torch import Tensor

from core.bench.measure import memory_changes
from core.kernels.reference import (
    causal_attention,
    int8_decode,
    int8_encode,
    mulaw_decode,
    mulaw_encode,
)
from core.levo.plan_tokens import cache_bytes, scratch_bytes
from core.levo.tokens.cache import CodedCache, KVCache, PlainCache, make_cache
from core.levo.tokens.codecs import Scratch

CPU = torch.device("cpu")
KINDS = ("fp32", "fp16", "int8", "mulaw8")
LAYERS, ROWS, HEADS, DIM = 2, 2, 4, 64


def cache(
    kind: str, positions: int = 12, mu: float = 64.0, scratch: Scratch | None = None, fresh: int = 0
) -> KVCache:
    return make_cache(
        kind, layers=LAYERS, rows=ROWS, heads=HEADS, positions=positions, dim=DIM, device=CPU, mu=mu,
        scratch=scratch, fresh=fresh,
    )  # fmt: skip


def tensors(count: int, seed: int = 0) -> Tensor:
    """q, k and v of each layer: [layers, 3, B, H, T, D]."""
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(LAYERS, 3, ROWS, HEADS, count, DIM, generator=draw)


def feed(held: KVCache, x: Tensor) -> Tensor:
    seen = torch.stack([held.attend(layer, *x[layer]) for layer in range(LAYERS)])
    held.advance(x.shape[-2])
    return seen


def fed(held: KVCache, x: Tensor, *parts: int) -> Tensor:
    """What is seen with x taken in as calls of so many positions."""
    return torch.cat([feed(held, part) for part in torch.split(x, list(parts), dim=-2)], dim=-2)


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_sees_about_what_attention_without_a_cache_sees(kind: str) -> None:
    x = tensors(9)
    exact = torch.stack([causal_attention(*layer) for layer in x])
    error = (fed(cache(kind), x, 5, 1, 3) - exact).abs().max()
    assert error <= {"fp32": 1e-5, "fp16": 1e-3, "int8": 4e-2, "mulaw8": 9e-2}[kind]


@pytest.mark.parametrize("kind", ["fp32", "fp16", "int8"])
def test_how_a_song_is_split_into_calls_changes_nothing(kind: str) -> None:
    x = tensors(9)
    whole = fed(cache(kind), x, 9)
    torch.testing.assert_close(fed(cache(kind), x, 4, 1, 1, 3), whole, atol=1e-5, rtol=1e-5)


def test_mulaw_attends_to_the_forks_codes_with_a_scale_for_each_call() -> None:
    x = tensors(6)
    seen = fed(cache("mulaw8", mu=16.0), x, 4, 1, 1)
    for layer in range(LAYERS):
        q, k, v = x[layer]
        k, v = (
            torch.cat([mulaw_decode(*mulaw_encode(part, 16), 16) for part in y.split((4, 1, 1), -2)], -2)
            for y in (k, v)
        )
        torch.testing.assert_close(seen[layer], causal_attention(q, k.float(), v.float()))
    assert not torch.allclose(seen, fed(cache("mulaw8", mu=64.0), x, 4, 1, 1))


def test_int8_attends_to_its_codes() -> None:
    x = tensors(6)
    seen = fed(cache("int8"), x, 4, 2)
    for layer in range(LAYERS):
        q, k, v = x[layer]
        k, v = (int8_decode(*int8_encode(y)) for y in (k, v))
        torch.testing.assert_close(seen[layer], causal_attention(q, k, v))


def test_int8_attends_to_a_prefix_as_it_comes_and_to_what_is_behind_it_by_its_codes() -> None:
    """Calls of 4, 3, 2 and 1 positions; the prefix is the first seven."""
    x = tensors(10)
    seen = fed(cache("int8", fresh=7), x, 4, 3, 2, 1)
    for layer in range(LAYERS):
        q, k, v = x[layer]
        coded = [int8_decode(*int8_encode(y)) for y in (k, v)]
        second = [
            torch.cat((c[..., :4, :], y[..., 4:7, :]), dim=-2) for c, y in zip(coded, (k, v), strict=True)
        ]
        torch.testing.assert_close(seen[layer, ..., :4, :], causal_attention(q, k, v)[..., :4, :])
        torch.testing.assert_close(seen[layer, ..., 4:7, :], causal_attention(q[..., 4:7, :], *second))
        torch.testing.assert_close(seen[layer, ..., 7:, :], causal_attention(q, *coded)[..., 7:, :])


def test_a_call_beyond_the_prefix_is_not_seen_fresh_by_half() -> None:
    x = tensors(6)
    assert torch.equal(fed(cache("int8", fresh=5), x, 6), fed(cache("int8"), x, 6))


@pytest.mark.parametrize("kind", ["fp32", "fp16", "mulaw8"])
def test_the_other_formats_attend_to_what_they_hold(kind: str) -> None:
    x = tensors(6)
    assert torch.equal(fed(cache(kind, fresh=4), x, 4, 2), fed(cache(kind), x, 4, 2))


def test_a_prefix_seen_fresh_is_seen_better() -> None:
    x = tensors(12)
    exact = torch.stack([causal_attention(*layer) for layer in x])
    errors = [(fed(cache("int8", fresh=fresh), x, 6, 6) - exact).norm() for fresh in (12, 0)]
    assert errors[0] < 0.9 * errors[1]


def test_a_fresh_prefix_is_seen_alike_some_heads_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    x = tensors(9)
    whole = fed(cache("int8", fresh=6), x, 4, 2, 3)
    monkeypatch.setattr("core.levo.portions.UNPACKED_BYTES", 2 * ROWS * 12 * DIM * 4)
    assert torch.equal(fed(cache("int8", fresh=6), x, 4, 2, 3), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_seen_has_the_dtype_of_the_question(kind: str) -> None:
    x = tensors(3)
    half = fed(cache(kind), x.half(), 2, 1)
    assert half.dtype == torch.float16
    torch.testing.assert_close(half.float(), fed(cache(kind), x, 2, 1), atol=0.1, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_one_allocation_of_the_planned_size_serves_a_whole_song(kind: str) -> None:
    held = cache(kind, positions=12)
    assert isinstance(held, PlainCache | CodedCache)
    planned = cache_bytes(kind, layers=LAYERS, rows=ROWS, heads=HEADS, positions=12, dim=DIM)
    place = held.store.data_ptr()
    fed(held, tensors(12), 9, 1, 1, 1)
    assert (held.length, held.store.nbytes, held.store.data_ptr()) == (12, planned, place)
    with pytest.raises(AssertionError, match="planned"):
        feed(held, tensors(1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_deep_in_the_song_asks_for_no_more_memory_than_an_early_one(kind: str) -> None:
    held = cache(kind, positions=1000)
    fed(held, tensors(102), 100, 1, 1)
    early = _asked_for(held)
    feed(held, tensors(800))
    late = _asked_for(held)
    of_attention = 64 * LAYERS * (held.length - 103)
    history = 4 * ROWS * HEADS * DIM * LAYERS * (held.length - 103)
    assert late - early <= of_attention < history / 20


def _asked_for(held: KVCache) -> int:
    """Bytes one step allocates, freed again or not."""
    x = tensors(1)
    with memory_changes() as changes:
        feed(held, x)
    asked = [change for change in changes() if change > 0]
    assert asked, "attention's result is an allocation"
    return sum(asked)


@pytest.mark.parametrize("kind", KINDS)
def test_two_caches_may_share_their_scratch(kind: str) -> None:
    x, y, scratch = tensors(5), tensors(5, seed=1), Scratch(12, CPU)
    lone = [fed(cache(kind), z, 1, 1, 1, 1, 1) for z in (x, y)]
    one, other = (cache(kind, scratch=scratch) for _ in range(2))
    seen = [(feed(one, a), feed(other, b)) for a, b in zip(x.chunk(5, -2), y.chunk(5, -2), strict=True)]
    for alone, together in zip(lone, zip(*seen, strict=True), strict=True):
        assert torch.equal(torch.cat(together, dim=-2), alone)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_the_scratch_takes_what_is_planned_for_it(kind: str, dtype: torch.dtype) -> None:
    scratch = Scratch(12, CPU)
    fed(cache(kind, scratch=scratch), tensors(5).to(dtype), 4, 1)
    planned = scratch_bytes(kind, rows=ROWS, heads=HEADS, positions=12, dim=DIM, bytes_each=dtype.itemsize)
    assert scratch.nbytes == planned


@pytest.mark.parametrize("kind", KINDS)
def test_attention_to_some_heads_at_a_time_sees_the_same_in_less_room(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, seen, rooms = tensors(9), [], []
    for room in (1 << 20, 2 * ROWS * 12 * DIM * 4):
        monkeypatch.setattr("core.levo.portions.UNPACKED_BYTES", room)
        scratch = Scratch(12, CPU)
        seen.append(fed(cache(kind, scratch=scratch), x, 5, 1, 3))
        planned = scratch_bytes(kind, rows=ROWS, heads=HEADS, positions=12, dim=DIM, bytes_each=4)
        assert scratch.nbytes == planned
        rooms.append(planned)
    assert torch.equal(*seen)
    assert rooms[1] * 2 < rooms[0] or kind == "fp32"


@pytest.mark.parametrize(
    ("kind", "each"), [("fp16", 786_432), ("int8", 393_216 + 12_288), ("mulaw8", 393_600)]
)
def test_a_position_of_the_large_model_takes_the_bytes_the_spec_gives(kind: str, each: int) -> None:
    assert cache_bytes(kind, layers=48, rows=2, heads=16, positions=8210, dim=128) == 8210 * each


def test_memory_never_written_is_never_read() -> None:
    for kind in KINDS:
        held = cache(kind)
        assert isinstance(held, PlainCache | CodedCache)
        held.store.fill_(255 if held.store.dtype == torch.uint8 else torch.nan)
        assert fed(held, tensors(5), 3, 1, 1).isfinite().all()
