"""The sound of a take that was whole before its recipe could say so; no torch."""

from dataclasses import replace

from core.audio.tags import read_tags
from core.digest import sha256_of
from core.engine import Stage
from core.errors import SongdeskError
from core.takes.job import stem_file
from core.takes.recipe import Recipe, from_json
from core.takes.tokenhash import hash_of
from core.takes.undertaking import Undertaking


def finished_sound(order: Undertaking, stage: Stage) -> Recipe | None:
    """The recipe in the sound files of a take that is gone on with; None unless all of them are there.

    They are written under other names and renamed when they are whole, so what is there is whole.
    """
    if not order.job.goes_on or stage.id != order.kind.stages[-1].id:
        return None
    stems = order.job.values.text("stems").split("+")
    paths = [stem_file(order.sound, stem) for stem in stems]
    try:
        told = {tagged.recipe if (tagged := read_tags(path)) else "" for path in paths if path.is_file()}
        recipe = from_json(told.pop()) if len(told) == 1 else None
    except (SongdeskError, ValueError):
        return None
    is_all_there = all(path.is_file() for path in paths)
    if recipe is None or not is_all_there or recipe.wanted != dict(order.hashes):
        return None
    if recipe.tokens != hash_of(order.artifact("tokens")) or set(recipe.samples) != set(stems):
        return None
    files = {path.name: sha256_of(path) for path in paths}
    return replace(recipe, audio=paths[0].name, files=files)


def with_sound(recipe: Recipe, sound: Recipe) -> Recipe:
    """The recipe of a take with what its finished sound tells."""
    return replace(
        recipe,
        knobs=sound.knobs,
        seconds=sound.seconds,
        notes=tuple(dict.fromkeys((*recipe.notes, *sound.notes))),
        audio=sound.audio,
        files={**recipe.files, **sound.files},
        samples=sound.samples,
        weights={**recipe.weights, **sound.weights},
        chosen={**recipe.chosen, **sound.chosen},
    )
