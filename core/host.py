"""What this machine is as far as files tell: WSL, kinds of GPUs, what torch is built for. No torch."""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

Build = Literal["none", "cpu", "cuda", "rocm"]
"""What torch was built for; `none` where there is no torch."""

_ROOT = Path("/")
_BRIDGES = ("opt/rocm/lib", "opt/rocm-*/lib", "usr/lib", "usr/lib/x86_64-linux-gnu", "usr/local/lib")
"""Where librocdxg may lie, below the root; beside torch's own ROCm it may lie too."""
_MAKERS = {"0x1002": "amd", "0x10de": "nvidia"}
_HIP = re.compile(r"^hip\b[^=\n]*=\s*['\"]([^'\"]+)", re.MULTILINE)
_CUDA = re.compile(r"^cuda\b[^=\n]*=\s*['\"]([^'\"]+)", re.MULTILINE)
_VERSION = re.compile(r"^__version__\s*=\s*['\"]([^'\"]+)", re.MULTILINE)
_TARGET = re.compile(r"^gfx_target_version\s+(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Torch:
    """The installed torch, as its own file tells."""

    version: str = ""
    build: Build = "none"
    runtime: str = ""
    """Version of the CUDA or ROCm that it was built with."""


@dataclass(frozen=True, slots=True)
class Host:
    """What decides which variables help and which harm."""

    torch: Torch = Torch()
    kernel: str = ""
    wsl: int = 0
    """1 or 2 for a machine of WSL, 0 for any other."""
    has_dxg: bool = False
    """Whether Windows shows its GPU (/dev/dxg)."""
    has_kfd: bool = False
    """Whether AMD's driver of Linux is here (/dev/kfd)."""
    has_nvidia: bool = False
    """Whether NVIDIA's driver is here: of Linux, or its library from Windows."""
    cards: tuple[str, ...] = ()
    """Makers of the GPUs on the bus, `amd` and `nvidia`, with or without a driver; WSL shows none."""
    bridge: str = ""
    """The file of librocdxg, which leads ROCm through WSL; empty where it was not found."""
    gfx: tuple[str, ...] = ()
    """AMD GPUs by LLVM's names, such as gfx1201, as Linux' driver tells; WSL has none that tells."""


def host(root: Path = _ROOT, torch: Torch | None = None) -> Host:
    """Read it off the files of this machine, or of a likeness of one below `root`."""
    kernel, has_dxg = _text(root / "proc/version"), (root / "dev/dxg").exists()
    found = installed_torch() if torch is None else torch
    return Host(
        torch=found,
        kernel=next(iter(re.findall(r"Linux version (\S+)", kernel)), ""),
        wsl=_wsl(kernel, has_dxg=has_dxg),
        has_dxg=has_dxg,
        has_kfd=(root / "dev/kfd").exists(),
        has_nvidia=(root / "dev/nvidiactl").exists() or (root / "usr/lib/wsl/lib/libcuda.so.1").exists(),
        cards=_cards(root),
        bridge=_bridge(root),
        gfx=_gfx(root),
    )


def is_wsl(root: Path = _ROOT) -> bool:
    """Whether this Linux runs inside Windows, whose driver moves memory that does not fit to the host."""
    return bool(_wsl(_text(root / "proc/version"), has_dxg=(root / "dev/dxg").exists()))


def installed_torch() -> Torch:
    """The torch that an import would take; it is not imported."""
    try:
        spec = find_spec("torch")
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.origin:
        return Torch()
    return read_torch(_text(Path(spec.origin).with_name("version.py")))


def read_torch(text: str) -> Torch:
    """What the text of torch's version.py tells."""
    version = next(iter(_VERSION.findall(text)), "")
    for build, pattern in (("rocm", _HIP), ("cuda", _CUDA)):
        if found := pattern.search(text):
            return Torch(version, "rocm" if build == "rocm" else "cuda", found[1])
    return Torch(version, "cpu")


def gfx_name(target: int) -> str:
    """LLVM's name of a `gfx_target_version`: 120001 is gfx1201, 90010 gfx90a."""
    major, minor, step = target // 10000, target // 100 % 100, target % 100
    return f"gfx{major}{minor:x}{step:x}"


def _wsl(kernel: str, *, has_dxg: bool) -> int:
    if has_dxg:  # a kernel of one's own need not say so
        return 2
    if "microsoft" not in kernel.lower():
        return 0
    # The first WSL names itself Linux 4.4 of Microsoft; it is no Linux and has no GPU.
    return 1 if "Linux version 4.4." in kernel else 2


def _bridge(root: Path) -> str:
    for place in _BRIDGES:
        for found in sorted(root.glob(f"{place}/librocdxg.so*")):
            return str(found)
    spec = find_spec("_rocm_sdk_core") if root == _ROOT else None
    folders = [Path(place) / "lib" for place in (spec.submodule_search_locations or ())] if spec else []
    return next((str(found) for folder in folders for found in folder.glob("librocdxg.so*")), "")


def _gfx(root: Path) -> tuple[str, ...]:
    nodes = sorted(root.glob("sys/class/kfd/kfd/topology/nodes/*/properties"))
    targets = [int(found) for node in nodes for found in _TARGET.findall(_text(node))]
    return tuple(gfx_name(target) for target in targets if target)  # 0 is a processor


def _cards(root: Path) -> tuple[str, ...]:
    devices = sorted(root.glob("sys/bus/pci/devices/*"))
    screens = [device for device in devices if _text(device / "class").startswith("0x03")]
    makers = (_MAKERS.get(_text(device / "vendor").strip()) for device in screens)
    return tuple(dict.fromkeys(maker for maker in makers if maker))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
