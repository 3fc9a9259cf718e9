"""Which device the models run on and why, what its memory holds, and whether its speakers are far away."""

import ctypes
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import psutil

from core.container import memory_left
from core.errors import SongdeskError
from core.meter import Memory

if TYPE_CHECKING:
    import torch

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """A device, in torch's name and in words, with the reason it was chosen."""

    kind: Device
    """What `torch.device` takes; ROCm answers to `cuda` too."""
    name: str
    reason: str


def choose_device(asked: str = "auto") -> DeviceChoice:
    """Choose by name (`auto`, `cpu`, `cuda`, `rocm`): an accelerator if torch sees one, else the processor.

    All but `cpu` import torch. Raises SongdeskError when what was asked for is not there.
    """
    if asked == "cpu":
        return DeviceChoice("cpu", _processor(), "asked for")
    if asked not in ("auto", "cuda", "rocm"):
        raise SongdeskError(f"unknown device “{asked}”", hint="use auto, cpu, cuda or rocm")
    missing = _no_accelerator(asked)
    if missing and asked == "auto":
        return DeviceChoice("cpu", _processor(), missing)
    if missing:
        raise SongdeskError(
            f"device {asked} cannot be used: {missing}", hint="choose cpu or auto as the device"
        )
    reason = "asked for" if asked != "auto" else "the first accelerator that torch sees"
    return DeviceChoice("cuda", _accelerator(), reason)


def free_memory(device: Device) -> int | None:
    """Bytes that models could still take, what our allocator keeps for later counted as free.

    None where the driver tells nonsense. It wakes a sleeping device.
    """
    if device == "cpu":
        return free_ram()
    import torch

    free, _ = told_by_driver()
    return None if free is None else free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()


def free_ram() -> int:
    """Bytes of main memory that programs could get, as far as a container lets this one have them."""
    free, left = int(psutil.virtual_memory().available), memory_left()
    return free if left is None else min(free, left)


def total_memory(device: Device) -> int | None:
    """Bytes of all of a device's memory; None where the driver does not tell. It wakes a sleeping device."""
    return int(psutil.virtual_memory().total) if device == "cpu" else told_by_driver()[1]


def told_by_driver() -> tuple[int | None, int | None]:
    """Free and total bytes of the accelerator as its driver has them, each None where that is nonsense.

    Drivers under WSL and of some AMD GPUs have been seen to answer 0, or that nothing is in use.
    """
    import torch

    try:
        free, total = torch.cuda.mem_get_info()
    except RuntimeError:
        return None, None
    if total <= 0:
        return None, None
    in_use = total - free
    is_sane = 0 < free <= total and in_use > 0 and in_use >= torch.cuda.memory_reserved()
    return free if is_sane else None, total


def own_memory(device: Device) -> int:
    """Bytes that this process has of a device's memory; on the processor without pages of files."""
    if device == "cpu":
        now = psutil.Process().memory_info()
        return int(now.rss - getattr(now, "shared", 0))
    import torch

    return int(torch.cuda.memory_reserved())


def read_memory(planned: int | None = None, *, device: Device = "cpu") -> Memory:
    """Read the device's memory (bytes), cheaply: it imports no torch and wakes no device."""
    return _video_memory(planned) if device == "cuda" else _main_memory(planned)


def cores() -> int:
    """Processor cores of the machine, not those left to this process: a take must not depend on that."""
    return psutil.cpu_count(logical=False) or psutil.cpu_count() or 1


def processor_name() -> str:
    """What the maker calls the processor, or as much as the system tells of it, with its model's numbers.

    In a virtual machine the name alone is often that of a whole line of processors.
    """
    told = _told_of_processor()
    numbers = "/".join(told[key] for key in ("cpu family", "model", "stepping") if key in told)
    name = told.get("model name") or platform.processor() or platform.machine()
    return f"{name} {numbers}".rstrip()


def silicon(device: "torch.device") -> str:
    """What computes on a device, and with which instructions: any other may round the last bits otherwise."""
    import torch

    if device.type == "cpu":
        return f"{processor_name()} {torch.backends.cpu.get_cpu_capability()}"
    return f"{torch.cuda.get_device_name(device)} {torch.version.cuda or torch.version.hip}"


@contextmanager
def processor_threads(count: int) -> Iterator[None]:
    """Run torch's processor work on `count` threads while inside."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def return_memory() -> None:
    """Hand freed memory of the host back to the system, where the C library would keep it (glibc)."""
    if not sys.platform.startswith("linux"):
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def has_tf32(device: "torch.device") -> bool:
    """Whether the device multiplies in TF32: NVIDIA's do since Ampere."""
    import torch

    if device.type != "cuda" or torch.version.hip is not None:
        return False
    return torch.cuda.get_device_capability(device) >= (8, 0)


@contextmanager
def tf32_products(allowed: bool) -> Iterator[None]:
    """Inside, let NVIDIA devices multiply matrices in TF32, or not; convolutions are always fp32."""
    import torch

    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = allowed, False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def over_ssh() -> bool:
    """Whether this session came over SSH, so that the speakers here are not the person's."""
    return bool(os.environ.get("SSH_CONNECTION"))


def _told_of_processor() -> dict[str, str]:
    """What Linux tells of the first processor; elsewhere nothing."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _main_memory(planned: int | None) -> Memory:
    machine = psutil.virtual_memory()
    ours = psutil.Process().memory_info().rss
    return Memory("RAM", ours, machine.total - machine.available, machine.total, planned)


def _video_memory(planned: int | None) -> Memory:
    # Asking a sleeping device would wake it, at hundreds of megabytes: so the engine must have, first.
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return Memory("VRAM", planned=planned)
    ours = torch.cuda.memory_reserved()
    free, total = told_by_driver()
    in_use = total - free if free is not None and total is not None else None
    return Memory("VRAM", ours, in_use, total, planned)


def _processor() -> str:
    count = cores()
    return f"CPU, {count} core" + "s" * (count != 1)


def _accelerator() -> str:
    import torch

    interface = "rocm" if torch.version.hip else "cuda"
    return f"{torch.cuda.get_device_name()} ({interface})"


def _no_accelerator(asked: str) -> str:
    """Why there is no accelerator of the kind asked for; empty when there is one."""
    import torch

    if torch.version.cuda is None and torch.version.hip is None:
        return "this torch is built for the CPU alone"
    if asked == "rocm" and torch.version.hip is None:
        return "this torch is built for CUDA, not for ROCm"
    if not torch.cuda.is_available():
        return "torch finds no GPU or no driver for it"
    return ""
