"""Where a headless render puts a song's files: what is there already, what was begun, and what is free."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from core.atomic import holds_nothing, replacing, sweep
from core.audio.tags import read_tags
from core.errors import SongdeskError
from core.family import Family
from core.meter import State
from core.registry import Variant
from core.settings import Values
from core.song import Song
from core.takes import recipe as recipes
from core.takes.claim import claimed
from core.takes.fingerprint import asked_for, stage_hashes
from core.takes.job import PREVIEW, STEM_SUFFIXES, artifact_file, stem_file
from core.takes.recipe import Recipe, from_json


@dataclass(frozen=True, slots=True)
class Wish:
    """What a render is asked for."""

    song: Song
    kind: Family
    chosen: Variant
    values: Values
    """With seed -1 when any seed will do."""
    given: int = 0
    """How many stages are taken as already made."""
    upto: int = 3
    """How many stages there are at the end."""

    def with_seed_of(self, recipe: Recipe | None) -> Values:
        """The settings with a take's seed where none was asked for."""
        if self.values.whole("seed") >= 0 or recipe is None:
            return self.values
        return self.values.replace(seed=recipe.seed)

    def hashes(self, recipe: Recipe) -> Mapping[str, str]:
        """For each stage, of what its result is to be made from in the take of a recipe."""
        return stage_hashes(self.song, self.with_seed_of(recipe), self.kind, self.chosen)

    @property
    def needed(self) -> tuple[str, ...]:
        """Kinds of the artifacts to go on from."""
        return tuple(stage.writes for stage in self.kind.stages[: self.given])

    @property
    def whole(self) -> bool:
        """Whether the last stage, and so the sound, is asked for."""
        return self.upto == len(self.kind.stages)


@dataclass(frozen=True, slots=True)
class Place:
    """One take's folder, its sound file to be, and the recipe found there."""

    folder: Path
    audio: Path
    recipe: Recipe | None

    @property
    def is_free(self) -> bool:
        """Whether nothing is there."""
        return not self.folder.exists() and not self.is_sounding

    @property
    def is_vacant(self) -> bool:
        """Whether nothing is there that anybody could miss: at most what was killed before it began."""
        return not self.is_sounding and (not self.folder.exists() or holds_nothing(self.folder))

    @property
    def is_sounding(self) -> bool:
        """Whether a file has the name of its sound or of one of its stems."""
        return any(stem_file(self.audio, stem).exists() for stem in STEM_SUFFIXES)

    def made(self, wish: Wish) -> tuple[Path, ...]:
        """The files that are asked for, when this take has them and all is made as asked; else none."""
        if self.recipe is None or self.recipe.wanted != wish.hashes(self.recipe):
            return ()
        asked = [stage.id for stage in wish.kind.stages[wish.given : wish.upto]]
        if any(asked_for(self.recipe.stages.get(stage, "")) != self.recipe.wanted[stage] for stage in asked):
            return ()
        if not wish.whole:
            files = [artifact_file(self.folder, wish.kind.stages[wish.upto - 1].writes)]
        elif self.recipe.finished:
            files = [self.audio.with_name(name) for name in self.recipe.sounds]
        else:
            return ()
        return tuple(files) if all(file.is_file() for file in files) else ()

    def is_begun(self, wish: Wish) -> bool:
        """Whether this is the take asked for, ended before its sound was there."""
        if self.recipe is None or self.recipe.finished or not self._owns_its_sound():
            return False
        return self.recipe.wanted == wish.hashes(self.recipe)

    def _owns_its_sound(self) -> bool:
        """Whether the files that have the name of its sound, if any, tell that they are this take's."""
        paths = [stem_file(self.audio, stem) for stem in STEM_SUFFIXES]
        return all(
            _wanted_of(path) == (self.recipe and self.recipe.wanted) for path in paths if path.exists()
        )

    def has(self, kinds: tuple[str, ...]) -> bool:
        """Whether the artifacts of these kinds are there."""
        return all(artifact_file(self.folder, kind).is_file() for kind in kinds)


def already_made(out: Path, wish: Wish) -> tuple[Place, tuple[Path, ...]] | None:
    """The newest take that is what was asked for, and its files."""
    found = [(place, files) for place in _taken(out, wish) if (files := place.made(wish))]
    if wish.given:
        latest = _latest_with(out, wish)
        found = [(place, files) for place, files in found if latest and place.folder == latest.folder]
    return found[-1] if found else None


@contextmanager
def place_to_work(out: Path, wish: Wish, *, again: bool) -> Iterator[Place]:
    """Hold the place where the take was begun, else the first free one: what is there is never overwritten.

    With stages given, the place has their artifacts. Raises SongdeskError when no take has them, or when the
    folder cannot be written.
    """
    source = _latest_with(out, wish) if wish.given else None
    if wish.given and source is None:
        raise SongdeskError(
            f"no {' and '.join(wish.needed)} of {wish.song.title!r} in {out}",
            hint=f"make them first: songdesk render … --until {wish.needed[-1]} --out {out}",
        )
    with ExitStack() as held:
        place = held.enter_context(_claim(out, wish, source, again=again))
        for stem in STEM_SUFFIXES:
            sweep(stem_file(place.audio, stem))
            stem_file(place.folder / PREVIEW, stem).unlink(missing_ok=True)
        sweep(place.folder / recipes.FILE)
        for stage in wish.kind.stages:
            sweep(artifact_file(place.folder, stage.writes))
        if source is not None and place.folder != source.folder:
            for kind in wish.needed:
                _copy(artifact_file(source.folder, kind), artifact_file(place.folder, kind))
            if source.recipe is not None:
                recipes.save(_beginning(source.recipe, wish), place.folder)
            place = Place(place.folder, place.audio, source.recipe)
        yield place


@contextmanager
def _claim(out: Path, wish: Wish, source: Place | None, *, again: bool) -> Iterator[Place]:
    for place in _places(out, wish):
        if source is not None and place.folder == source.folder:
            wanted = place.recipe is not None and not place.recipe.finished and not place.is_sounding
        elif source is not None or again:
            wanted = place.is_vacant
        else:
            wanted = place.is_vacant or place.is_begun(wish)
        if not wanted:
            continue
        with claimed(place.folder) as is_mine:
            if is_mine and recipes.load(place.folder) == place.recipe:
                yield place
                return


def _wanted_of(sound: Path) -> Mapping[str, str] | None:
    """What a sound file's recipe says it was to be made from; None where it has none that can be read."""
    try:
        tagged = read_tags(sound)
        return from_json(tagged.recipe).wanted if tagged else None
    except (SongdeskError, ValueError):
        return None


def _beginning(recipe: Recipe, wish: Wish) -> Recipe:
    """What a take's recipe tells of the stages that are taken from it."""
    given = [stage.id for stage in wish.kind.stages[: wish.given]]
    stages = {id_: made_from for id_, made_from in recipe.stages.items() if id_ in given}
    return replace(
        recipe, state=State.QUEUED.value, stages=stages, files={}, samples={}, audio="", seconds=0.0
    )


def _copy(source: Path, target: Path) -> None:
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


def _latest_with(out: Path, wish: Wish) -> Place | None:
    found = [place for place in _taken(out, wish) if place.has(wish.needed)]
    return found[-1] if found else None


def _taken(out: Path, wish: Wish) -> Iterator[Place]:
    for place in _places(out, wish):
        if place.is_free:
            return
        yield place


def _places(out: Path, wish: Wish) -> Iterator[Place]:
    """A song's places in the order in which they are taken."""
    form = wish.values.text("format")
    for number in count(1):
        name = wish.song.title if number == 1 else f"{wish.song.title}.take{number}"
        folder = out / name
        yield Place(folder, out / f"{name}.{form}", recipes.load(folder))
