"""A model that is fetched by a process of its own, followed by what it says of itself line by line."""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from core.errors import SongdeskError
from core.sizes import gigabytes
from tui.widgets.bars import clock, one_line

_ROOT = Path(__file__).parents[1]
_RUN = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from core.cli import main; sys.exit(main(sys.argv[1:]))"
)
_PATIENCE = 5.0
"""Seconds that it has to end when it is told to."""
_LONGEST_LINE = 1 << 20

Command = Callable[[str], Sequence[str]]
"""The command line that fetches a model, by its name."""
State = Literal["idle", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is."""

    model: str = ""
    state: State = "idle"
    doing: str = ""
    """What is done now, in words: `model.pt`, `verified model.pt`, …"""
    done: int = 0
    """Bytes of the file in hand."""
    total: int = 0
    rate: float = 0.0
    """Bytes per second; 0 where it is not known."""
    why: str = ""
    """Why it failed."""

    @property
    def words(self) -> str:
        """The line for people; empty where nothing was fetched."""
        match self.state:
            case "idle":
                return ""
            case "done":
                return f"{self.model} is here"
            case "cancelled":
                return f"{self.model} was not fetched to its end; fetching it again goes on from there"
            case "failed":
                return f"{self.model} was not fetched: {self.why or 'its process ended without a word'}"
            case "running":
                return f"fetching {self.model}: {' · '.join(part for part in self._parts if part)}"

    @property
    def _parts(self) -> tuple[str, ...]:
        if not self.total:
            return (self.doing or "asking what there is",)
        left = (self.total - self.done) / self.rate if self.rate > 0 else None
        return (
            self.doing,
            f"{100 * self.done / self.total:.0f} % of {gigabytes(self.total)}",
            _pace(self.rate) if self.rate > 0 else "",
            f"{clock(left)} left" if left is not None else "",
        )


def _pace(rate: float) -> str:
    """Bytes per second for people; a slow line is not a still one."""
    return f"{rate / 1e6:.1f} MB/s" if rate >= 1e6 else f"{rate / 1e3:.1f} kB/s"


def fetch_command(model: str) -> tuple[str, ...]:
    """What fetches a model unasked: the person was asked here."""
    # -P: a folder called `core` where one happens to stand is not ours.
    return (sys.executable, "-P", "-c", _RUN, str(_ROOT), "models", "fetch", model, "--yes", "--json")


class Fetching:
    """One model at a time. Its methods belong to the thread of the screen; none of them waits."""

    def __init__(self, command: Command = fetch_command) -> None:
        self._command = command
        self._process: Process | None = None
        self._is_cancelled = False
        self.now = Progress()
        """How far it is, replaced whole."""

    @property
    def busy(self) -> bool:
        """Whether a model is being fetched."""
        return self.now.state == "running"

    async def run(self, model: str) -> Progress:
        """Fetch a model to its end; gives how it ended, and never raises but when it is cancelled."""
        self.now, self._is_cancelled = Progress(model, "running"), False
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(model), stdin=DEVNULL, stdout=PIPE, stderr=PIPE, limit=_LONGEST_LINE
            )
        except OSError as error:
            self.now = replace(self.now, state="failed", why=error.strerror or str(error))
            return self.now
        try:
            said, _ = await asyncio.gather(self._last_said(self._process), self._follow(self._process))
            code = await self._process.wait()
        except BaseException:
            self.cancel()
            raise
        self.now = self._ended(code, said)
        return self.now

    def cancel(self) -> None:
        """Have it end; what it has fetched stays, and is gone on with another time."""
        self._is_cancelled = True
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()

    async def close(self) -> None:
        """End it and wait for that; after a while it is not asked any more."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        self.cancel()
        try:
            await asyncio.wait_for(process.wait(), _PATIENCE)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()

    def _ended(self, code: int, said: str) -> Progress:
        if code == 0 and self.now.state == "running":
            return replace(self.now, state="done")
        if self._is_cancelled or self.now.state == "cancelled":
            return replace(self.now, state="cancelled")
        return replace(self.now, state="failed", why=self.now.why or said or f"exit code {code}")

    async def _follow(self, process: Process) -> None:
        """Take in the events, one JSON object a line."""
        assert process.stdout is not None
        async for line in _lines(process.stdout):
            event = _event(line)
            if event is not None:
                self.now = after(self.now, event)

    async def _last_said(self, process: Process) -> str:
        """What was said last to a person."""
        assert process.stderr is not None
        said = ""
        async for line in _lines(process.stderr):
            said = one_line(line).removeprefix("songdesk: ") or said
        return said


def after(now: Progress, event: Mapping[str, Any]) -> Progress:
    """How far it is behind one event; what does not fit is as if it had not been said."""
    file = one_line(str(event.get("file") or "")).rpartition("/")[2]
    match event.get("event"):
        case "progress":
            doing = " ".join(part for part in (one_line(str(event.get("doing") or "")), file) if part)
            return replace(
                now,
                doing=doing,
                done=int(_number(event.get("done"))),
                total=int(_number(event.get("total"))),
                rate=_number(event.get("rate")),
            )
        case "verified" | "converted" | "kept" as what:
            return replace(now, doing=f"{file} {what}".strip(), done=0, total=0, rate=0.0)
        case "note":
            return replace(now, doing=one_line(str(event.get("text") or "")), done=0, total=0, rate=0.0)
        case "failed":
            what, where, hint = (one_line(str(event.get(key) or "")) for key in ("what", "where", "hint"))
            return replace(now, why=str(SongdeskError(what, where=where, hint=hint)))
        case "stopped":
            return replace(now, state="cancelled")
        case _:
            return now


async def _lines(stream: asyncio.StreamReader) -> Any:
    """Lines as text; one that is longer than anybody writes is passed over."""
    while True:
        try:
            raw = await stream.readline()
        except ValueError:
            continue
        if not raw:
            return
        yield raw.decode(errors="replace").strip()


def _event(line: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e18 else 0.0
