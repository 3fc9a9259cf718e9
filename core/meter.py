"""What a run shows of itself: one frozen reading, replaced whole, read from any thread."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class State(Enum):
    """Where a run stands."""

    IDLE = "idle"
    RUNNING = "running"
    FINISHING = "finishing"
    """Asked to stop and keep: winding up what has been made."""
    STOPPING = "stopping"
    """Asked to abandon: the next step ends it."""
    DONE = "done"
    STOPPED = "stopped"
    """Ended early by the person; what was made is kept."""
    CANCELLED = "cancelled"
    FAILED = "failed"
    QUEUED = "queued"
    """In the library's queue, not yet begun; a meter never reads so, a take does."""
    PAUSING = "pausing"
    """Asked to pause: the next step ends the run, and another goes on from there."""
    PAUSED = "paused"
    """Put down to be gone on with: no memory is held for it."""
    DRAFT = "draft"
    """Its beginning can be heard; the rest is still to be made."""

    @property
    def busy(self) -> bool:
        """Whether the engine is at work."""
        return self in (State.RUNNING, State.FINISHING, State.STOPPING, State.PAUSING)


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of the device the models run on, in bytes; None where it cannot be known."""

    where: str
    """`RAM` or `VRAM`."""
    ours: int | None = None
    in_use: int | None = None
    total: int | None = None
    planned: int | None = None


@dataclass(frozen=True, slots=True)
class Meter:
    """One reading of a run."""

    job: str = ""
    title: str = ""
    state: State = State.IDLE
    stage: str = ""
    """The stage in words, such as `composing`."""
    phase: int = 0
    phases: int = 3
    done: int = 0
    total: int = 0
    unit: str = ""
    seconds: float = 0.0
    """Length of the song being made (s); 0 in a phase that does not go along it."""
    section: str = ""
    """The section being sung, by its expected place; empty when unknown."""
    rate: float | None = None
    """Units per second over the last few seconds; None until it has been measured."""
    rates: tuple[float, ...] = ()
    """Units per second in each of the last seconds, the newest last."""
    eta: tuple[float, float] | None = None
    """Seconds this phase still takes, at least and at most; None until measured."""
    ready: tuple[float, float] | None = None
    """The same of the whole song; None while nothing is known of a phase to come."""
    waiting: int = 0
    """Songs that wait behind this one."""
    memory: Memory | None = None
    way: str = ""
    """In words how the stage is run, where there was a choice."""
    warning: str = ""
    """What is wrong with the run and can be mended by the person; empty when nothing is."""
    preview: Path | None = None
    """A sound file that grows while the song is rendered; None before its first second."""
    preview_seconds: float = 0.0
    """How much of it can be played (s)."""

    @property
    def fraction(self) -> float:
        """How much of the phase is done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def song_seconds(self) -> float:
        """How far into the song the phase has come (s)."""
        return self.fraction * self.seconds
