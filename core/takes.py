"""The studio's songs on disk: where each lies, and its takes, which are never overwritten; no torch."""

import hashlib
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from core import recipe as recipes
from core.atomic import unwritable
from core.draft import stamps
from core.job import Job
from core.meter import State
from core.paths import library
from core.random import draw_seed
from core.settings import Values
from core.song import Song

_FORBIDDEN = frozenset('/\\:*?"<>|')
_LONGEST_NAME = 110
"""Bytes of a title that its folder keeps."""


@dataclass(frozen=True, slots=True)
class Take:
    """One rendering of a song as its folder tells it."""

    id: str
    title: str
    state: str
    seconds: float | None
    seed: int | None
    audio: Path | None
    """The sound, where it is there."""


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
    return tuple(take for folder in folders if (take := _take(folder)) is not None)


def _age(folder: Path) -> tuple[str, int]:
    stamp, _, number = folder.name.rpartition("-")
    return stamp, int(number) if number.isdigit() else 0


def _take(folder: Path) -> Take | None:
    recipe = recipes.load(folder)
    if recipe is None:
        return None
    audio = folder / Path(recipe.audio).name if recipe.audio else None
    seed = recipe.settings.get("seed")
    # A run that is not ours to follow was cut off: whoever wrote `running` did not come to write its end.
    state = "interrupted" if recipe.state == State.RUNNING.value else recipe.state
    return Take(
        id=folder.name,
        title=str(recipe.song.get("title", "")),
        state=state,
        seconds=recipe.seconds or None,
        seed=seed if isinstance(seed, int) else None,
        audio=audio if audio is not None and audio.is_file() else None,
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
