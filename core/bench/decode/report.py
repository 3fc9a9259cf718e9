"""What the bench of decoding found out, and what follows from it."""

from dataclasses import dataclass

from core.bench.decode.laps import Pace
from core.bench.decode.machine import Machine
from core.bench.decode.piecework import PieceTime
from core.bench.decode.quality import Nearness
from core.bench.decode.sound import FirstSound
from core.bench.decode.traffic import Form
from core.bench.decode.whole import Delays, Room
from core.levo.shapes import TokenShapes


@dataclass(frozen=True, slots=True)
class Measured:
    """One way in one form."""

    name: str
    form: Form
    nearness: Nearness
    """To the reference path in the numbers that the model computes in."""
    paces: tuple[Pace, ...]
    song: float
    """Seconds of all steps of the song."""
    song_processor: float
    """Seconds of processor cores of all its steps, which hardly depend on what else these do."""
    reads: tuple[int, ...]
    """Bytes that a step has to read, at each position."""
    memory: int
    """Bytes at the fullest moment of a step at the last position, without a prefill."""

    @property
    def rates(self) -> tuple[float, ...]:
        """Steps a second at each position."""
        return tuple(pace.rate for pace in self.paces)

    @property
    def bandwidths(self) -> tuple[float, ...]:
        """Bytes that had to be read in a second, at each position."""
        return tuple(size * pace.rate for size, pace in zip(self.reads, self.paces, strict=True))

    @property
    def spread(self) -> float:
        """The largest difference between two laps."""
        return max(pace.spread for pace in self.paces)


@dataclass(frozen=True, slots=True)
class Compared:
    """Everything about one form; with `left_out` nothing else."""

    form: Form
    left_out: str = ""
    """Why it was not measured."""
    ways: tuple[Measured, ...] = ()
    """The baseline, then ours."""
    room: Room | None = None
    """That ours took, with a prefill and memory for the whole song."""

    def ratios(self, way: Measured) -> tuple[float, ...]:
        """The baseline's time by the way's at each position; above 1 the way is ahead."""
        pairs = zip(self.ways[0].paces, way.paces, strict=True)
        return tuple(other.seconds / mine.seconds for other, mine in pairs)


@dataclass(frozen=True, slots=True)
class Report:
    """One model on one device."""

    model: str
    weights: str
    shapes: TokenShapes
    machine: Machine
    kernels: str
    """Which implementation of them is live, and why."""
    steps_are: str
    """`static` or `plain`: what the product takes on this device of itself."""
    complaint: str
    """Why they are not what they should be here; empty where all is well."""
    set_off: tuple[str, ...]
    """How static steps were set off, and why so."""
    song: float
    """Seconds of the song whose time is summed up."""
    steps: int
    """Of that song."""
    position: int
    """Positions held in the steps whose pieces were timed."""
    pieces: tuple[PieceTime, ...]
    """What a step is made of, each by itself; empty where the product takes other steps."""
    forms: tuple[Compared, ...]
    delays: Delays | None
    """With the first form that was measured, as is the next; None where none was."""
    sound: FirstSound | None
