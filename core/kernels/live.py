"""Which implementation of the kernels is live on a device, and why."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Literal

import torch

Name = Literal["triton", "torch"]
_OLDEST = (7, 5)
"""What Triton asks of an NVIDIA device."""


@dataclass(frozen=True, slots=True)
class Live:
    """An implementation by name, and in words why it is the one."""

    name: Name
    why: str


_chosen: ContextVar[Live | None] = ContextVar("chosen", default=None)


def live(device: torch.device) -> Live:
    """What every public function of the kernels runs on tensors of `device`."""
    return _chosen.get() or _found(device.type, device.index)


def is_triton(device: torch.device) -> bool:
    """Whether Triton's kernels are live on `device`."""
    return live(device).name == "triton"


def triton_version() -> str:
    """Of Triton as it is installed, whose builds go by several names; empty where it is not."""
    for name in ("triton", "triton-rocm", "pytorch-triton", "pytorch-triton-rocm", "triton-windows"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ""


@contextmanager
def using(name: Name, why: str = "asked for") -> Iterator[None]:
    """Inside, in this thread, let this implementation be live on every device; `triton` must work there."""
    token = _chosen.set(Live(name, why))
    try:
        yield
    finally:
        _chosen.reset(token)


@cache
def _found(kind: str, index: int | None) -> Live:
    if kind != "cuda":
        return Live("torch", "Triton has no compiler for this device" if kind != "cpu" else "a processor")
    if find_spec("triton") is None:
        return Live("torch", "Triton is not installed")
    architecture = _architecture(index)
    if architecture is None:
        return Live("torch", "Triton asks for a newer device than this")
    return Live("triton", f"Triton {triton_version() or 'of an unknown version'} for {architecture}")


def _architecture(index: int | None) -> str | None:
    """What Triton compiles for; None where it does not."""
    if torch.version.hip is not None:
        return str(torch.cuda.get_device_properties(index or 0).gcnArchName).partition(":")[0]
    capability = torch.cuda.get_device_capability(index)
    return "sm_{}{}".format(*capability) if capability >= _OLDEST else None
