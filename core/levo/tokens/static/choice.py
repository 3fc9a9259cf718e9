"""Whether a song is written by static steps on a device, and how they are set off there."""

from typing import Literal

import torch

from core.kernels.live import is_triton, live
from core.levo.graphs import proved
from core.levo.tokens.static.drive import Drive, drive_of

Steps = Literal["auto", "static", "plain"]
"""`plain` asks the network anew for each column, `static` takes what lies on the device; the tokens agree."""
_KERNELS, _GRAPHS = "core.levo.tokens.static.agreement", "core.levo.tokens.static.selftest"


def is_static(device: torch.device, asked: Steps) -> bool:
    """Whether steps are static: where there are kernels that agree with plain torch, unless asked otherwise.

    What a device was not tried with yet is tried now by a process of its own, which takes memory of it: so
    this comes before weights are loaded.
    """
    if asked != "auto":
        return asked == "static"
    return is_triton(device) and proved(_KERNELS, device).is_yes


def complaint(device: torch.device, asked: Steps) -> str:
    """Why steps are plain where they should not be, in words; empty where all is as it should be."""
    if asked != "auto" or not is_triton(device):
        return ""
    is_yes, why = proved(_KERNELS, device)
    return "" if is_yes else f"composed without fast kernels, as {why}"


def arithmetic(device: torch.device) -> str:
    """What computes static steps on a device, in one word: others round otherwise."""
    return f"static-{live(device).name}"


def best_drive(device: torch.device) -> Drive:
    """How static steps are set off on a device; like `is_static` to be asked before weights are loaded."""
    return drive_of(device, proved(_GRAPHS, device))
