from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from core.kernels.reference import (
    attention,
    int8_decode,
    int8_encode,
    int8_scales,
    mulaw_decode,
    mulaw_encode,
)
from core.levo.tokens.codecs import Codec, Linear8, Mulaw8, Scratch

CPU = torch.device("cpu")
HEADS, TOKENS, DIM = 16, 240, 128
CODECS: dict[str, Codec] = {"int8": Linear8(), "mulaw8": Mulaw8(64.0, CPU)}


def gauss(seed: int = 0) -> Tensor:
    return torch.randn(1, HEADS, TOKENS, DIM, generator=torch.Generator().manual_seed(seed))


def student() -> Tensor:
    chi = sum(gauss(seed).square() for seed in (1, 2, 3))
    assert isinstance(chi, Tensor)
    return gauss() / (chi / 3).sqrt()


def unequal_heads() -> Tensor:
    return gauss() * torch.logspace(-1, 1, HEADS).view(1, HEADS, 1, 1)


def outlier_channels() -> Tensor:
    x, draw = gauss(), torch.Generator().manual_seed(5)
    for head in range(HEADS):
        x[:, head, :, torch.randperm(DIM, generator=draw)[:2]] *= 10
    return x


def huge_tokens() -> Tensor:
    x = gauss()
    x[..., 10:12, :] *= 30
    return x


MADE = (gauss, student, unequal_heads, outlier_channels, huge_tokens)


def by_int8(x: Tensor) -> Tensor:
    return int8_decode(*int8_encode(x))


def by_fork_prefix(x: Tensor) -> Tensor:
    return mulaw_decode(*mulaw_encode(x, 64), 64).float()


def by_fork_steps(x: Tensor) -> Tensor:
    return torch.cat([by_fork_prefix(x[..., t : t + 1, :]) for t in range(x.shape[-2])], dim=-2)


def quality(x: Tensor, y: Tensor) -> float:
    """Signal to noise (dB)."""
    return float(10 * (x.square().sum() / (x - y).square().sum()).log10())


@pytest.mark.parametrize("made", MADE)
def test_half_precision_beats_int8_which_is_never_below_the_forks_codec(made: Callable[[], Tensor]) -> None:
    x = made()
    half, linear, steps, prefix = (
        quality(x, y) for y in (x.half().float(), by_int8(x), by_fork_steps(x), by_fork_prefix(x))
    )
    assert half > 60 > linear > prefix
    assert linear > steps - 0.5, "a scale a token is fairer to the fork than its one for the whole prefix"
    assert steps > prefix
    if made in (gauss, unequal_heads, huge_tokens):
        assert linear > steps + 4
    if made is huge_tokens:
        rest = [quality(x[:, :, 12:], y[:, :, 12:]) for y in (by_int8(x), by_fork_prefix(x))]
        assert rest[0] > rest[1] + 9, "two tokens spoil the one scale of the rest"


def test_attention_over_int8_is_closer_than_over_the_forks_codes_of_a_prefix() -> None:
    q, k, v = gauss(7)[..., :8, :], outlier_channels(), unequal_heads()
    exact = attention(q, k, v)
    linear, fork = (attention(q, codec(k), codec(v)) for codec in (by_int8, by_fork_prefix))
    assert quality(exact, linear) > quality(exact, fork) + 0.5


def test_int8_errs_by_half_a_step_of_its_own_32_channels_at_most() -> None:
    x = outlier_channels()
    codes, scales = int8_encode(x)
    assert (codes.dtype, scales.dtype) == (torch.int8, torch.uint8)
    assert scales.shape == (1, HEADS, TOKENS, DIM // 32)
    steps = int8_scales(scales).float().repeat_interleave(32, dim=-1)
    assert bool(((x - int8_decode(codes, scales)).abs() <= steps * 0.5001).all())
    largest = x.view(1, HEADS, TOKENS, -1, 32).abs().amax(-1) / 127
    assert bool((largest <= int8_scales(scales).float() * (1 + 2**-11)).all())
    assert bool((int8_scales(scales).float() <= largest * 1.13).all()), "rounded up by an eighth at most"
    assert int(codes.min()) >= -127


@pytest.mark.parametrize(("dim", "scales"), [(16, 1), (32, 1), (48, 1), (64, 2), (96, 3), (128, 4)])
def test_a_head_that_32_does_not_divide_has_one_scale(dim: int, scales: int) -> None:
    x = torch.randn(2, 3, 5, dim)
    assert int8_encode(x)[1].shape == (2, 3, 5, scales)
    assert quality(x, by_int8(x)) > 40


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-7, 1e-6, 3e-6, 1e-4, 1e4, 1e30])
def test_int8_stays_finite_and_symmetric_at_any_size(size: float) -> None:
    x = torch.randn(1, 2, 99, 64, generator=torch.Generator().manual_seed(9)) * size
    codes, scales = int8_encode(x)
    assert int(codes.min()) >= -127
    assert codes[scales.repeat_interleave(32, dim=-1) == 0].eq(0).all()
    back = int8_decode(codes, scales)
    assert back.isfinite().all()
    assert back.abs().max() <= max(size * 6, 2.0**-17)


def test_the_forks_scale_is_one_a_row_for_everything_in_a_call() -> None:
    x = gauss()[:, :, :6].expand(2, -1, -1, -1).clone()
    x[1] *= 3
    codes, scale = mulaw_encode(x, 64)
    assert scale.shape == (2, 1, 1, 1)
    assert torch.equal(scale.flatten(), x.abs().amax((1, 2, 3)).half())
    assert int(codes.abs().max()) == 127
    assert torch.equal(codes[0], codes[1])


def test_a_code_follows_the_published_curve() -> None:
    x = torch.tensor([1.0, -1.0, 0.5, 0.01, -0.01, 0.0]).view(1, 1, 1, -1)
    assert mulaw_encode(x, 64)[0].flatten().tolist() == [127, -127, 106, 15, -15, 0]
    assert mulaw_encode(x, 16)[0].flatten().tolist() == [127, -127, 98, 7, -7, 0]


@pytest.mark.parametrize("mu", [4.0, 16.0, 64.0, 255.0])
def test_mulaw_comes_back_whatever_its_mu_and_near_zero_the_closer_the_larger(mu: float) -> None:
    x = gauss()
    assert quality(x, mulaw_decode(*mulaw_encode(x, mu), mu).float()) > 36
    small = torch.cat((torch.ones(1), torch.linspace(0, 0.01, 99))).view(1, 1, 1, -1)
    error = (mulaw_decode(*mulaw_encode(small, mu), mu).float() - small).abs().mean()
    flatter = (mulaw_decode(*mulaw_encode(small, mu / 4), mu / 4).float() - small).abs().mean()
    assert error < flatter


def test_silence_stays_silent() -> None:
    nothing = torch.zeros(1, 2, 3, 32)
    assert by_int8(nothing).eq(0).all()
    assert by_fork_prefix(nothing).eq(0).all()


@pytest.mark.parametrize("kind", CODECS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_reading_into_place_gives_what_the_definition_gives(kind: str, dtype: torch.dtype) -> None:
    codec = CODECS[kind]
    x = torch.randn(2, 4, 7, 64)
    codes = torch.empty(x.shape, dtype=torch.int8)
    scales = torch.empty(codec.scales(codes.shape), dtype=codec.scale_type)
    codec.write(x[:, :, :4], codes[:, :, :4], scales[:, :, :4])
    codec.write(x[:, :, 4:], codes[:, :, 4:], scales[:, :, 4:])
    back = torch.empty(x.shape, dtype=dtype)
    codec.read(codes, scales, back, Scratch(9, CPU))
    defined = int8_decode(codes, scales) if kind == "int8" else mulaw_decode(codes, scales, 64)
    assert torch.equal(back, defined.to(dtype))
    parts = [int8_encode(x[:, :, :4]), int8_encode(x[:, :, 4:])]
    if kind == "int8":
        assert torch.equal(codes, torch.cat([part[0] for part in parts], dim=2))


def test_looking_codes_up_part_by_part_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    codec, x = CODECS["mulaw8"], torch.randn(2, 4, 7, 64)
    codes, scales = torch.empty(x.shape, dtype=torch.int8), torch.empty((2, 1, 7, 1), dtype=torch.float16)
    codec.write(x, codes, scales)
    seen = []
    for room in (1 << 20, 1):
        monkeypatch.setattr("core.levo.portions.LOOKED_UP_BYTES", room)
        scratch, back = Scratch(9, CPU), torch.empty_like(x)
        codec.read(codes, scales, back, scratch)
        seen.append((back, scratch.nbytes))
    assert torch.equal(seen[0][0], seen[1][0])
    assert seen[1][1] == seen[0][1] // 4


def test_a_room_is_made_once_for_all_positions_and_anew_for_another_dtype() -> None:
    scratch = Scratch(10, CPU)
    first = scratch.room("k", torch.Size((2, 3, 1, 8)), torch.float32)
    grown = scratch.room("k", torch.Size((2, 3, 10, 8)), torch.float32)
    assert first.data_ptr() == grown.data_ptr()
    assert grown.is_contiguous()
    assert scratch.room("v", grown.shape, torch.float32).data_ptr() != grown.data_ptr()
    assert scratch.room("k", grown.shape, torch.float16).dtype == torch.float16
