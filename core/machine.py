"""What machine this is, found out by a process of its own: a driver that hangs or falls takes nothing along.

`python -m core.machine` prints it as JSON. Importing this imports no torch.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from core.device import Device, choose_device, free_ram, told_by_driver
from core.environment import prepare
from core.errors import SongdeskError

_PATIENCE = 90.0
"""Seconds that torch may take to come up: a cold disk and a sleeping device are slow."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The device the models run on, and the room there is."""

    device: Device
    name: str
    reason: str
    """Why that device."""
    torch: str
    build: str
    """`cpu`, or CUDA or ROCm with its version."""
    free: int | None
    """Bytes of the device's memory that nobody has; None where the driver tells nonsense."""
    total: int | None
    ram_free: int
    ram_total: int
    processors: int

    @property
    def room(self) -> int | None:
        """Bytes that models could take."""
        return self.free if self.device == "cuda" else self.ram_free


def look(asked: str = "auto", *, patience: float = _PATIENCE) -> Machine:
    """Find out; takes seconds, so never from where a screen is drawn.

    SongdeskError where torch or its driver falls, or does not answer in time (s).
    """
    command = [sys.executable, "-m", __name__, asked]
    root = Path(__file__).parents[1]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command, capture_output=True, text=True, timeout=patience, check=False, cwd=root
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        what = f"torch did not answer: {type(error).__name__}"
        raise SongdeskError(what, hint="see `songdesk doctor`") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise SongdeskError(f"torch does not start: {last}", hint="see `songdesk doctor`")
    return Machine(**json.loads(done.stdout))


def _look(asked: str = "auto") -> Machine:
    prepare()
    chosen = choose_device(asked)
    import torch

    free, total = None, None
    if chosen.kind == "cuda":
        free, total = told_by_driver()
    return Machine(
        device=chosen.kind,
        name=chosen.name,
        reason=chosen.reason,
        torch=torch.__version__,
        build=_build(),
        free=free,
        total=total,
        ram_free=free_ram(),
        ram_total=psutil.virtual_memory().total,
        processors=psutil.cpu_count(logical=False) or psutil.cpu_count() or 1,
    )


def _build() -> str:
    import torch

    if torch.version.hip:
        return f"ROCm {torch.version.hip}"
    return f"CUDA {torch.version.cuda}" if torch.version.cuda else "cpu"


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(asdict(_look(*sys.argv[1:2]))))
    except SongdeskError as refusal:
        sys.exit(str(refusal))
