"""What the checks look at, gathered once; tests make one up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.doctor.child import Told, ask
from core.environment import Applied, allocator_variables, prepare
from core.host import Host, host

GOLDENS = Path(__file__).parents[2] / "tests" / "golden"
"""The vectors of a checkout; a wheel has none."""
_PATIENCE = 75.0
"""Seconds for any one step of torch and its device: a cold disk and a first kernel are slow."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A machine, and what was asked of the doctor."""

    host: Host
    applied: tuple[Applied, ...] = ()
    """What became of the variables of this process."""
    probe: Told = field(default_factory=Told)
    """What the child told of torch and its device."""
    device: str = "auto"
    """The one asked for."""
    is_quick: bool = False
    root: Path = Path("/")
    """Below it are /proc and /dev."""
    goldens: Path | None = None
    allocator: tuple[str, ...] = ()
    """Variables of the person's that change how torch takes memory of a GPU; a wrong one stops it."""

    def step(self, name: str) -> Mapping[str, object] | None:
        """What the child told of a step; None where it did not come to that."""
        return self.probe.steps.get(name)

    def without_allocator(self, fix: str) -> str:
        """A way to mend torch, after the one that costs least: without those variables."""
        return f"unset {' and '.join(self.allocator)}, then try again; else {fix}" if self.allocator else fix


def look_around(device: str, *, is_quick: bool) -> Scene:
    """Gather it; takes some seconds, and much longer only where torch or its driver hangs."""
    applied = prepare()
    goldens = GOLDENS if GOLDENS.is_dir() else None
    arguments = [
        device,
        *(["--quick"] if is_quick else []),
        *(["--goldens", str(goldens)] if goldens else []),
    ]
    probe = ask("core.doctor.probe", *arguments, patience=_PATIENCE)
    ours = {each.name for each in applied if each.done == "set"}
    theirs = tuple(name for name in allocator_variables() if name not in ours)
    return Scene(host(), applied, probe, device, is_quick, goldens=goldens, allocator=theirs)
