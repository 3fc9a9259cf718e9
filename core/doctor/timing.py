"""How fast a device multiplies matrices, convolves and attends; for a process of its own."""

import statistics
import time
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

_LAPS = 5
_LONG = 3.0
"""Seconds after which no further lap is made."""


def gemm(device: torch.device) -> Mapping[str, object]:
    """A square product, fp16 on an accelerator and fp32 on a processor: operations a second."""
    size, dtype = (4096, torch.float16) if device.type == "cuda" else (1024, torch.float32)
    a, b = (torch.ones(size, size, dtype=dtype, device=device) * 0.01 for _ in range(2))
    return _measured(lambda: a @ b, 2 * size**3, device)


def conv(device: torch.device) -> Mapping[str, object]:
    """A convolution of the decoder's kind, fp32: operations a second."""
    channels, length = (512, 1 << 15) if device.type == "cuda" else (128, 1 << 14)
    x = torch.ones(1, channels, length, device=device) * 0.01
    weight = torch.ones(channels, channels, 7, device=device) * 0.01
    return _measured(lambda: F.conv1d(x, weight, padding=3), 2 * 7 * channels**2 * length, device)


def attention(device: torch.device) -> Mapping[str, object]:
    """A step of decoding that attends to a long cache, two rows of 16 heads: bytes of cache a second."""
    length, dtype = (8192, torch.float16) if device.type == "cuda" else (2048, torch.float32)
    q = torch.ones(2, 16, 1, 128, dtype=dtype, device=device)
    k, v = (torch.ones(2, 16, length, 128, dtype=dtype, device=device) * 0.01 for _ in range(2))
    moved = 2 * k.numel() * k.element_size()
    return _measured(lambda: F.scaled_dot_product_attention(q, k, v), moved, device)


MEASURES: Mapping[str, Callable[[torch.device], Mapping[str, object]]] = {
    "gemm": gemm, "conv": conv, "attention": attention,
}  # fmt: skip
"""By name of the step."""


def _measured(work: Callable[[], Tensor], amount: float, device: torch.device) -> Mapping[str, object]:
    """What is done in a second, the median of some laps after a first one, which is told apart."""
    with torch.inference_mode():
        first = _lap(work, device)
        repeats = 1 if device.type == "cpu" else 10
        laps: list[float] = []
        until = time.perf_counter() + _LONG
        while len(laps) < _LAPS and (not laps or time.perf_counter() < until):
            laps.append(_lap(work, device, repeats) / repeats)
    typical = statistics.median(laps)
    return {"rate": amount / typical, "lap": typical, "first": first}


def _lap(work: Callable[[], Tensor], device: torch.device, repeats: int = 1) -> float:
    began = time.perf_counter()
    for _ in range(repeats):
        work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began
