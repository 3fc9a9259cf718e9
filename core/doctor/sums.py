"""Small sums on a device beside the same in float64 on the processor; they need no file. For a child."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from core.kernels import reference

Sum = tuple[str, float, float]
"""What was computed, how far off it is, and how far off is right."""
_HALF, _SINGLE = 5e-3, 2e-4
_ANGLE = 4e-3
"""Of a table of sines at position 8000 in fp32."""


def checks(device: torch.device) -> Iterator[Sum]:
    """A product, attention, rotary positions and µ-law codes: the sums of which songs are made."""
    kinds = (torch.float32, torch.float16) if device.type == "cuda" else (torch.float32,)
    with torch.inference_mode():
        for dtype in kinds:
            name, most = str(dtype).removeprefix("torch."), _SINGLE if dtype == torch.float32 else _HALF
            yield f"product {name}", _product(device, dtype), most
            yield f"attention {name}", _attention(device, dtype), most
            yield f"convolution {name}", _convolution(device, dtype), most
        yield "rotary", _rotary(device), _ANGLE
        yield "µ-law", _mulaw(device), 1.0


def _product(device: torch.device, dtype: torch.dtype) -> float:
    x, weight = _drawn(3, 96, 257), _drawn(4, 130, 257) / math.sqrt(257)
    got = reference.linear(x.to(device, dtype), weight.to(device, dtype))
    return _apart(got, _stored(x, dtype) @ _stored(weight, dtype).T)


def _attention(device: torch.device, dtype: torch.dtype) -> float:
    q, k, v = (_drawn(seed, 2, 3, 65, 64) for seed in (5, 6, 7))
    got = reference.attention(*(each.to(device, dtype) for each in (q, k, v)))
    wide = [_stored(each, dtype) for each in (q, k, v)]
    scores = wide[0] @ wide[1].transpose(-1, -2) / math.sqrt(64)
    return _apart(got, scores.softmax(-1) @ wide[2])


def _convolution(device: torch.device, dtype: torch.dtype) -> float:
    x, weight = _drawn(8, 1, 24, 301), _drawn(9, 20, 24, 7) / math.sqrt(24 * 7)
    got = torch.nn.functional.conv1d(x.to(device, dtype), weight.to(device, dtype), padding=3)
    windows = torch.nn.functional.pad(_stored(x, dtype), (3, 3)).unfold(-1, 7, 1)
    return _apart(got, torch.einsum("bclk,ock->bol", windows, _stored(weight, dtype)))


def _rotary(device: torch.device) -> float:
    positions = torch.arange(7900, 8000)
    x = _drawn(10, 1, 2, 100, 128)
    cos, sin = reference.rope_table(positions.to(device), 128, 500_000.0)
    got = reference.rotate_halves(x.to(device), cos, sin)
    angles = positions.double()[:, None] / 500_000.0 ** (torch.arange(0, 128, 2).double() / 128)
    a, b = x.double().chunk(2, dim=-1)
    turned = (a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin())
    return _apart(got, torch.cat(turned, dim=-1))


def _mulaw(device: torch.device) -> float:
    """By how many steps codes differ."""
    x = _drawn(11, 2, 3, 17, 64)
    codes, _ = reference.mulaw_encode(x.to(device), 64.0)
    wide = x.double()
    unit = wide / wide.abs().amax(dim=(1, 2, 3), keepdim=True)
    right = (127 * unit.sign() * (64 * unit.abs()).log1p() / math.log1p(64)).round()
    return _apart(codes, right)


def _drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _stored(x: Tensor, dtype: torch.dtype) -> Tensor:
    """What the device was given, in float64 on the processor."""
    return x.to(dtype).double()


def _apart(got: Tensor, right: Tensor) -> float:
    furthest = float((got.cpu().double() - right).abs().max())
    return furthest if math.isfinite(furthest) else math.inf
