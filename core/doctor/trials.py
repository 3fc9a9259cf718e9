"""Which kernels a device computes with, and what came of trying them; for a process of its own."""

import time
from collections.abc import Callable, Mapping

import torch

from core.kernels.live import is_triton, live
from core.levo.graphs import Answer, proved, remembered
from core.levo.synthesis import trial as sound
from core.levo.tokens.static import choice

TRIALS: Mapping[str, str] = {
    "kernels": choice.KERNELS, "token steps": choice.GRAPHS, "sound steps": sound.__name__,
}  # fmt: skip
"""Modules that try a device, by what they try of it."""
_OF_KERNELS = frozenset({"kernels", "token steps"})
"""What is not tried where there are none."""
_PATIENCE = 180.0
"""Seconds that the doctor gives a trial, in whose first kernels are compiled; a song gives it more."""
_OFTEN = 5.0
"""Seconds between two signs of life."""


def kernels(device: torch.device, *, is_quick: bool, alive: Callable[[], None]) -> Mapping[str, object]:
    """The implementation that is live and why, and by what was tried whether it is right and why.

    A trial that was never made is made now, but not when quick; `alive` is called now and then meanwhile.
    """
    now = live(device)
    tried: dict[str, Mapping[str, object]] = {}
    if device.type != "cpu":
        for what, name in TRIALS.items():
            if what in _OF_KERNELS and not is_triton(device):
                continue
            answer = remembered(name, device) if is_quick else _made(name, device, alive)
            tried[what] = {
                "is_yes": answer and answer.is_yes,
                "why": answer.why if answer else "not tried yet",
            }
    return {"live": now.name, "why": now.why, "tried": tried}


def _made(name: str, device: torch.device, alive: Callable[[], None]) -> Answer | None:
    """The answer to a trial; None where it took longer than a doctor waits."""
    last = began = time.monotonic()

    def pause() -> None:
        nonlocal last
        now = time.monotonic()
        if now - began > _PATIENCE:
            raise TimeoutError
        if now - last > _OFTEN:
            last = now
            alive()

    try:
        return proved(name, device, pause=pause)
    except TimeoutError:
        return None
