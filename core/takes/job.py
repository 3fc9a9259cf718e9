"""One rendering asked for, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import SongdeskError
from core.meter import State
from core.settings import Value, Values
from core.song import Song


@dataclass(frozen=True, slots=True)
class KnobChange:
    """A live setting that was turned while a stage ran."""

    stage: str
    at: int
    """Units of the stage done when the change was first read."""
    key: str
    value: Value


STOP = "stop"
"""Stands among the knobs for the wish to end the song here and keep it."""


@dataclass(frozen=True, slots=True)
class Job:
    """A song to be made into a take: with which model and settings, and where its files go."""

    id: str
    song: Song
    model: str
    values: Values
    """With a seed already drawn."""
    folder: Path
    """Holds the recipe and the artifacts between stages."""
    audio: Path
    """The sound file to be."""
    first: str = "conditions"
    """Earlier stages are taken from the folder as they are."""
    last: str = "audio"
    device: str = "auto"
    goes_on: bool = False
    """Take up what an earlier run left in the folder: its finished stages, its journal, its recipe."""
    timeline: tuple[KnobChange, ...] = ()
    """Knobs that are turned by themselves, as they were in the take that is made again."""
    until: float = 0.0
    """Make a draft of so much of the song (s), to be gone on with; 0 for the whole."""
    chosen: Mapping[str, Value] = field(default_factory=dict)
    """What memory decided in the take that is made again: gone by as long as there is room for it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended."""

    job: Job
    state: State
    files: tuple[Path, ...] = ()
    """The sound and its other stems, if there are any; or the last artifact of a job that ends before."""
    seconds: float = 0.0
    """Length of the song as made (s)."""
    took: float = 0.0
    """Time it took (s)."""
    notes: tuple[str, ...] = ()
    error: SongdeskError | None = None

    @property
    def file(self) -> Path | None:
        """The sound, or the last artifact."""
        return self.files[0] if self.files else None


PREVIEW = "preview.wav"
"""In a take's folder, what is rendered of it so far."""
AHEAD = "ahead.wav"
"""The same of what was rendered while it was composed."""
AHEAD_KIND = "ahead"
"""The kind of artifact in which windows are kept that were solved meanwhile."""
STEM_SUFFIXES = {"mix": "", "vocal": "_vocal", "backing": "_bgm"}
"""What follows a song's name in the file of each stem, as references are looked for beside recordings."""


def stem_file(audio: Path, stem: str) -> Path:
    """Where a stem of the song whose sound is `audio` goes."""
    return audio.with_name(f"{audio.stem}{STEM_SUFFIXES[stem]}{audio.suffix}")


def artifact_file(folder: Path, kind: str) -> Path:
    """Where a take's folder keeps an artifact."""
    return folder / f"{kind}.safetensors"
