"""Causal attention behind held positions, and how a device's own kernel for it comes to be trusted."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from core.kernels import causal, reference

CPU = torch.device("cpu")
Fused = Callable[[Tensor, Tensor, Tensor], Tensor]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    causal._first_right.cache_clear()
    yield
    causal._first_right.cache_clear()


def tensors(queries: int, keys: int, device: torch.device = CPU) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(3)
    q = torch.randn(2, 3, queries, 16, generator=draw)
    k, v = torch.randn(2, 2, 3, keys, 16, generator=draw)
    return q.to(device), k.to(device), v.to(device)


def by_hand(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Query t of T sees keys 0 to S - T + t."""
    held = k.shape[-2] - q.shape[-2]
    rows = []
    for t in range(q.shape[-2]):
        near = slice(0, held + t + 1)
        scores = (q[..., t : t + 1, :] @ k[..., near, :].transpose(-1, -2)) / q.shape[-1] ** 0.5
        rows.append(scores.softmax(-1) @ v[..., near, :])
    return torch.cat(rows, dim=-2)


@pytest.mark.parametrize(("queries", "keys"), [(1, 1), (1, 9), (5, 5), (4, 9), (9, 31)])
def test_each_query_sees_the_keys_up_to_its_own(queries: int, keys: int) -> None:
    given = tensors(queries, keys)
    torch.testing.assert_close(causal.causal_attention(*given), by_hand(*given))


def upper_left(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """What torch's flag means: the first query sees the first key alone."""
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)


def missing(*_: Tensor) -> Tensor:
    raise RuntimeError("no kernel image is available")


@pytest.mark.parametrize(
    ("kernels", "chosen"),
    [
        ((by_hand, upper_left), by_hand),
        ((upper_left, by_hand), by_hand),
        ((missing, by_hand), by_hand),
        ((missing, upper_left), None),
    ],
)
def test_a_kernel_is_trusted_when_it_agrees_with_the_mask(
    kernels: tuple[Fused, ...], chosen: Fused | None
) -> None:
    assert causal._first_right(kernels, CPU, torch.float32, 16) is chosen


def test_heads_that_fused_kernels_do_not_take_get_the_mask() -> None:
    assert causal._first_right((by_hand,), CPU, torch.float32, 20) is None


def test_with_a_trusted_kernel_no_mask_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    given = tensors(4, 9)
    wanted = by_hand(*given)
    monkeypatch.setattr(causal, "fused_with_offset", lambda *_: by_hand)
    monkeypatch.setattr(torch, "ones", missing)
    assert torch.equal(causal.causal_attention(*given), wanted)


def test_a_processor_has_none_and_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(causal, "_first_right", missing)
    assert causal.fused_with_offset(CPU, torch.float32, 16) is None


@pytest.mark.parametrize("kernel", [causal._flash, causal._thrifty])
def test_the_calls_fit_torchs_kernels(kernel: Fused) -> None:
    """Their arguments and shapes; what they compute, a processor cannot tell."""
    nowhere = torch.device("meta")
    assert kernel(*tensors(4, 9, nowhere)).shape == (2, 3, 4, 16)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_on_a_device_it_is_the_mask_whatever_is_chosen(dtype: torch.dtype) -> None:
    given = [x.to("cuda", dtype) for x in tensors(37, 201)]
    wanted = reference.causal_attention(*given)
    torch.testing.assert_close(causal.causal_attention(*given), wanted, atol=1e-2, rtol=1e-2)
