"""What made a take, as a JSON file in its folder: enough to know it and to make it again."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from core.atomic import write_text
from core.errors import SongdeskError
from core.meter import State
from core.settings import Value
from core.song import Reference, Song
from core.takes.job import Job, KnobChange

FILE = "recipe.json"
RAN_OUT = "memory ran out while "
"""How a note begins on a stage that had to be run by a leaner way; the stage's title follows."""
WENT_ON = ": it went on with "
"""In such a note, where what was made by then was kept."""
_DAY = 86_400
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Seam:
    """Where composing was broken off and gone on with later."""

    frame: int
    """Frames of the first codebook that were there."""
    is_exact: bool
    """Whether the tokens are to be expected that a run without a break makes: no bit of the cache is lost.

    Arithmetic still differs in the last place: what was made is taken in again in one go, and not by steps.
    """


GROWN = ("resing", "ending", "extend")
"""How a take came of another one with whose tokens it begins."""
IMPORT = "import"
"""How a take came of another program's file: its words and prompt, or all of its tokens."""
BROUGHT = f"+{IMPORT}@"
"""In what an artifact was made from, that it came of such a file; an imprint of what was in it follows."""
WHOLE = ("render", IMPORT)
"""How a take may have come by tokens that it does not compose."""


@dataclass(frozen=True, slots=True)
class Kin:
    """What a take has of another one of its song."""

    parent: str
    """The id of the other take; of an `import` the name of the file."""
    why: str
    """`resing`, `ending` or `extend`: it begins with the other's tokens; or `render`: it has all of them.

    Of an `import` it has what the file held: all tokens where `kept` names them, else the conditions alone.
    """
    seconds: float = 0.0
    """How much of the other it begins with (s)."""
    kept: str = ""
    """The hash of the tokens that it begins with, see `core.takes.tokenhash`."""


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
    kin: Kin | None = None
    seams: tuple[Seam, ...] = ()
    tokens: str = ""
    """The hash of its tokens."""
    samples: Mapping[str, str] = field(default_factory=dict)
    """For each stem SHA-256 of its samples, float32 and interleaved, before they were put into a file."""
    weights: Mapping[str, str] = field(default_factory=dict)
    """For each role of the model SHA-256 of the file that it was read from."""
    schedule: str = ""
    """The schedule that the tokens were made by."""
    chosen: Mapping[str, Value] = field(default_factory=dict)
    """What memory decided of settings that were left to `auto`, or had to step down: what was used."""
    until: float = 0.0
    """How much of the song (s) its draft has; 0 for no draft."""
    error: str = ""
    """Why it failed, in one line."""

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


def decided(recipe: Recipe) -> dict[str, Value]:
    """What memory decided when a take was made; older ones tell of the schedule alone."""
    return dict(recipe.chosen) or ({"schedule": recipe.schedule} if recipe.schedule else {})


def stepped_down(recipe: Recipe) -> tuple[str, ...]:
    """The notes on memory that ran out in the middle of a stage, which went on by another way."""
    return tuple(note for note in recipe.notes if note.startswith(RAN_OUT) and WENT_ON in note)


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
    write_text(folder / FILE, to_json(recipe) + "\n")


def load(folder: Path) -> Recipe | None:
    """A take's recipe; None where there is none, or none that can be read."""
    try:
        return from_json((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def to_json(recipe: Recipe) -> str:
    """A recipe as text, for a file or for a tag in one."""
    return json.dumps(asdict(recipe), ensure_ascii=False, indent=2)


def from_json(text: str, *, is_checked: bool = True) -> Recipe:
    """A recipe from its text; ValueError where it is none. What a later version added is left out.

    Unless it `is_checked`, its fields may hold anything that is not in the way of reading it.
    """
    try:
        raw = {key: value for key, value in json.loads(text).items() if key in Recipe.__dataclass_fields__}
        kin = raw.get("kin")
        recipe = Recipe(
            **{
                **raw,
                "knobs": tuple(KnobChange(**change) for change in raw["knobs"]),
                "notes": tuple(raw["notes"]),
                "kin": Kin(**kin) if kin else None,
                "seams": tuple(Seam(**seam) for seam in raw.get("seams", ())),
            }
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not a recipe") from error
    if not _has_basics(recipe) or (is_checked and not _is_sound(recipe)):
        raise ValueError("not a recipe")
    return recipe


def song_of(recipe: Recipe, where: str = "") -> Song:
    """The song a recipe tells of; SongdeskError where it does not tell one."""
    raw = recipe.song
    try:
        texts = [raw[key] for key in ("title", "lyrics", "style")]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError
        led_by = raw.get("reference")
        reference = Reference(**led_by) if led_by else None
        settings = {str(key): str(value) for key, value in (raw.get("settings") or {}).items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise SongdeskError("its recipe holds no song", where=where, hint="begin another take") from error
    title, lyrics, style = texts
    return Song(title, lyrics, style, reference, settings)


def _has_basics(recipe: Recipe) -> bool:
    """Whether a recipe has what it cannot do without."""
    made = (recipe.stages, recipe.files, recipe.samples, recipe.weights, recipe.chosen)
    tables = (recipe.song, recipe.settings, recipe.wanted, *made)
    words = (recipe.model, recipe.state, recipe.songdesk, recipe.audio, recipe.tokens, recipe.error)
    return (
        all(isinstance(table, dict) for table in tables)
        and all(isinstance(word, str) for word in words)
        and isinstance(recipe.seconds, int | float)
        and isinstance(recipe.settings.get("seed"), int)
    )


def _is_sound(recipe: Recipe) -> bool:
    """Whether a recipe that somebody may have edited holds what its fields say."""
    hashes = (*recipe.files.values(), *recipe.samples.values())
    words = (recipe.made_with, recipe.schedule, *recipe.notes, *hashes)
    return (
        all(isinstance(word, str) for word in words)
        and _is_time(recipe.seconds)
        and _is_time(recipe.until)
        and all(_is_knob(knob) for knob in recipe.knobs)
        and all(_is_count(seam.frame) and isinstance(seam.is_exact, bool) for seam in recipe.seams)
        and all(isinstance(value, bool | int | float | str) for value in recipe.chosen.values())
        and (recipe.kin is None or _is_kin(recipe.kin))
    )


def _is_knob(knob: KnobChange) -> bool:
    value = isinstance(knob.value, bool | int | float | str)
    return isinstance(knob.stage, str) and isinstance(knob.key, str) and _is_count(knob.at) and value


def _is_kin(kin: Kin) -> bool:
    return all(isinstance(word, str) for word in (kin.parent, kin.why, kin.kept)) and _is_time(kin.seconds)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_time(value: object) -> bool:
    """Whether a value is seconds of a song of at most a day."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _DAY
