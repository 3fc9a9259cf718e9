"""Graphs of a device: recording one, and whether a device does rightly what is tried out by another process.

`python -m core.levo.graphs NAME` tries what the module NAME does and prints the answer as JSON. A driver that
falls over a graph, as some have, then takes no song along.
"""

import contextlib
import hashlib
import json
import logging
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

import torch

import core.kernels
from core.atomic import write_text
from core.environment import prepare
from core.errors import SongdeskError
from core.host import is_wsl
from core.kernels.live import triton_version
from core.paths import graph_file

if TYPE_CHECKING:
    from torch.cuda import _POOL_HANDLE

_log = logging.getLogger(__name__)
_PATIENCE = 600.0
"""Seconds for a trial: kernels are compiled in the first."""
_TICK, _GRACE = 0.1, 2.0
"""Seconds between two looks at a trial, and those that a killed one has to go."""
_WEEK = 7 * 86_400.0
"""Seconds after which a trial that came to no answer is made again."""
_WARM_UP = 3
"""Runs before a recording: they compile kernels and let libraries take their memory."""
_MOST = 50
"""Answers kept."""
_DRIVERS = ("/proc/driver/nvidia/version", "/sys/module/amdgpu/version")
_DRIVERS_OF_WINDOWS = "/usr/lib/wsl/drivers"
"""A folder each, whose name is another with every version."""
_ROOT = Path(__file__).parents[2]
Work = Callable[[], object]


class Answer(NamedTuple):
    """Whether what was tried is to be trusted on a device, and in words why or why not."""

    is_yes: bool
    why: str


def proved(name: str, device: torch.device, *, pause: Work = int) -> Answer:
    """Whether the device does what module `name` tries as it should; tried once and remembered.

    The module has `check(device) -> str`, which gives the difference in words, none for none. The trial is a
    process with a context of its own on the device: ask before weights are loaded. It is made again for
    another device, driver, torch, Triton or version of the sources. `pause` is called again and again while
    it is under way and may raise to give up, which ends it; nothing of that trial is remembered.
    """
    known = remembered(name, device)
    if known is not None:
        return known
    answer, is_final = _tried(name, pause)
    _remember(_about(name, device), answer, is_final=is_final)
    return answer


def remembered(name: str, device: torch.device) -> Answer | None:
    """What `proved` answers at once; None where it would make a trial."""
    if device.type != "cuda":
        return Answer(False, "a processor has no graphs")
    return _recall(_about(name, device))


def recorded(
    work: Work, put_back: Work, *, trials: int = _WARM_UP, pool: "_POOL_HANDLE | None" = None
) -> Work:
    """Record work as a graph of the present CUDA or HIP device; gives its replay.

    Before, it is run a few times, and `put_back` undoes what each run did. What work takes is taken from the
    graph's own memory, or from that of `pool`; all else it touches must stay where it is. Raises
    RuntimeError where the device refuses.
    """
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(trials):
            work()
            put_back()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    # Other threads look at the device's memory meanwhile, which is not to spoil the recording.
    with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
        work()
    return graph.replay


def _tried(name: str, pause: Work) -> tuple[Answer, bool]:
    """The answer of a process of its own, and whether it is one for good."""
    command = [sys.executable, "-m", __name__, name]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaints:
        try:
            child = subprocess.Popen(  # noqa: S603 - our own program
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=complaints,
                cwd=_ROOT,
                start_new_session=True,  # compilers that it runs end with it
            )
        except OSError as error:
            return Answer(False, f"no trial could be made: {error.strerror or error}"), False
        code = _awaited(child, pause)
        last, complaint = _last(said), _last(complaints)
    if code is None:
        return Answer(False, f"a trial was not over after {_PATIENCE:.0f} s"), False
    if code < 0:
        return Answer(False, f"a trial was ended by signal {-code}"), True
    try:
        difference = str(json.loads(last)["difference"])
    except (ValueError, TypeError, KeyError):
        # The device may have been full.
        return Answer(False, f"a trial failed: {complaint or f'exit code {code}'}"), False
    if difference:
        return Answer(False, f"a trial differed: {difference}"), True
    return Answer(True, "a trial agreed"), True


def _awaited(child: "subprocess.Popen[bytes]", pause: Work) -> int | None:
    """The child's exit code, None where it took too long; it has ended even if `pause` raises."""
    until = time.monotonic() + _PATIENCE
    try:
        while time.monotonic() < until:
            pause()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return child.wait(_TICK)
        return None
    finally:
        if child.poll() is None:
            _kill(child)


def _kill(child: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):  # one that a driver holds never goes
        child.wait(_GRACE)


def _last(said: IO[bytes]) -> str:
    """The last line of what a child said."""
    said.seek(0)
    return (said.read().decode(errors="replace").strip().splitlines() or [""])[-1]


def _about(name: str, device: torch.device) -> str:
    """All that an answer depends on."""
    facts = (
        name, torch.cuda.get_device_name(device), *_drivers(), torch.__version__, str(torch.version.cuda),
        str(torch.version.hip), triton_version(), "WSL" if is_wsl() else "", _digest(name),
    )  # fmt: skip
    return " | ".join(fact for fact in facts if fact)


def _drivers() -> Iterator[str]:
    """What tells one version of the driver from another; where none is told it is a part of the kernel."""
    told = [
        path.read_text(errors="replace").partition("\n")[0] for path in map(Path, _DRIVERS) if path.is_file()
    ]
    folder = Path(_DRIVERS_OF_WINDOWS)
    if folder.is_dir():
        names = " ".join(sorted(path.name for path in folder.iterdir()))
        told.append(hashlib.sha256(names.encode()).hexdigest()[:16])
    yield from (each.strip() for each in told or [platform.release()])


def _digest(name: str) -> str:
    """Of the sources of all kernels, and of those beside the module."""
    spec = find_spec(name)
    assert spec is not None, name
    folders = (Path(str(core.kernels.__file__)).parent, Path(str(spec.origin)).parent)
    made = hashlib.sha256()
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        made.update(path.read_bytes())
    return made.hexdigest()[:16]


def _kept() -> dict[str, object]:
    """The file as it is; empty where it is none of ours."""
    try:
        raw = json.loads(graph_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return raw if isinstance(raw, dict) else {}


def _recall(about: str) -> Answer | None:
    """An answer that still counts."""
    match _kept().get(about):
        case {"is_yes": bool(is_yes), "why": str(why), "until": int(until) | float(until)}:
            return Answer(is_yes, why) if not until or time.time() < until else None
    return None


def _remember(about: str, answer: Answer, *, is_final: bool) -> None:
    """Keep an answer; where that cannot be written the next song asks again."""
    kept = _kept()
    kept[about] = {**answer._asdict(), "until": 0 if is_final else time.time() + _WEEK}
    try:
        write_text(graph_file(), json.dumps(dict(list(kept.items())[-_MOST:]), indent=1) + "\n")
    except SongdeskError as error:
        _log.warning("how the device replays graphs is not remembered: %s", error)


def _main(name: str) -> None:
    prepare()
    module = import_module(name)
    difference = module.check(torch.device("cuda"))
    sys.stdout.write("\n" + json.dumps({"difference": difference}) + "\n")


if __name__ == "__main__":
    _main(sys.argv[1])
