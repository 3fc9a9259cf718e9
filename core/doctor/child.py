"""Asks a process of its own, which may crash or hang: what it said until then is kept."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_GRACE = 2.0
"""Seconds a killed process has to go; one that a driver holds never does."""
_TICK = 0.05
_MOST_COMPLAINTS = 1 << 20
"""Bytes of what it says on stderr that are read."""
_ABORTED = "terminate called"
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Told:
    """What a child said, step by step."""

    steps: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    """By step what it failed of."""
    begun: str = ""
    """The step that was under way when it ended; empty where all were done."""
    trouble: str = ""
    """How it ended, where that was not well."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """By step that failed how to mend it, where it says so itself."""


def ask(module: str, *arguments: str, patience: float) -> Told:
    """Run `python -m module` and gather its lines; it is killed when it says none for so many seconds."""
    command = [sys.executable, "-m", module, *arguments]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaints:
        try:
            child = subprocess.Popen(  # noqa: S603 - this very Python
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=complaints,
                cwd=_ROOT,
                start_new_session=True,
            )
        except OSError as error:
            return Told(trouble=f"no process can be started: {(error.strerror or str(error)).lower()}")
        trouble = _wait(child, said, patience)
        steps, errors, hints, begun = _read(said)
        if trouble and not trouble.startswith("no answer"):
            trouble = _with_reason(trouble, complaints)
    return Told(steps, errors, begun, trouble, hints)


def _wait(child: "subprocess.Popen[bytes]", said: IO[bytes], patience: float) -> str:
    """How it ended, where that was not well."""
    heard, since = 0, time.monotonic()
    try:
        while (code := child.poll()) is None:
            if (size := os.fstat(said.fileno()).st_size) != heard:
                heard, since = size, time.monotonic()
            if time.monotonic() - since > patience:
                _kill(child)
                return f"no answer within {patience:.0f} s"
            time.sleep(_TICK)
    except BaseException:
        _kill(child)
        raise
    if code < 0:
        return f"it was ended by {_signal_name(-code)}"
    return f"it ended with exit code {code}" if code else ""


def _kill(child: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_GRACE)


def _read(said: IO[bytes]) -> tuple[dict[str, Mapping[str, object]], dict[str, str], dict[str, str], str]:
    said.seek(0)
    steps: dict[str, Mapping[str, object]] = {}
    errors: dict[str, str] = {}
    hints: dict[str, str] = {}
    begun = ""
    for line in said.read().splitlines():
        try:
            told = json.loads(line)
            name = str(told["step"])
        except (ValueError, TypeError, KeyError):
            continue  # a library talks on stdout
        if "facts" in told:
            steps[name], begun = told["facts"], ""
        elif "error" in told:
            errors[name], hints[name], begun = str(told["error"]), str(told.get("hint") or ""), ""
        else:
            begun = name
    return steps, errors, hints, begun


def _with_reason(trouble: str, complaints: IO[bytes]) -> str:
    complaints.seek(0)
    text = complaints.read(_MOST_COMPLAINTS).decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return trouble
    said = lines[-1]
    if any(_ABORTED in line for line in lines):  # C++, whose last line is the outermost frame of its stack
        telling = (line for mark in ("what():", "Error", _ABORTED) for line in lines if mark in line)
        said = next(telling).removeprefix("what():").strip()
    return f"{trouble}: {said[:200]}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
