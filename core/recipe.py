"""What made a take, as a JSON file in its folder: enough to know it and to make it again."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from core.atomic import write_text
from core.job import Job
from core.meter import State
from core.settings import Value

FILE = "recipe.json"


@dataclass(frozen=True, slots=True)
class KnobChange:
    """A live setting that was turned while a stage ran."""

    stage: str
    at: int
    """Units of the stage done when the change was first read."""
    key: str
    value: Value


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything a take was made from, and what became of it."""

    song: Mapping[str, Any]
    model: str
    settings: Mapping[str, Value]
    state: str
    songdesk: str
    made_with: str = ""
    """Device and torch build, in words."""
    knobs: tuple[KnobChange, ...] = ()
    wanted: Mapping[str, str] = field(default_factory=dict)
    """For each stage the hash of what its result is to be made from."""
    stages: Mapping[str, str] = field(default_factory=dict)
    """For each stage whose result is there the hash of what it was made from."""
    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each file left."""
    audio: str = ""
    """Name of the sound file."""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether the take has its sound."""
        return self.state in (State.DONE.value, State.STOPPED.value) and bool(self.audio)

    @property
    def sounds(self) -> tuple[str, ...]:
        """Names of its sound files, that of the mix first where it has one."""
        kind = Path(self.audio).suffix
        others = [name for name in self.files if Path(name).suffix == kind and name != self.audio]
        return (self.audio, *others) if self.audio else ()

    @property
    def seed(self) -> int:
        """The seed of all its draws."""
        return int(self.settings["seed"])


def begin(job: Job, wanted: Mapping[str, str]) -> Recipe:
    """The recipe of a job about to run, with the hash of what each stage is to be made from."""
    return Recipe(
        song=asdict(job.song),
        model=job.model,
        settings=dict(job.values),
        state=State.RUNNING.value,
        songdesk=version("songdesk"),
        wanted=dict(wanted),
    )


def save(recipe: Recipe, folder: Path) -> None:
    """Write a take's recipe, whole or not at all."""
    write_text(folder / FILE, json.dumps(asdict(recipe), ensure_ascii=False, indent=2) + "\n")


def load(folder: Path) -> Recipe | None:
    """A take's recipe; None where there is none, or none that can be read."""
    try:
        raw = json.loads((folder / FILE).read_text(encoding="utf-8"))
        knobs = tuple(KnobChange(**change) for change in raw.pop("knobs"))
        recipe = Recipe(**{**raw, "knobs": knobs, "notes": tuple(raw["notes"])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return recipe if _is_sound(recipe) else None


def _is_sound(recipe: Recipe) -> bool:
    """Whether a recipe that somebody may have edited holds what its fields say."""
    tables = (recipe.song, recipe.settings, recipe.wanted, recipe.stages, recipe.files)
    words = (recipe.model, recipe.state, recipe.songdesk, recipe.audio)
    return (
        all(isinstance(table, dict) for table in tables)
        and all(isinstance(word, str) for word in words)
        and isinstance(recipe.seconds, int | float)
        and isinstance(recipe.settings.get("seed"), int)
    )
