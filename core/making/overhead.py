"""What a stage takes beside its plan: measured in each run, remembered, and added to the plan of the next."""

import threading
from types import TracebackType
from typing import Self

from core.device import Device, own_memory, read_memory
from core.making.history import recall, remember

UNMEASURED = {"cuda": 600 << 20, "cpu": 200 << 20}
"""Bytes before the first run: libraries, their scratch, and what an allocator wastes."""
_RUNS = 5
"""Runs of which the greediest counts."""
_SHARE = 4
"""Never more than the unmeasured one and this part of the plan: one odd run must not refuse all after it."""
_EVERY = 0.1
"""Seconds between two looks at this process."""


def overhead_of(model: str, device: Device, name: str, stage: str, planned: int) -> int:
    """Bytes to add to a plan of so many, by what the last runs on the device of that name took."""
    runs = recall(_about(model, name, stage))[-_RUNS:]
    if not runs:
        return UNMEASURED[device]
    return min(int(max(runs)), UNMEASURED[device] + planned // _SHARE)


class Gauge:
    """Inside its block, the most memory that this process takes of a device beside what it had before."""

    def __init__(self, device: Device) -> None:
        self.peak = 0
        """Bytes; final behind the block."""
        self._device: Device = device
        self._before = self._outside = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="gauge", daemon=True)

    def __enter__(self) -> Self:
        if self._device == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats()
            self._outside = _outside()
        self._before = own_memory(self._device)
        if self._device == "cpu":
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._device == "cpu":
            self._over.set()
            self._thread.join()
            return
        import torch

        # Kernels and the like are not of our allocator; what other programs took looks the same.
        beside = max(0, _outside() - self._outside) if self._outside else 0
        beside = min(beside, UNMEASURED["cuda"])
        self.peak = max(0, int(torch.cuda.max_memory_reserved()) - self._before) + beside

    def keep(self, model: str, name: str, stage: str, planned: int) -> None:
        """Remember by how much a finished stage took more than was planned.

        One that took less than half has found most of its work done, and says nothing of what comes beside.
        """
        if not planned or self.peak * 2 < planned:
            return
        remember({_about(model, name, stage): max(0, self.peak - planned)})

    def _look_on(self) -> None:
        while not self._over.wait(_EVERY):
            self.peak = max(self.peak, own_memory("cpu") - self._before)


def _outside() -> int:
    """Bytes of the accelerator in use that are not of our allocator; 0 where that is unknown."""
    now = read_memory(device="cuda")
    return now.in_use - now.ours if now.in_use is not None and now.ours is not None else 0


def _about(model: str, name: str, stage: str) -> str:
    return f"overhead {model} {name} {stage}"
