"""Whether a song is written by static steps on a device, and how they are set off there."""

from typing import Literal

import torch

from core.kernels.live import is_triton, live
from core.levo.graphs import Work, proved
from core.levo.tokens.static.drive import Drive, drive_of

Steps = Literal["auto", "static", "plain"]
"""`plain` asks the network anew for each column, `static` takes what lies on the device; the tokens agree."""
KERNELS, GRAPHS = "core.levo.tokens.static.agreement", "core.levo.tokens.static.selftest"
"""The trials that a device is put to."""


def is_static(device: torch.device, asked: Steps, *, pause: Work = int) -> bool:
    """Whether steps are static: where there are kernels that agree with plain torch, unless asked otherwise.

    What a device was not tried with yet is tried now by a process of its own, which takes memory of it: so
    this comes before weights are loaded. `pause` is called meanwhile and may raise to give up.
    """
    if asked != "auto":
        return asked == "static"
    return is_triton(device) and proved(KERNELS, device, pause=pause).is_yes


def complaint(device: torch.device, asked: Steps, *, pause: Work = int) -> str:
    """Why steps are plain where they should not be, in words; empty where all is as it should be."""
    if asked != "auto" or not is_triton(device):
        return ""
    is_yes, why = proved(KERNELS, device, pause=pause)
    return "" if is_yes else f"composed without fast kernels, as {why}"


def arithmetic(device: torch.device) -> str:
    """What computes static steps on a device, in one word: others round otherwise."""
    return f"static-{live(device).name}"


def best_drive(device: torch.device, *, pause: Work = int) -> Drive:
    """How static steps are set off on a device; like `is_static` to be asked before weights are loaded."""
    return drive_of(device, proved(GRAPHS, device, pause=pause))
