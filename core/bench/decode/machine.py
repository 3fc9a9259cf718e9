"""The machine itself: how fast it reads and copies memory, multiplies, and begins a piece of work."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from core.bench.decode.piecework import Record
from core.bench.measure import finish
from core.doctor.speed import card
from core.kernels.live import triton_version

_LAPS = 5
_TIMES = 1000
"""Pieces of work whose beginnings are measured together."""
_IN_A_GRAPH = 350
"""About as many as a step has."""
_COLUMNS = 2048


@dataclass(frozen=True, slots=True)
class Machine:
    """What the numbers of everything else stand beside; rates are a second."""

    device: str
    torch: str
    triton: str
    """Empty where it is not installed."""
    threads: int
    """Of the processor, which has no say on an accelerator."""
    amount: int
    """Bytes that were read and copied."""
    read: float
    """Bytes read, by the faster of a sum and a product with a vector."""
    copied: float
    """Bytes read and bytes written together."""
    issued: float
    """Seconds that the host takes to begin the smallest piece of work; on a processor also to do it."""
    gap: float | None
    """Seconds of the smallest piece of work inside a graph; None where none was captured."""
    products: dict[str, float]
    """Operations of a square product by the format of its numbers."""
    specified: float | None
    """Bytes a second that the maker promises; None where it is not known here."""


def machine(
    device: torch.device, name: str, *, amount: int, size: int, record: Record | None = None
) -> Machine:
    """Measure with so many bytes, products of `size` × `size`, and graphs as `record` makes them."""
    source = torch.ones(amount // 4, device=device)
    read = max(_rate(work, amount, device) for work in _readings(source))
    copied = _rate(partial(torch.empty_like(source).copy_, source), 2 * amount, device)
    del source
    known = card(name) if device.type == "cuda" else None
    return Machine(
        device=name,
        torch=torch.__version__,
        triton=triton_version(),
        threads=torch.get_num_threads(),
        amount=amount,
        read=read,
        copied=copied,
        issued=_issued(device),
        gap=_gap(device, record),
        products=_products(device, size),
        specified=known.bandwidth if known else None,
    )


def _readings(source: Tensor) -> tuple[Callable[[], object], ...]:
    matrix = source[: source.numel() // _COLUMNS * _COLUMNS].view(-1, _COLUMNS)
    vector = torch.ones(_COLUMNS, device=source.device)
    return source.sum, lambda: matrix @ vector


def _products(device: torch.device, size: int) -> dict[str, float]:
    formats = {"fp32": torch.float32}
    if device.type == "cuda":
        formats["fp16"] = torch.float16
    rates = {}
    for name, dtype in formats.items():
        a, b = (torch.full((size, size), 0.01, dtype=dtype, device=device) for _ in range(2))
        rates[name] = _rate(partial(torch.matmul, a, b), 2 * size**3, device)
    return rates


def _issued(device: torch.device) -> float:
    one = torch.zeros(1, device=device)

    def many() -> None:
        for _ in range(_TIMES):
            one.add_(1)

    many()
    finish(device)
    began = time.perf_counter()
    many()
    seconds = time.perf_counter() - began
    finish(device)
    return seconds / _TIMES


def _gap(device: torch.device, record: Record | None) -> float | None:
    if record is None:
        return None
    one = torch.zeros(1, device=device)

    def many() -> None:
        for _ in range(_IN_A_GRAPH):
            one.add_(1)

    try:
        replay = record(many, int)
    except RuntimeError:
        return None
    return 1 / _rate(replay, _IN_A_GRAPH, device)


def _rate(work: Callable[[], object], amount: float, device: torch.device) -> float:
    """What is done of `amount` in a second, the median of some laps after a first one."""
    laps = []
    for _ in range(_LAPS + 1):
        began = time.perf_counter()
        work()
        finish(device)
        laps.append(time.perf_counter() - began)
    return amount / statistics.median(laps[1:])
