"""A run's progress on stderr: a live bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from core.clock import clock
from core.meter import Meter

READINGS_PER_SECOND = 8
_LINE_EVERY = 5.0
"""Seconds between plain lines within a phase."""


class Teller(Protocol):
    """Shows meters as they come."""

    def show(self, meter: Meter) -> None:
        """Take one reading."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def teller() -> Teller:
    """The kind of progress that stderr can show."""
    return _Bar() if sys.stderr.isatty() else _Lines()


def heading(meter: Meter) -> str:
    """Whose song, and which phase: `boats: 2/3 composing`."""
    phase = f"{meter.phase}/{meter.phases} " if meter.phase else ""
    return f"{meter.title}: {phase}{meter.stage}"


def describe(meter: Meter) -> str:
    """Song time, rate and the time still to go; what is unknown is left out."""
    parts = [f"{clock(meter.song_seconds)} / {clock(meter.seconds)}"] if meter.seconds else []
    if meter.rate is not None:
        parts.append(
            f"{meter.rate:.0f} {meter.unit}/s" if meter.rate >= 10 else f"{meter.rate:.1f} {meter.unit}/s"
        )
    if meter.preview is not None and meter.phase < meter.phases:
        parts.append(f"heard to {clock(meter.preview_seconds)}")
    if meter.eta is not None:
        parts.append(f"{meter.eta[0]:.0f} to {meter.eta[1]:.0f} s to go")
    return ", ".join(parts)


class _News:
    """What is to be said once: where a song can be heard, by which way a phase goes, and what is wrong."""

    def __init__(self) -> None:
        self._told = dict.fromkeys(("preview", "way", "warning"), "")

    def lines(self, meter: Meter) -> Iterator[str]:
        """What is new in a reading."""
        if meter.preview is not None and self._is_new("preview", meter.job):
            heard = f"the first {meter.preview_seconds:.1f} s can be heard: {meter.preview}"
            yield f"{meter.title}: {heard}"
        if self._is_new("way", f"{meter.job} {meter.phase} {meter.way}") and meter.way:
            yield f"{meter.title}: {meter.stage}: {meter.way}"
        if self._is_new("warning", meter.warning) and meter.warning:
            yield f"{meter.title}: {meter.warning}"

    def _is_new(self, kind: str, told: str) -> bool:
        before, self._told[kind] = self._told[kind], told
        return before != told


class _Bar:
    def __init__(self) -> None:
        self._news = _News()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %", markup=False),
            TextColumn("{task.fields[about]}", markup=False),
            console=Console(stderr=True),
            refresh_per_second=READINGS_PER_SECOND,
            transient=True,
        )
        self._tasks: dict[tuple[str, int], TaskID] = {}
        self._progress.start()

    def show(self, meter: Meter) -> None:
        """Move the bar of the present phase."""
        if not meter.job:
            return
        for told in self._news.lines(meter):
            self._progress.console.print(told, markup=False, highlight=False, soft_wrap=True)
        key = (meter.job, meter.phase)
        if key not in self._tasks:
            for task in self._tasks.values():
                self._progress.update(task, visible=False)
            self._tasks[key] = self._progress.add_task(heading(meter), total=1.0, about="")
        about = describe(meter) if meter.phase else ""
        self._progress.update(self._tasks[key], completed=meter.fraction, about=about)

    def close(self) -> None:
        """Remove the bar."""
        self._progress.stop()


class _Lines:
    def __init__(self) -> None:
        self._phase = ("", 0)
        self._said_at = 0.0
        self._news = _News()

    def show(self, meter: Meter) -> None:
        """Print a line when a phase starts and every few seconds within it."""
        for told in self._news.lines(meter):
            print(told, file=sys.stderr, flush=True)
        now = time.monotonic()
        phase = (meter.job, meter.phase)
        if not meter.job or (phase == self._phase and now - self._said_at < _LINE_EVERY):
            return
        self._phase, self._said_at = phase, now
        about = ", ".join(filter(None, (f" {meter.fraction:.0%}", describe(meter)))) if meter.phase else ""
        print(heading(meter) + about, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Nothing to undo."""
