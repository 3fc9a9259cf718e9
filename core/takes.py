"""The studio's songs on disk: where each lies, and its takes, which are never overwritten; no torch."""

import hashlib
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from core import recipe as recipes
from core.atomic import unwritable
from core.claim import is_held
from core.draft import stamps
from core.job import Job
from core.mark import load_mark
from core.meter import State
from core.paths import library
from core.random import draw_seed
from core.recipe import Kin
from core.settings import Values
from core.song import Song

_FORBIDDEN = frozenset('/\\:*?"<>|')
_BROKEN_OFF = ("interrupted", *(s.value for s in (State.PAUSED, State.CANCELLED, State.FAILED, State.DRAFT)))
_LONGEST_NAME = 110
"""Bytes of a title that its folder keeps."""


@dataclass(frozen=True, slots=True)
class Take:
    """One rendering of a song as its folder tells it."""

    id: str
    home: Path
    """The folder of its song."""
    title: str
    state: str
    """A value of `core.meter.State`, or `interrupted`: it was running, and whoever ran it is gone."""
    seconds: float | None
    seed: int | None
    audio: Path | None
    """The sound, where it is there."""
    model: str = ""
    kin: Kin | None = None
    star: bool = False
    note: str = ""
    trouble: str = ""
    """Why it failed."""
    is_trashed: bool = False

    @property
    def folder(self) -> Path:
        """Its own folder."""
        return self.home / ("trash" if self.is_trashed else "takes") / self.id

    @property
    def can_go_on(self) -> bool:
        """Whether it was broken off, and can be made to its end."""
        return self.state in _BROKEN_OFF


def has_songs() -> bool:
    """Whether the library holds anything; a folder with nothing in it is no song."""
    try:
        return any(any(folder.iterdir()) for folder in library().iterdir() if folder.is_dir())
    except OSError:
        return False


def home_of(title: str) -> Path:
    """The folder of a song in the library; it need not exist."""
    return library() / folder_name(title)


def folder_name(title: str) -> str:
    """A title as a name every file system takes: never empty, hidden, or leading elsewhere.

    Where that changes the title, a few letters of its hash keep two titles from meeting in one folder.
    """
    plain = unicodedata.normalize("NFC", title)
    kept = "".join("-" if c in _FORBIDDEN or unicodedata.category(c).startswith("C") else c for c in plain)
    short = kept.encode()[:_LONGEST_NAME].decode(errors="ignore")
    name = short.strip(" .") or "untitled"
    if name == plain:
        return name
    return f"{name}-{hashlib.sha256(plain.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"


def new_job(song: Song, model: str, values: Values, *, home: Path, device: str = "auto") -> Job:
    """A job with its own folder under `home` and a seed; SongdeskError when the folder cannot be made."""
    seed = values.whole("seed")
    drawn = values.replace(seed=seed if seed >= 0 else draw_seed())
    folder = _new_folder(home / "takes")
    audio = folder / f"{folder_name(song.title)}.{values.text('format')}"
    return Job(
        id=folder.name, song=song, model=model, values=drawn, folder=folder, audio=audio, device=device
    )


def takes_of(home: Path) -> tuple[Take, ...]:
    """Every take of a song that its folder still tells of, the newest first."""
    try:
        folders = sorted((p for p in (home / "takes").iterdir() if p.is_dir()), key=_age, reverse=True)
    except OSError:
        return ()
    return tuple(take for folder in folders if (take := take_of(folder)) is not None)


def _age(folder: Path) -> tuple[str, int]:
    stamp, _, number = folder.name.rpartition("-")
    return stamp, int(number) if number.isdigit() else 0


def take_of(folder: Path) -> Take | None:
    """The take in a folder; None where there is none that can be read."""
    recipe = recipes.load(folder)
    if recipe is None:
        return None
    audio = folder / Path(recipe.audio).name if recipe.audio else None
    seed = recipe.settings.get("seed")
    state = recipe.state
    if state == State.RUNNING.value and not is_held(folder):
        state = "interrupted"  # whoever wrote `running` did not come to write its end
    mark = load_mark(folder)
    return Take(
        id=folder.name,
        home=folder.parent.parent,
        title=str(recipe.song.get("title", "")),
        state=state,
        seconds=recipe.seconds or None,
        seed=seed if isinstance(seed, int) else None,
        audio=audio if audio is not None and audio.is_file() else None,
        model=recipe.model,
        kin=recipe.kin,
        star=mark.star,
        note=mark.note,
        trouble=recipe.error,
        is_trashed=folder.parent.name == "trash",
    )


def _new_folder(parent: Path) -> Path:
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for stamp in stamps():
            try:
                (parent / stamp).mkdir()
            except FileExistsError:
                continue
            return parent / stamp
    except OSError as error:
        raise unwritable(parent, error) from error
    raise AssertionError
