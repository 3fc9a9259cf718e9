"""The studio's songs on disk: where each lies, and its takes, which are never overwritten; no torch."""

import hashlib
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from core.meter import State
from core.paths import library
from core.takes import recipe as recipes
from core.takes.claim import is_held
from core.takes.mark import load_mark
from core.takes.recipe import Kin

_FORBIDDEN = frozenset('/\\:*?"<>|')
_BROKEN_OFF = ("interrupted", *(s.value for s in (State.PAUSED, State.CANCELLED, State.FAILED, State.DRAFT)))
_RESERVED = ("draft", "preview", "ahead")
"""How the names begin of sounds that are not the song's."""
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
        return any(any(folder.iterdir()) for folder in library().iterdir() if _is_song(folder))
    except OSError:
        return False


def _is_song(folder: Path) -> bool:
    return folder.is_dir() and not folder.name.startswith(".")


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


def sound_name(title: str, kind: str) -> str:
    """The name of a song's sound in a take's folder, unlike those of drafts and previews."""
    name = folder_name(title)
    own = name.casefold().startswith(_RESERVED)
    return f"{name}{'-song' if own else ''}.{kind}"


def takes_of(home: Path) -> tuple[Take, ...]:
    """Every take of a song that its folder still tells of, the newest first."""
    try:
        there = [p for p in (home / "takes").iterdir() if p.is_dir() and not p.name.startswith(".")]
        folders = sorted(there, key=_age, reverse=True)
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
