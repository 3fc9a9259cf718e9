"""One rendering asked for, and how it ended."""

from dataclasses import dataclass
from pathlib import Path

from core.errors import SongdeskError
from core.meter import State
from core.settings import Values
from core.song import Song


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended."""

    job: Job
    state: State
    file: Path | None = None
    """The sound, or the last artifact when the job ends before it."""
    seconds: float = 0.0
    """Length of the song as made (s)."""
    took: float = 0.0
    """Time it took (s)."""
    notes: tuple[str, ...] = ()
    error: SongdeskError | None = None


def artifact_file(folder: Path, kind: str) -> Path:
    """Where a take's folder keeps an artifact."""
    return folder / f"{kind}.safetensors"
