"""One rendering asked for, and how it ended."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from core.errors import SongdeskError
from core.meter import State
from core.settings import Setting, Values
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


def stage_hash(job: Job, settings: tuple[Setting, ...], stages: tuple[str, ...], stage: str) -> str:
    """A hash of all that a stage's result is made from: model, song, and the settings read so far."""
    read = stages[: stages.index(stage) + 1]
    keys = sorted(s.key for s in settings if s.stage in read)
    facts = {
        "stage": stage,
        "model": job.model,
        "lyrics": job.song.lyrics,
        "style": job.song.style,
        "reference": asdict(job.song.reference) if job.song.reference else None,
        "settings": {key: job.values[key] for key in keys if key != "format"},
    }
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
