"""The interface every engine family fits: stages, plans, artifacts, and the run that joins them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from core.settings import Value, Values
from core.song import Song

if TYPE_CHECKING:
    import torch

    from core.random import Stream


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of work that begins and ends with a file; the phase is its label for people."""

    id: str
    title: str
    phase: int
    unit: str
    """What `done` and `total` count, in the plural: frames, steps, …"""
    roles: tuple[str, ...]
    """The weights that are in memory together while it runs."""
    reads: tuple[str, ...]
    writes: str
    """The kind of artifact it leaves; `audio` is the sound file itself."""
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By kind of reference (see `core.reference.kind_of`) the weights that it reads besides, in turn."""
    may_read: tuple[str, ...] = ()
    """Kinds of artifacts that it reads as well where they are there."""


@dataclass(frozen=True, slots=True)
class StagePlan:
    """What one stage will need: units of work, and bytes of weights, caches and scratch."""

    stage: str
    units: int
    weights: int
    cache: int
    work: int
    order: tuple[tuple[str, int], ...] = ()
    """The units by kind in the order they are done, where they are not all alike."""

    @property
    def peak(self) -> int:
        """Bytes at the stage's fullest moment."""
        return self.weights + self.cache + self.work


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know about a song before it is made, and what follows from it."""

    what: str
    hint: str

    def __str__(self) -> str:
        return f"{self.what}: {self.hint}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a song will take, known before anything is loaded."""

    seconds: float
    """Length of the song asked for; the model may end it sooner."""
    stages: tuple[StagePlan, ...]
    notes: tuple[Note, ...] = ()

    @property
    def peak(self) -> int:
        """Bytes of the fullest stage: only one stage's models are in memory at a time."""
        return max(stage.peak for stage in self.stages)


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to run a stage and what it takes; a ladder has the best way first and the leanest last."""

    plan: StagePlan
    settings: Mapping[str, Value] = field(default_factory=dict)
    """What it fixes: each setting that is left to `auto`, and each that it takes a step down."""
    name: str = ""
    """In words, such as `int8 weights, one transformer after the other`."""
    costs: str = ""
    """In words what it costs against the ladder's first; empty for that."""
    device: str = ""
    """`cpu` when it leaves the accelerator alone; empty to run where the run runs."""


class Verdict(Enum):
    """What a stage is to do after a step."""

    GO = "go"
    FINISH = "finish"
    """Wind up what has been made so far and keep it."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A stage's result on disk; `made_from` is the hash of all that it was made from."""

    kind: str
    path: Path
    made_from: str


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier run of a stage has written down of the codes it had made."""

    books: tuple[tuple[int, ...], ...] = ()
    """The first codes of each codebook, which need not be equally many; () where nothing is known."""
    frames: int | None = None
    """Where the song ends; None while that is not known."""
    is_stopped: bool = False
    """Whether it ends there because the person said so."""
    schedule: str = ""
    """By which schedule it was made."""
    rows: int = 0
    """How many rows it was made with: 2 with guidance, 1 without; 0 where nothing is known."""
    made_on: str = ""
    """The kind of device and of number it was made with."""
    is_turned: bool = False
    """Whether a knob was turned on the way."""


class Outlet(Protocol):
    """Where sound goes that is made before its stage, to be heard while the rest of the song is made."""

    @property
    def path(self) -> Path:
        """A file beside the artifacts for what is made ahead, until the stage it belongs to has ended."""

    def live(self, key: str) -> Value:
        """The present value of a setting that a later stage reads; nothing is recorded of it."""

    def audio(self, samples: "torch.Tensor") -> None:
        """Append samples [2, n], float, 48 kHz; SongdeskError when the disk refuses."""


class Run(Protocol):
    """What an engine may ask of whoever runs it."""

    @property
    def device(self) -> "torch.device":
        """Where tensors go."""

    def step(self, done: int, total: int) -> Verdict:
        """Report progress within the stage and listen in the same breath; raises Cancelled on abandon."""

    def live(self, key: str) -> Value:
        """The present value of a live setting."""

    def stream(self, name: str) -> "Stream":
        """A random stream of this take, keyed by (seed, name)."""

    def weights(self, role: str) -> Path:
        """The safetensors file that holds a role's weights; raises SongdeskError when it is missing."""

    @property
    def until(self) -> float:
        """End the stage when so much of the song (s) is made, as a draft; 0 for the whole."""

    def known(self) -> Known:
        """What an earlier run of this stage has made, to be gone on with."""

    def keep(self, books: Sequence[Sequence[int]], *, frames: int | None = None) -> None:
        """Write down on disk the codes of each codebook that follow those known or kept before.

        With `frames` also where the song ends. SongdeskError when the disk refuses.
        """

    def seam(self, frame: int, *, is_exact: bool) -> None:
        """Tell that the stage goes on from what was known, and whether that leaves no trace."""

    def decided(self, schedule: str, rows: int, made_on: str) -> None:
        """Tell how the stage is run and on what, for whoever goes on with it or repeats it."""

    def note(self, what: str) -> None:
        """Tell, once and in one line, of something decided on the way; the recipe keeps it."""

    def save(self, kind: str, tensors: Mapping[str, "torch.Tensor"], meta: Mapping[str, str]) -> Artifact:
        """Write the stage's result, whole or not at all."""

    def audio(self, samples: "torch.Tensor", stem: str = "mix") -> None:
        """Append samples [2, n], float, 48 kHz, to the take's sound file, or to that of one of its stems."""

    def outlet(self) -> Outlet | None:
        """Where sound made ahead of its stage goes; None where nobody would hear it."""


class FreshRun:
    """What a run without a past answers: nothing is known, and nothing is written down."""

    until = 0.0

    def known(self) -> Known:
        """Nothing."""
        return Known()

    def keep(self, books: Sequence[Sequence[int]], *, frames: int | None = None) -> None:
        """Nobody will ask for it."""

    def seam(self, frame: int, *, is_exact: bool) -> None:
        """There is none."""

    def decided(self, schedule: str, rows: int, made_on: str) -> None:
        """Nobody will go on with it."""

    def outlet(self) -> Outlet | None:
        """Nobody listens."""
        return None


class Engine(Protocol):
    """A family's way to run its stages; it keeps nothing in memory between them."""

    def run(self, stage: str, song: Song, values: Values, inputs: Mapping[str, Path], run: Run) -> None:
        """Run one stage from the artifacts it reads to the one it writes."""

    def close(self) -> None:
        """Give back every byte."""
