"""All checks in order, each guarded: one that breaks is a line of the report, not its end."""

import logging
from collections.abc import Callable, Iterator

from core.doctor import (
    accelerator,
    calling,
    folders,
    kernels,
    programs,
    rightness,
    room,
    shelf,
    speed,
    surroundings,
    weights,
)
from core.doctor.finding import Finding
from core.doctor.masking import Mask
from core.doctor.scene import Scene
from core.errors import SongdeskError

Check = tuple[str, str, Callable[[Scene], Finding | None]]
"""Its id, its title, and what does it: a finding, or None where it has no place on this machine."""
_log = logging.getLogger(__name__)

CHECKS: tuple[Check, ...] = (
    ("python", "Python", programs.python),
    ("torch", "PyTorch", programs.torch),
    ("variables", "Variables", programs.variables),
    ("wsl", "WSL", accelerator.wsl),
    ("dxg", "GPU of Windows", accelerator.dxg),
    ("librocdxg", "librocdxg", accelerator.bridge),
    ("vm-memory", "WSL memory", accelerator.vm_memory),
    ("driver", "Driver", accelerator.driver),
    ("device", "Device", accelerator.device),
    ("gemm", "Matrix product", speed.gemm),
    ("conv", "Convolution", speed.conv),
    ("attention", "Attention", speed.attention),
    ("kernels", "Kernels", kernels.kernels),
    ("sums", "Sums", rightness.sums),
    ("parity", "Golden vectors", rightness.goldens),
    ("ram", "Memory", room.ram),
    ("disk-models", "Disk for models", room.disk_for_models),
    ("disk-songs", "Disk for songs", room.disk_for_songs),
    ("models", "Models", weights.models),
    ("stubs", "Stand-ins", weights.stand_ins),
    ("library", "Library", shelf.shelf),
    ("config", "Configuration", folders.configuration),
    ("folders", "Folders", folders.permissions),
    ("audio", "Sound", surroundings.audio),
    ("terminal", "Terminal", surroundings.terminal),
    ("calling", "Calling back", calling.calling),
)
"""In the order of the report."""


def examine(scene: Scene, mask: Mask, checks: tuple[Check, ...] = CHECKS) -> Iterator[Finding]:
    """A line a check, without what is private."""
    for check in checks:
        found = _guarded(check, scene)
        if found is not None:
            yield mask.finding(found)


def _guarded(check: Check, scene: Scene) -> Finding | None:
    name, title, do = check
    try:
        return do(scene)
    except SongdeskError as error:
        what = f"{error.where}: {error.what}".removeprefix(": ")
        return Finding(name, title, "fail", what, error.hint)
    except Exception as error:  # noqa: BLE001 - the other checks must go on
        _log.exception("the check %s broke", name)
        said = (str(error).splitlines() or [""])[0]
        what = f"the check broke: {type(error).__name__}: {said}".rstrip(": ")
        return Finding(name, title, "fail", what, "please report it with this report")
