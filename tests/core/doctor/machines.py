"""Machines that are none: what a child would have told on them."""

from collections.abc import Mapping

from core.doctor.child import Told
from core.doctor.scene import Scene
from core.host import Host, Torch

ROCM = Torch("2.11.0+rocm7.2", "rocm", "7.2.26015")
CUDA = Torch("2.11.0+cu130", "cuda", "13.0")
CPU = Torch("2.11.0+cpu", "cpu")
GIB = 1 << 30

RADEON: Mapping[str, object] = {
    "kind": "cuda", "name": "AMD Radeon RX 9070 (rocm)", "reason": "the first accelerator that torch sees",
    "gfx": "gfx1201", "capability": "12.0", "memory": 16 * GIB, "free": 15 * GIB, "total": 16 * GIB,
    "devices": 1, "kernels_for": ["gfx1100", "gfx1201"],
}  # fmt: skip
GEFORCE: Mapping[str, object] = {
    "kind": "cuda", "name": "NVIDIA GeForce RTX 4090 (cuda)", "reason": "asked for", "gfx": "",
    "capability": "8.9", "memory": 24 * GIB, "free": 23 * GIB, "total": 24 * GIB, "devices": 1,
    "kernels_for": ["sm_89"],
}  # fmt: skip
PROCESSOR: Mapping[str, object] = {"kind": "cpu", "name": "CPU, 8 cores", "reason": "torch finds no GPU"}


def told(device: Mapping[str, object], **steps: Mapping[str, object]) -> Told:
    torch = {"version": "2.11.0", "triton": "3.6.0", "threads": 8}
    return Told({"torch": torch, "device": device, **steps})


def wsl_radeon(probe: Told | None = None, **changes: object) -> Scene:
    here = {"wsl": 2, "has_dxg": True, "bridge": "/opt/rocm/lib/librocdxg.so", **changes}
    return Scene(Host(ROCM, **here), probe=probe or told(RADEON))  # type: ignore[arg-type]
