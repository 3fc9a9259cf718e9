"""What follows one job: progress into a meter, and stops and knobs from the people who listen."""

import threading
import time
from dataclasses import replace
from pathlib import Path

from core.device import Device, read_memory
from core.engine import Plan, Stage, StagePlan, Verdict
from core.errors import Cancelled, Paused
from core.family import family_of
from core.lyrics.budget import Budget, budget, section_at
from core.lyrics.parse import parse
from core.making.pace import Order, Pace, expect
from core.making.paces import recall, remember
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
        self._model = job.model
        self._goes_on, self._journal = job.goes_on, job.folder / JOURNAL
        self._pace = Pace(())
        self._about = ""
        """What the pace of this stage is remembered under."""
        self._begun: float | None = None
        """When the stage began to load; None once it has made a step."""
        self._later: tuple[float, float] | None = None
        """Seconds that the stages behind this one take."""
        self._device: Device = "cpu"
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

    def begin(self, stage: Stage, plan: Plan, device: Device) -> None:
        """A stage starts: its meter starts at nothing."""
        self._heed()
        self._device = device
        self._end_stage()
        self._finish.clear()
        self._read_at = 0.0
        load = next(load for load in plan.stages if load.stage == stage.id)
        self._about = self._key(stage.id)
        self._pace = Pace(_order(load), recall(self._about))
        self._begun = time.monotonic()
        self._later = self._expect(plan, behind=stage.id)
        self.meter = replace(
            self.meter,
            stage=stage.title,
            phase=stage.phase,
            done=0,
            total=load.units,
            unit=stage.unit,
            seconds=plan.seconds if stage.phase >= _SINGS else 0.0,
            rate=None,
            rates=(),
            eta=None,
            ready=_sum(expect(recall(self._about), ((_LOAD, 1), *_order(load))), self._later),
            section="",
            memory=read_memory(self._expected(plan), device=device),
        )

    def ended(self, state: State) -> Meter:
        """The last reading of a job that came to its end; what its last stage took is remembered."""
        if state is State.DONE:
            self._end_stage()
        memory = self.meter.memory
        if memory is not None:  # what the run held is given back by now
            memory = read_memory(memory.planned, device=self._device)
        still = replace(self.meter, state=state, rate=None, rates=(), eta=None, ready=None, preview=None)
        return replace(still, memory=memory)

    def _end_stage(self) -> None:
        costs = self._pace.costs
        if costs and not self._finish.is_set():
            remember(self._about, costs)

    def _key(self, stage: str) -> str:
        return f"{self._model} {self._device} {stage}"

    def _expect(self, plan: Plan, *, behind: str) -> tuple[float, float] | None:
        """Seconds of the stages behind one, by earlier runs."""
        ids = [load.stage for load in plan.stages]
        total: tuple[float, float] | None = (0.0, 0.0)
        for load in plan.stages[ids.index(behind) + 1 :]:
            total = _sum(total, expect(recall(self._key(load.stage)), ((_LOAD, 1), *_order(load))))
        return total

    def _expected(self, plan: Plan) -> int:
        """The fullest moment to come (bytes): on the processor the program itself counts as well."""
        if self._program is None:
            now = read_memory(device=self._device)
            self._program = (now.ours or 0) if now.where == "RAM" else 0
        return self._program + plan.peak

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
        """A file has so much of the song to play."""
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
        fraction = done / total if total else 0.0
        index = section_at(self._sections, fraction) if self.meter.phase >= _SINGS else None
        memory = self.meter.memory
        if now - self._memory_at >= _MEMORY_READING:
            self._memory_at = now
            memory = read_memory(memory.planned if memory else None, device=self._device)
        eta = self._pace.remaining()
        self.meter = replace(
            self.meter,
            done=max(done, self.meter.done),
            total=total,
            rate=self._pace.rate,
            rates=self._pace.history,
            eta=eta,
            ready=_sum(eta, self._later),
            section=self._sections.sections[index].tag if index is not None else "",
            memory=memory,
        )


def _order(load: StagePlan) -> Order:
    """A stage's units in order; all alike where the plan does not tell them apart."""
    return load.order or (("unit", load.units),)


def _sum(one: tuple[float, float] | None, other: tuple[float, float] | None) -> tuple[float, float] | None:
    return (one[0] + other[0], one[1] + other[1]) if one is not None and other is not None else None
