"""A song and its take brought into the library out of a sound file that tells of them; no torch."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from core.atomic import replacing
from core.audio.codes import Codes
from core.digest import sha256_of
from core.errors import SongdeskError
from core.family import family_of, resolve_for
from core.library.draft import load_draft, save_draft
from core.library.shelf import is_taken, next_titles
from core.library.told import Told, look_into
from core.meter import State
from core.paths import library
from core.registry import variants
from core.settings import Override, changed, named, shown
from core.song import Song
from core.takes import recipe as recipes
from core.takes.job import artifact_file, stem_file
from core.takes.journal import FILE as JOURNAL
from core.takes.journal import Journal
from core.takes.planting import copy, plant
from core.takes.recipe import GROWN, Recipe
from core.takes.take import home_of, sound_name, take_of
from core.takes.undertaking import draft_file

_ENDS = (State.DONE.value, State.STOPPED.value, State.DRAFT.value)
"""States in which a take has its sound."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of a sound file in the library."""

    song: Song
    home: Path
    """The folder of the song."""
    take: str
    """The id of the take that the file is the sound of."""
    notes: tuple[str, ...] = ()
    """What a person should know: what is not here, what was left out, what was there already."""

    @property
    def folder(self) -> Path:
        """The folder of the take."""
        return self.home / "takes" / self.take


def bring_in(path: Path) -> Brought:
    """The song and the take of a sound file, made in the library where they are not there yet.

    What is there is never changed: a song of that title with other lyrics makes this one a copy. Stems that
    lie beside the file and tell of the same take come along. SongdeskError where the file tells of no song,
    or the library cannot be written.
    """
    told = look_into(path)
    there = _in_library(told)
    if there is not None:
        home = there.parent.parent
        notes = (*told.notes, "the library had this take already")
        return Brought(_song_in(home) or told.song, home, there.name, notes)
    song, home, said = _place(told)
    take = plant(home, lambda young: _fill(young, told, song.title))
    return Brought(song, home, take.name, (*told.notes, *said))


def _in_library(told: Told) -> Path | None:
    """The folder of the same take where the library has it: the very file, or equal tokens and samples."""
    beside, root = told.path.resolve().parent, library().resolve()
    parts = beside.relative_to(root).parts if beside.is_relative_to(root) else ()
    if len(parts) == 3 and parts[1] == "takes" and _sounds(beside):
        return library() / Path(*parts)
    if not told.recipe.tokens:
        return None
    return next((folder for folder in _takes(home_of(told.song.title)) if _is_it(folder, told.recipe)), None)


def _takes(first: Path) -> Iterator[Path]:
    """Every take of the library, those of one song first."""
    for home in (first, *_folders(library())):
        yield from _folders(home / "takes")


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return []


def _is_it(folder: Path, wanted: Recipe) -> bool:
    recipe = recipes.load(folder)
    if recipe is None or recipe.tokens != wanted.tokens:
        return False
    both = recipe.samples.keys() & wanted.samples.keys()
    return (
        any(both) and all(recipe.samples[stem] == wanted.samples[stem] for stem in both) and _sounds(folder)
    )


def _sounds(folder: Path) -> bool:
    """Whether a folder is that of a take with its sound."""
    take = take_of(folder)
    return take is not None and take.audio is not None


def _place(told: Told) -> tuple[Song, Path, tuple[str, ...]]:
    """The song and its folder, made where it is not there; and a line where it had to become a copy."""
    title = told.song.title
    home = home_of(title)
    said: tuple[str, ...] = ()
    if is_taken(title):
        there = _song_in(home)
        if there is not None and _words(there) == _words(told.song):
            return there, home, ()
        title = next(next_titles(title))
        said = (f"there is another song called {told.song.title}: this one is {title}",)
        home = home_of(title)
    song = replace(told.song, title=title, settings=_asked(told))
    save_draft(home, song)
    return song, home, said


def _song_in(home: Path) -> Song | None:
    try:
        return load_draft(home)
    except SongdeskError:
        return None


def _words(song: Song) -> str:
    return song.lyrics.replace("\r\n", "\n").strip()


def _asked(told: Told) -> dict[str, str]:
    """The settings that make the song as the take was made, but for the seed: the next one is another."""
    if told.recipe.model not in variants():
        return dict(told.song.settings)
    kind, chosen = family_of(told.recipe.model)
    settings = kind.settings(chosen)
    values = resolve_for(kind, chosen, [Override(told.recipe.settings)])
    asked = (changed(settings, values) | named(settings, Override(told.song.settings))).keys() - {"seed"}
    return {setting.key: shown(values[setting.key]) for setting in settings if setting.key in asked}


def _fill(young: Path, told: Told, title: str) -> None:
    """Write all that the folder of the take is to hold."""
    recipe = replace(told.recipe, song={**told.recipe.song, "title": title})
    state = recipe.state if recipe.state in _ENDS else State.DONE.value
    audio = young / sound_name(title, told.kind)
    kind = "tokens"
    if state == State.DRAFT.value:
        audio, kind = draft_file(audio), "draft-tokens"
    else:
        recipe = replace(recipe, until=0.0)
    files = [_copy(source, stem_file(audio, stem)) for stem, source in told.sounds.items()]
    if told.tokens is not None:
        files.append(_write_tokens(artifact_file(young, kind), told.tokens, recipe.stages.get("tokens", "")))
        _be_ready_to_go_on(young, recipe, told.tokens, is_draft=state == State.DRAFT.value)
    has = {"tokens": told.tokens is not None, "audio": True}
    recipe = replace(
        recipe,
        state=state,
        audio=files[0].name,
        files={path.name: sha256_of(path) for path in files},
        stages={stage: made for stage, made in recipe.stages.items() if has.get(stage)},
    )
    recipes.save(recipe, young)


def _copy(source: Path, target: Path) -> Path:
    copy(source, target)
    return target


def _write_tokens(path: Path, codes: Codes, made_from: str) -> Path:
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    with replacing(path) as temporary:
        try:
            save_file({"codes": np.array(codes, np.int32)}, temporary, {"made_from": made_from})
        except SafetensorError as error:  # the library wraps what the disk says
            raise OSError(str(error)) from error
    return path


def _be_ready_to_go_on(young: Path, recipe: Recipe, codes: Codes, *, is_draft: bool) -> None:
    """Write what the take was begun with, or for a draft what it goes on from, as its making left them."""
    if is_draft:
        if wanted := recipe.wanted.get("tokens"):
            with Journal(young / JOURNAL, wanted) as journal:
                journal.schedule(recipe.schedule)
                journal.add(codes)
                journal.flush()
    elif recipe.kin is not None and recipe.kin.why in GROWN and recipe.model in variants():
        kind, _ = family_of(recipe.model)
        with suppress(SongdeskError):
            kept = kind.begin_with(young, young, recipe.kin.seconds)
            if kept.tokens != recipe.kin.kept:
                artifact_file(young, "start").unlink(missing_ok=True)
