"""Where a headless render puts a song's files, and whether its take is already there."""

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from core import recipe as recipes
from core.errors import SongdeskError
from core.recipe import Recipe
from core.settings import Values
from core.song import Song

_FREE = frozenset({"seed"})


@dataclass(frozen=True, slots=True)
class Place:
    """One take's folder, its sound file to be, and the recipe found there."""

    folder: Path
    audio: Path
    recipe: Recipe | None

    @property
    def finished(self) -> bool:
        """Whether the take's sound is there."""
        return bool(self.recipe and self.recipe.finished and self.sound.is_file())

    @property
    def sound(self) -> Path:
        """The sound file that the recipe names, else the one to be."""
        name = self.recipe.audio if self.recipe and self.recipe.audio else self.audio.name
        return self.folder.parent / Path(name).name


@dataclass(frozen=True, slots=True)
class Wish:
    """What a render is asked for, to be compared with what is there."""

    song: Song
    model: str
    values: Values
    """With seed -1 when any seed will do."""

    def is_met_by(self, recipe: Recipe) -> bool:
        """Whether a recipe describes the same take, whatever its seed if none was asked for."""
        free = _FREE if self.values.whole("seed") < 0 else frozenset()
        same = all(recipe.settings.get(key) == value for key, value in self.values.items() if key not in free)
        song = {**asdict(self.song), "settings": dict(self.song.settings)}
        return same and recipe.model == self.model and recipe.song == song


def place_for(out: Path, wish: Wish, *, again: bool) -> Place:
    """Where the take is or was begun, else the first free place: takes are never overwritten."""
    for place in _places(out, wish):
        taken = place.folder.exists() or place.audio.exists()
        if not taken:
            return place
        mine = place.recipe is not None and wish.is_met_by(place.recipe)
        if mine and not (again and place.finished):
            return place
    raise AssertionError


def place_from(out: Path, wish: Wish, needed: tuple[str, ...]) -> Place:
    """The place to go on from artifacts already made: the latest take that has them, or a copy beside it.

    Raises SongdeskError when no take has them.
    """
    latest: Place | None = None
    for place in _places(out, wish):
        if not place.folder.exists() and not place.audio.exists():
            free = place
            break
        if all((place.folder / f"{kind}.safetensors").is_file() for kind in needed):
            latest = place
    if latest is None:
        raise SongdeskError(
            f"no {' and '.join(needed)} of {wish.song.title!r} in {out}",
            hint=f"make them first: songdesk render … --until {needed[-1]} --out {out}",
        )
    if not latest.finished:
        return latest
    free.folder.mkdir(parents=True)
    for kind in needed:
        shutil.copy2(latest.folder / f"{kind}.safetensors", free.folder)
    return Place(free.folder, free.audio, latest.recipe)


def _places(out: Path, wish: Wish) -> Iterator[Place]:
    form = wish.values.text("format")
    for number in count(1):
        name = wish.song.title if number == 1 else f"{wish.song.title}.take{number}"
        folder = out / name
        yield Place(folder, out / f"{name}.{form}", recipes.load(folder))
