"""Takes that are to be made: begun, gone on with, or grown out of another; each a folder with its recipe.

The folder with all that a take needs appears at once, before anything runs: what is asked for is not lost.
"""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from core.errors import SongdeskError
from core.family import Family, family_of, resolve_for
from core.meter import State
from core.random import draw_seed
from core.settings import Override, Values
from core.song import Song
from core.takes import recipe as recipes
from core.takes.job import Job, artifact_file
from core.takes.planting import copy, plant
from core.takes.recipe import IMPORT, WHOLE, Kin, Recipe
from core.takes.take import Take, sound_name
from core.takes.undertaking import START, undertaking_of


def prepare(
    song: Song, model: str, values: Values, *, home: Path, kin: Kin | None = None, until: float = 0.0
) -> Job:
    """A take to be made of a song, its seed drawn; `until` makes a draft of so much of it (s).

    SongdeskError when the folder cannot be written.
    """
    return _plant(song, model, values, home=home, kin=kin, until=until, soil={})


def drafts(
    song: Song, model: str, values: Values, *, home: Path, count: int, seconds: float = 20.0
) -> tuple[Job, ...]:
    """Takes of different seeds of which the first `seconds` are made; the one chosen is gone on with."""
    return tuple(
        prepare(song, model, values.replace(seed=draw_seed()), home=home, until=seconds) for _ in range(count)
    )


def job_of(folder: Path, *, device: str = "auto") -> Job:
    """The job that makes the take in a folder to its end; SongdeskError where its recipe does not tell it."""
    recipe = recipes.load(folder)
    if recipe is None:
        raise SongdeskError(
            "there is no recipe here that can be read", where=str(folder), hint="begin another take"
        )
    where = str(folder / recipes.FILE)
    kind, chosen = family_of(recipe.model)
    song = recipes.song_of(recipe, where)
    values = resolve_for(kind, chosen, [Override(recipe.settings, where)])
    is_drafted = recipe.state == State.DRAFT.value
    return Job(
        id=folder.name,
        song=song,
        model=chosen.id,
        values=values,
        folder=folder,
        audio=folder / sound_name(song.title, values.text("format")),
        device=device,
        first=_first(kind, recipe.kin),
        goes_on=True,
        until=0.0 if is_drafted else recipe.until,
    )


def _first(kind: Family, kin: Kin | None) -> str:
    """The stage to begin with: behind those whose results a take has of another one, or of a file."""
    ids = [stage.id for stage in kind.stages]
    if kin is None or kin.why not in WHOLE:
        return ids[0]
    return ids[-1] if kin.why != IMPORT or kin.kept else "tokens"


def resing(take: Take, song: Song, values: Values, seconds: float, *, why: str = "resing") -> Job:
    """A child that begins with the first `seconds` of a take, token for token, and sings on by its own song.

    SongdeskError where the take has no tokens, or the child leaves no room behind them.
    """
    kin = Kin(take.id, why, seconds)
    return _plant(song, take.model, values, home=take.home, kin=kin, soil={}, parent=take)


def extend(take: Take, song: Song, values: Values) -> Job:
    """A child that goes on behind the end of a take, up to the length in `values`."""
    return resing(take, song, values, take.seconds or 0.0, why="extend")


def endings(take: Take, song: Song, values: Values, seconds: float, count: int) -> tuple[Job, ...]:
    """Children that begin with the first `seconds` of a take, and end otherwise by seeds of their own."""
    return tuple(
        resing(take, song, values.replace(seed=draw_seed()), seconds, why="ending") for _ in range(count)
    )


def render_again(take: Take, values: Values) -> Job:
    """A child with all tokens of a take, and the settings of the sound that are in `values`.

    SongdeskError where the take has no tokens.
    """
    recipe = _recipe_of(take)
    kind, chosen = family_of(take.model)
    last = kind.stages[-1]
    sound = {
        setting.key: values[setting.key] for setting in kind.settings(chosen) if setting.stage == last.id
    }
    values = job_of(take.folder).values.replace(**sound)
    kinds = [stage.writes for stage in kind.stages[:-1]]
    files = {path.name: path for kind in kinds if (path := artifact_file(take.folder, kind)).is_file()}
    if artifact_file(take.folder, "tokens").name not in files:
        raise _no_tokens(take)
    kept = {stage.id: recipe.stages[stage.id] for stage in kind.stages[:-1] if stage.id in recipe.stages}
    knobs = tuple(knob for knob in recipe.knobs if knob.stage != last.id)
    decided = {key: value for key, value in recipe.chosen.items() if key not in sound}
    notes = recipes.stepped_down(recipe)
    past = replace(
        recipe, stages=kept, knobs=knobs, samples={}, files={}, audio="", notes=notes, chosen=decided
    )
    song = recipes.song_of(recipe, take.id)
    kin = Kin(take.id, "render", take.seconds or 0.0, recipe.tokens)
    job = _plant(song, take.model, values, home=take.home, kin=kin, soil=files, past=past, parent=take)
    return replace(job, first=last.id)


def again(take: Take, folder: Path, *, device: str = "auto") -> Job:
    """The take made once more, in an empty folder elsewhere, with its knobs turned as they were."""
    recipe = _recipe_of(take)
    job = job_of(take.folder, device=device)
    start = artifact_file(take.folder, START)
    if start.is_file():
        shutil.copyfile(start, artifact_file(folder, START))
    return replace(
        job,
        folder=folder,
        audio=folder / job.audio.name,
        first=family_of(job.model)[0].stages[0].id,
        goes_on=False,
        timeline=recipe.knobs,
        chosen=recipes.decided(recipe),
        until=0.0,
    )


def _plant(
    song: Song, model: str, values: Values, *, home: Path, kin: Kin | None, soil: Mapping[str, Path],
    until: float = 0.0, parent: Take | None = None, past: Recipe | None = None,
) -> Job:  # fmt: skip
    """Make a take's folder with its recipe, and with what it begins with; it appears whole or not at all."""
    seed = values.whole("seed")
    drawn = values.replace(seed=seed if seed >= 0 else draw_seed())
    job = Job("", song, model, drawn, home, home, goes_on=True, until=until)

    def fill(young: Path) -> None:
        nonlocal job, kin
        for name, source in soil.items():
            copy(source, young / name)
        if parent is not None and kin is not None:
            kin = _graft(parent, young, kin, past)
        if past is None and kin is not None and kin.seconds >= drawn.real("length"):
            raise _no_room(kin, drawn.real("length"))
        job = replace(job, folder=young)
        recipes.save(_recipe(job, kin, past), young)

    folder = plant(home, fill)
    audio = folder / sound_name(song.title, drawn.text("format"))
    return replace(job, id=folder.name, folder=folder, audio=audio)


def _graft(parent: Take, young: Path, kin: Kin, past: Recipe | None) -> Kin:
    """Have a take begin with what its parent has; one with all tokens of it, with what that began with."""
    kind, _ = family_of(parent.model)
    if past is None:
        kept = kind.begin_with(parent.folder, young, kin.seconds)
        return replace(kin, seconds=kept.seconds, kept=kept.tokens)
    if artifact_file(parent.folder, START).is_file():
        kind.begin_as(parent.folder, young)
    return kin


def _recipe(job: Job, kin: Kin | None, past: Recipe | None) -> Recipe:
    recipe = replace(
        recipes.begin(job, undertaking_of(job).hashes), state=State.QUEUED.value, kin=kin, until=job.until
    )
    if past is None:
        return recipe
    return replace(
        recipe,
        stages=past.stages,
        knobs=past.knobs,
        seams=past.seams,
        schedule=past.schedule,
        chosen=past.chosen,
        tokens=past.tokens,
        notes=past.notes,
    )


def _recipe_of(take: Take) -> Recipe:
    recipe = recipes.load(take.folder)
    if recipe is None:
        raise SongdeskError("its recipe cannot be read", where=str(take.folder), hint="begin another take")
    return recipe


def _no_room(kin: Kin, length: float) -> SongdeskError:
    what = f"{kin.seconds:g} s are kept and the song is to be {length:g} s long"
    return SongdeskError(what, where=kin.parent, hint="raise length")


def _no_tokens(take: Take) -> SongdeskError:
    return SongdeskError("this take has no tokens", where=take.id, hint="continue it first")
