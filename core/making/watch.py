"""What follows one job: progress into a meter, and stops and knobs from the people who listen."""

import threading
import time
from dataclasses import replace
from pathlib import Path

from core.device import Device, read_memory
from core.engine import Plan, Rung, Stage, Verdict
from core.errors import Cancelled, Paused
from core.family import family_of
from core.lyrics.budget import Budget, budget, section_at
from core.lyrics.parse import parse
from core.making.governor import Choice
from core.making.pace import Pace, expect, order_of
from core.making.paces import about, pace_of, remember
from core.making.watchdog import Watchdog, learn, usual_pace
from core.making.ways import device_of
from core.meter import Meter, State
from core.settings import Value
from core.takes.job import Job
from core.takes.journal import FILE as JOURNAL
from core.takes.journal import read_journal

_SINGS = 2
"""The first phase whose work can be kept; before it has made anything, a stop is the end of the run."""
_READING = 0.1
"""Seconds between meter readings at least."""
_MEMORY_READING = 0.5
"""Seconds between looks at the memory at least."""
_LOAD = "load"
"""What the time before a stage's first step is remembered as."""


class Watch:
    """Follows one job: takes progress from the engine thread, and stops and knobs from the others."""

    def __init__(self, job: Job) -> None:
        kind, chosen = family_of(job.model)
        self.knobs: dict[str, Value] = dict(job.values)
        self.meter = Meter(job=job.id, title=job.song.title, state=State.RUNNING, stage="loading")
        self._abandon = threading.Event()
        self._finish = threading.Event()
        self._pause = threading.Event()
        self._sections: Budget = budget(
            parse(job.song.lyrics),
            kind.dialect,
            token_limit=chosen.limits.lyric_tokens,
            seconds_limit=chosen.limits.seconds,
            count=None,
        )
        self._kind, self._chosen, self._job = kind, chosen, job
        self._model = job.model
        self._goes_on, self._journal = job.goes_on, job.folder / JOURNAL
        self._pace = Pace(())
        self._about: tuple[str, ...] = ()
        """What the pace of this stage is remembered under."""
        self._dog = Watchdog((), {})
        self._is_fresh = False
        """Whether the stage began again, and has not told yet how far it is."""
        self._begun: float | None = None
        """When the stage began to load; None once it has made a step."""
        self._later: tuple[float, float] | None = None
        """Seconds that the stages behind this one take."""
        self._device: Device = "cpu"
        """Where this stage runs."""
        self._run_on: Device = "cpu"
        """Where the song is made."""
        self._ahead: tuple[Path | None, float] = None, 0.0
        """What of the song was rendered while it was composed, and how much (s)."""
        self._program: int | None = None
        self._read_at = 0.0
        self._memory_at = 0.0

    def stop(self, *, keep: bool) -> None:
        """Ask the job to end at its next step."""
        (self._finish if keep and self._has_something() else self._abandon).set()

    def _has_something(self) -> bool:
        """Whether anything is made that can be kept, by this run or by one that it goes on from."""
        if self.meter.phase != _SINGS or self.meter.done:
            return self.meter.phase >= _SINGS
        written = read_journal(self._journal) if self._goes_on else None
        return written is not None and any(written.books)

    def pause(self) -> None:
        """Ask the job to be put down at its next step."""
        self._pause.set()

    def turn(self, key: str, value: Value) -> None:
        """Turn a knob, as its record says that it was turned before."""
        self.knobs[key] = value

    @property
    def reading(self) -> Meter:
        """The meter with what has been asked of the job since."""
        if self._abandon.is_set():
            return replace(self.meter, state=State.STOPPING)
        if self._pause.is_set():
            return replace(self.meter, state=State.PAUSING)
        return replace(self.meter, state=State.FINISHING) if self._finish.is_set() else self.meter

    def begin(self, stage: Stage, plan: Plan, device: Device, choice: Choice | None = None) -> None:
        """A stage starts: its meter starts at nothing, or at what is kept where memory ran out."""
        self._heed()
        self._end_stage()
        self._device, self._read_at = device, 0.0
        self._run_on = choice.run_on if choice and choice.run_on else device
        self._is_fresh = choice is not None and bool(choice.broke)
        if not self._keeps(choice):  # of what is begun anew there is nothing yet to stop at
            self._finish.clear()
        load = next(load for load in plan.stages if load.stage == stage.id)
        way = choice.rung.name if choice else ""
        self._about = tuple(dict.fromkeys(about(self._model, device, stage.id, name) for name in ("", way)))
        pace = pace_of(self._model, device, stage.id, way)
        self._pace = Pace(order_of(load), pace)
        self._dog = Watchdog(order_of(load), usual_pace(self._about[-1], device, order_of(load)))
        self._begun = time.monotonic()
        self._later = self._expect(plan, behind=stage.id)
        if stage.phase <= _SINGS:
            self._ahead = None, 0.0
        done, total = (self.meter.done, self.meter.total) if self._keeps(choice) else (0, load.units)
        self.meter = replace(
            self.meter,
            stage=stage.title,
            phase=stage.phase,
            done=done,
            total=total,
            unit=stage.unit,
            seconds=plan.seconds if stage.phase >= _SINGS else 0.0,
            rate=None,
            rates=(),
            eta=None,
            ready=_sum(expect(pace, ((_LOAD, 1), *order_of(load))), self._later),
            section="",
            memory=read_memory(self._planned(choice.planned if choice else load.peak), device=device),
            way=choice.way if choice else "",
            warning="",
            preview=self._ahead[0],
            preview_seconds=self._ahead[1],
        )

    def _keeps(self, choice: Choice | None) -> bool:
        """Whether the stage begins again behind what it has made: until it says where, the meter stands."""
        return self._is_fresh and choice is not None and choice.kept

    def remarks(self) -> tuple[str, ...]:
        """Whether the stage that has just ended was slowed down, for its recipe."""
        return (self._dog.remark,) if self._dog.remark else ()

    def ended(self, state: State) -> Meter:
        """The last reading of a job that came to its end; what its last stage took is remembered."""
        if state is State.DONE:
            self._end_stage()
        memory = self.meter.memory
        if memory is not None:  # what the run held is given back by now
            memory = read_memory(memory.planned, device=self._device)
        still = replace(self.meter, state=state, rate=None, rates=(), eta=None, ready=None, preview=None)
        still = replace(still, warning="")
        return replace(still, memory=memory)

    def _end_stage(self) -> None:
        costs = self._pace.costs
        if costs and not self._finish.is_set():
            for name in self._about:
                remember(name, costs)
            learn(self._about[-1], costs)

    def _expect(self, plan: Plan, *, behind: str) -> tuple[float, float] | None:
        """Seconds of the stages behind one, by earlier runs."""
        ids = [load.stage for load in plan.stages]
        total: tuple[float, float] | None = (0.0, 0.0)
        for load in plan.stages[ids.index(behind) + 1 :]:
            first = self._first_way(load.stage)
            pace = pace_of(self._model, device_of(first, self._run_on), load.stage, first.name)
            total = _sum(total, expect(pace, ((_LOAD, 1), *order_of(load))))
        return total

    def _first_way(self, stage: str) -> Rung:
        """The way that is tried first."""
        job = self._job
        return self._kind.ladder(job.song, self._chosen, job.values, stage, self._run_on)[0]

    def _planned(self, peak: int) -> int:
        """The stage's fullest moment (bytes): on the processor the program itself counts as well."""
        if self._program is None:
            now = read_memory(device=self._device)
            self._program = (now.ours or 0) if now.where == "RAM" else 0
        return self._program + peak

    def step(self, done: int, total: int) -> Verdict:
        """Take progress in; raises Cancelled when the job was abandoned."""
        self._heed()
        now = time.monotonic()
        if now - self._read_at >= _READING or done >= total:
            self._read_at = now
            self._publish(now, done, total)
        return Verdict.FINISH if self._finish.is_set() else Verdict.GO

    def live(self, key: str) -> Value:
        """The present value of a setting."""
        return self.knobs[key]

    def heard(self, preview: Path, seconds: float) -> None:
        """A file has so much of the song to play; one that has less than another one is not told of yet."""
        if self.meter.phase <= _SINGS:
            self._ahead = preview, seconds
        if preview == self.meter.preview or seconds >= self.meter.preview_seconds:
            self.meter = replace(self.meter, preview=preview, preview_seconds=seconds)

    def _heed(self) -> None:
        if self._abandon.is_set():
            raise Cancelled
        if self._pause.is_set():
            raise Paused

    def _publish(self, now: float, done: int, total: int) -> None:
        if self._begun is not None:
            self._pace.took(_LOAD, now - self._begun)
            self._begun = None
        self._pace.note(now, done)
        warning = self._dog.look(now, done)
        fraction = done / total if total else 0.0
        index = section_at(self._sections, fraction) if self.meter.phase >= _SINGS else None
        memory = self.meter.memory
        if now - self._memory_at >= _MEMORY_READING:
            self._memory_at = now
            memory = read_memory(memory.planned if memory else None, device=self._device)
        eta = self._pace.remaining()
        self.meter = replace(
            self.meter,
            done=done if self._is_fresh else max(done, self.meter.done),
            total=total,
            rate=self._pace.rate,
            rates=self._pace.history,
            eta=eta,
            ready=_sum(eta, self._later),
            section=self._sections.sections[index].tag if index is not None else "",
            memory=memory,
            warning=warning,
        )
        self._is_fresh = False


def _sum(one: tuple[float, float] | None, other: tuple[float, float] | None) -> tuple[float, float] | None:
    return (one[0] + other[0], one[1] + other[1]) if one is not None and other is not None else None
