"""The child that wakes torch and its device, times it and checks its sums: `python -m core.doctor.probe`."""

import argparse
import sys
from collections.abc import Mapping
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from core.device import choose_device, cores
from core.doctor.steps import Step, alive, go_through
from core.environment import prepare

if TYPE_CHECKING:
    import torch

TRITONS = ("triton", "triton-rocm", "pytorch-triton-rocm")
"""Names under which Triton is installed."""


def main(arguments: list[str]) -> int:
    """Do what is asked for, and tell of it line by line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("device")
    parser.add_argument("--goldens", default="")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args(arguments)
    prepare()
    steps: list[Step] = [("torch", _torch), ("device", partial(_device, asked.device))]
    steps.append(("sums", partial(_sums, asked.device)))
    if not asked.quick:
        steps += [(name, partial(_timing, name, asked.device)) for name in ("gemm", "conv", "attention")]
        if asked.goldens:
            steps.append(("goldens", partial(_goldens, asked.goldens, asked.device)))
    # Last, as it tries what a driver is likeliest to fall over.
    steps.append(("kernels", partial(_kernels, asked.device, is_quick=asked.quick)))
    go_through(steps, needed=frozenset({"torch", "device"}))
    return 0


def _torch() -> Mapping[str, object]:
    import torch

    torch.set_num_threads(cores())
    return {
        "version": torch.__version__,
        "cuda": torch.version.cuda,
        "hip": torch.version.hip,
        "triton": _triton(),
        "threads": torch.get_num_threads(),
    }


def _device(asked: str) -> Mapping[str, object]:
    import torch

    chosen = choose_device(asked)
    facts: dict[str, object] = {"kind": chosen.kind, "name": chosen.name, "reason": chosen.reason}
    if chosen.kind == "cuda":
        about = torch.cuda.get_device_properties(0)
        free, total = torch.cuda.mem_get_info()
        facts |= {
            "gfx": str(getattr(about, "gcnArchName", "")).partition(":")[0],
            "capability": f"{about.major}.{about.minor}",
            "memory": about.total_memory,
            "free": free,
            "total": total,
            "devices": torch.cuda.device_count(),
            "kernels_for": torch.cuda.get_arch_list(),
        }
    return facts


def _sums(asked: str) -> Mapping[str, object]:
    from core.doctor.sums import checks

    return {"checks": [[name, error, most] for name, error, most in checks(_chosen(asked))]}


def _timing(name: str, asked: str) -> Mapping[str, object]:
    from core.doctor import timing

    return timing.MEASURES[name](_chosen(asked))


def _kernels(asked: str, *, is_quick: bool) -> Mapping[str, object]:
    from core.doctor.trials import kernels

    return kernels(_chosen(asked), is_quick=is_quick, alive=lambda: alive("kernels"))


def _goldens(folder: str, asked: str) -> Mapping[str, object]:
    from core.doctor.goldens import checked

    return checked(folder, _chosen(asked))


def _chosen(asked: str) -> "torch.device":
    import torch

    return torch.device(choose_device(asked).kind)


def _triton() -> str:
    for name in TRITONS:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
