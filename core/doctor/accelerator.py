"""Checks of the device, its driver, and of WSL between the two."""

import re
from collections.abc import Mapping
from pathlib import Path

import psutil

from core.doctor.finding import Finding, gib
from core.doctor.scene import Scene
from core.host import Host

_SMALLEST_VM = 26e9
"""Bytes of memory that WSL's machine should have: weights pass through it on their way to the GPU."""
_TOLD = 0.97
"""Of the memory that .wslconfig gives, Linux tells a little less."""
_TIGHT = 6 << 30
"""Bytes of video memory with which no published model can be expected to fit."""
_KERNEL = re.compile(r"(sm|compute)_(\d+)")
_OLD_RUNTIME = "usr/lib/x86_64-linux-gnu/libhsa-runtime64.so.1"


def device(scene: Scene) -> Finding:
    """The device songs are made on: that it answers, and that its driver tells sense."""
    step = scene.step("device")
    if step is None:
        return _no_device(scene)
    name, reason = str(step["name"]), str(step["reason"])
    facts = dict(step)
    if step["kind"] == "cpu":
        return _processor(scene, f"{name} ({reason})", facts)
    total, free = _count(step.get("memory")), _count(step.get("free"))
    lines = [name, str(step.get("gfx") or f"compute capability {step.get('capability')}"), gib(total)]
    what = ", ".join(lines)
    if not _has_kernels(step):
        fix = f"install a torch that is built for {lines[1]}: make setup TORCH_INDEX=… (README)"
        return Finding("device", "Device", "fail", f"{what}; this torch has no kernels for it", fix, facts)
    if not free or (total and free > total):
        what = f"{what}; its driver does not tell how much is free: unknown"
        return Finding("device", "Device", "warn", what, "update the driver; songdesk plans carefully", facts)
    what = f"{what}, {gib(free)} free"
    if total and total < _TIGHT:
        fix = "render with --set weights=int8 and shorter songs, or device: cpu in the configuration"
        return Finding("device", "Device", "warn", f"{what}: little for the published models", fix, facts)
    return Finding("device", "Device", "ok", what, facts=facts)


def driver(scene: Scene) -> Finding | None:
    """What stands between torch and the GPU, outside of WSL."""
    here, build = scene.host, scene.host.torch.build
    if here.wsl or build not in ("cuda", "rocm"):
        return None
    facts = {"kernel": here.kernel, "kfd": here.has_kfd, "nvidia": here.has_nvidia, "gfx": list(here.gfx)}
    facts["cards"] = list(here.cards)
    if build == "rocm" and not here.has_kfd:
        fix = "install AMD's driver (amdgpu-dkms or a newer kernel) and join the groups render and video"
        return Finding("driver", "Driver", "fail", "no /dev/kfd: AMD's driver is not loaded", fix, facts)
    if build == "rocm":
        return Finding(
            "driver", "Driver", "ok", f"/dev/kfd, {', '.join(here.gfx) or 'GPU unknown'}", facts=facts
        )
    version = nvidia_version(scene.root)
    facts["version"] = version
    if not here.has_nvidia and "nvidia" in here.cards:
        what = "there is a GPU of NVIDIA, and its driver is not loaded (no /dev/nvidiactl)"
        return Finding("driver", "Driver", "fail", what, "install NVIDIA's driver, then restart", facts)
    if not here.has_nvidia:
        return Finding("driver", "Driver", "ok", "none, and no GPU of NVIDIA to need one", facts=facts)
    return Finding("driver", "Driver", "ok", f"NVIDIA {version or 'of unknown version'}", facts=facts)


def wsl(scene: Scene) -> Finding | None:
    """Which WSL this is."""
    here = scene.host
    if not here.wsl:
        return None
    facts = {"wsl": here.wsl, "kernel": here.kernel}
    if here.wsl == 1:
        return Finding(
            "wsl", "WSL", "fail", "WSL 1, which has no GPU", "wsl --set-version <distribution> 2", facts
        )
    return Finding("wsl", "WSL", "ok", f"WSL 2, kernel {here.kernel}", facts=facts)


def dxg(scene: Scene) -> Finding | None:
    """Whether Windows shows its GPU to WSL."""
    if scene.host.wsl != 2:
        return None
    if scene.host.has_dxg:
        return Finding("dxg", "GPU of Windows", "ok", "/dev/dxg is there")
    fix = "in Windows: install the GPU's driver (AMD Adrenalin or NVIDIA), wsl --update, wsl --shutdown"
    return Finding("dxg", "GPU of Windows", "fail", "no /dev/dxg: Windows shows no GPU", fix)


def bridge(scene: Scene) -> Finding | None:
    """Whether ROCm finds its way through WSL."""
    here = scene.host
    if here.wsl != 2 or here.torch.build != "rocm":
        return None
    if not here.bridge:
        fix = "build librocdxg and install it (README: AMD on WSL2), then run doctor again"
        return Finding("librocdxg", "librocdxg", "fail", "librocdxg.so was not found", fix)
    facts = {"file": here.bridge}
    if (scene.root / _OLD_RUNTIME).exists():
        what = f"{here.bridge}; but the distribution's own old ROCm runtime is installed and may come first"
        return Finding(
            "librocdxg", "librocdxg", "warn", what, "sudo apt remove libhsa-runtime64-1 libhsakmt1", facts
        )
    return Finding("librocdxg", "librocdxg", "ok", here.bridge, facts=facts)


def vm_memory(scene: Scene) -> Finding | None:
    """Whether WSL's machine has memory enough for weights on their way to the GPU."""
    if scene.host.wsl != 2:
        return None
    total = memory_of(scene.root)
    if total is None:
        return Finding("vm-memory", "WSL memory", "unknown", "unknown: /proc/meminfo tells nothing")
    facts = {"total": total, "wanted": int(_SMALLEST_VM)}
    what = f"{total / 1e9:.1f} GB"
    if total < _SMALLEST_VM * _TOLD:
        fix = (
            "write [wsl2] and memory=28GB into .wslconfig in your Windows user folder, "
            "then in Windows: wsl --shutdown"
        )
        return Finding("vm-memory", "WSL memory", "warn", f"{what} of 26 GB that are wanted", fix, facts)
    return Finding("vm-memory", "WSL memory", "ok", what, facts=facts)


def memory_of(root: Path) -> int | None:
    """Memory of the machine (bytes), as its kernel tells."""
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:"))
    except (OSError, ValueError, StopIteration, IndexError):
        return None


def nvidia_version(root: Path) -> str:
    """The version of NVIDIA's driver on Linux; empty where it does not tell."""
    try:
        words = (root / "proc/driver/nvidia/version").read_text(encoding="utf-8").split()
    except OSError:
        return ""
    return next((word for word in words if word.count(".") >= 1 and word[0].isdigit()), "")


def _has_kernels(step: Mapping[str, object]) -> bool:
    """Whether the build of torch holds kernels for the device, as far as its list of them tells."""
    kernels = step.get("kernels_for")
    if not isinstance(kernels, list) or not kernels or any("generic" in str(name) for name in kernels):
        return True
    if gfx := str(step.get("gfx") or ""):
        return gfx in kernels
    # Kernels of NVIDIA run on later cards of their generation, and text for compilers on all later ones.
    major, _, minor = str(step.get("capability") or "").partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        return True
    card = int(major + minor)
    made = [(kind, int(number)) for kind, number in _KERNEL.findall(" ".join(map(str, kernels)))]
    return any(number <= card and (kind == "compute" or number // 10 == int(major)) for kind, number in made)


def _no_device(scene: Scene) -> Finding:
    probe = scene.probe
    said = probe.errors.get("device")
    if said is None and probe.begun == "device":
        said = f"torch was asked for the device and did not come back: {probe.trouble}"
    if said is None:
        return Finding("device", "Device", "unknown", "unknown: torch does not start")
    fix = probe.hints.get("device", "")
    if not fix:
        fix = scene.without_allocator("update the driver; until then: device: cpu in the configuration")
    return Finding("device", "Device", "fail", said, fix, {"trouble": probe.trouble})


def _processor(scene: Scene, what: str, facts: dict[str, object]) -> Finding:
    here = scene.host
    facts["processors"] = psutil.cpu_count()
    if scene.device != "auto":
        return Finding("device", "Device", "ok", what, facts=facts)
    if _could_use_gpu(here):
        fix = "see the lines on driver, WSL and variables"
        return Finding("device", "Device", "fail", f"{what}, though the system shows one", fix, facts)
    if here.has_dxg or here.has_kfd or here.has_nvidia:
        readme = "NVIDIA" if here.has_nvidia else "AMD on WSL2"
        fix = f"install the torch of its maker: make setup TORCH_INDEX=… (README: {readme})"
        what = f"{what}; there may be a GPU that this torch is not built for"
        return Finding("device", "Device", "warn", what, fix, facts)
    return Finding("device", "Device", "ok", what, facts=facts)


def _could_use_gpu(here: Host) -> bool:
    """Whether torch is built for a GPU whose driver is here."""
    if here.torch.build == "cuda":
        return here.has_nvidia
    return here.torch.build == "rocm" and (here.has_kfd or here.has_dxg)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
