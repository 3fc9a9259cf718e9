"""Everything that is known of one take, and what it has of the one it came of."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from core.cli.take_words import take_facts
from core.clock import clock
from core.errors import SongdeskError
from core.family import family_of
from core.settings import Value, shown
from core.takes import recipe as recipes
from core.takes.automation import lanes_of
from core.takes.difference import Difference, difference, words_of
from core.takes.recipe import IMPORT, Recipe
from core.takes.take import Take

_SAMPLE_RATE = 48_000
"""Samples per second (Hz) of everything the studio makes."""
_LABEL = 10
"""Cells of the words before what is said of a take."""


@dataclass(frozen=True, slots=True)
class Parent:
    """What a take came of: where it is, and its recipe."""

    folder: Path
    recipe: Recipe


def parent_of(take: Take) -> Parent | None:
    """What a take came of, be it in the trash; None where it is gone."""
    if take.kin is None or Path(take.kin.parent).name != take.kin.parent:
        return None
    folders = (take.home / place / take.kin.parent for place in ("takes", "trash"))
    found = ((folder, recipes.load(folder)) for folder in folders)
    return next((Parent(folder, recipe) for folder, recipe in found if recipe is not None), None)


def recipe_of(take: Take) -> Recipe:
    """The recipe of a take; SongdeskError where it cannot be read."""
    recipe = recipes.load(take.folder)
    if recipe is None:
        raise SongdeskError("its recipe cannot be read", where=str(take.folder), hint="see the files there")
    return recipe


def story(take: Take, recipe: Recipe, parent: Parent | None) -> Iterator[str]:
    """Everything that is known of a take, in lines."""
    yield f"{take.title} · {take.id}{' ★' if take.star else ''}{' · in the trash' if take.is_trashed else ''}"
    rows = {name: told for name, told in _rows(take, recipe).items() if told}
    for name, told in rows.items():
        for index, line in enumerate(told.split("\n")):
            yield f"  {name if not index else '':<{_LABEL}} {line}".rstrip()
    yield "  lyrics"
    yield from (f"    {line}".rstrip() for line in str(recipe.song.get("lyrics") or "").split("\n"))
    if take.kin is None or take.kin.why == IMPORT:
        return
    if parent is None:
        yield f"{take.kin.parent}, which it came of, is not there any more"
        return
    words = difference(recipe, parent.recipe).words
    yield f"what differs from {take.kin.parent}:" if words else f"nothing differs from {take.kin.parent}"
    yield from (f"  {line}" for line in words)
    if (same := _same_samples(take, recipe, parent)) is not None:
        yield f"  the same sound for {clock(same / _SAMPLE_RATE)}: {same} samples"


def story_facts(take: Take, recipe: Recipe, parent: Parent | None) -> dict[str, object]:
    """The same as a JSON object."""
    return {
        **take_facts(take),
        "files": sounds(take, recipe),
        "difference": _difference_facts(difference(recipe, parent.recipe)) if parent else None,
        "same_samples": _same_samples(take, recipe, parent) if parent else None,
        "recipe": asdict(recipe),
    }


def sounds(take: Take, recipe: Recipe) -> list[str]:
    """Where the take's sound and its stems are."""
    paths = (take.folder / Path(name).name for name in recipe.sounds)
    return [str(path) for path in paths if path.is_file()]


def _same_samples(take: Take, recipe: Recipe, parent: Parent) -> int | None:
    """How many samples, from the first on, are those of its parent; None where one has no sound."""
    if take.kin is None or not take.kin.kept or not (recipe.finished and parent.recipe.finished):
        return None
    from core.audio.alike import alike

    try:
        return alike(take.folder / Path(recipe.audio).name, parent.folder / Path(parent.recipe.audio).name)
    except SongdeskError:
        return None


def _rows(take: Take, recipe: Recipe) -> Mapping[str, str]:
    """What is said of a take, by what it is called; lines of it on lines of their own."""
    made = ", ".join(filter(None, (f"songdesk {recipe.songdesk}", recipe.made_with)))
    length = f", {clock(take.seconds)}" if take.seconds else ""
    return {
        "state": f"{take.state}{length}{', can go on' if take.can_go_on else ''}",
        "trouble": take.trouble,
        "note": take.note,
        "came of": words_of(take.kin),
        "model": recipe.model,
        "seed": shown(recipe.settings["seed"]),
        "style": str(recipe.song.get("style") or ""),
        "reference": _reference(recipe),
        "settings": "\n".join(_settings(recipe)),
        "turned": "\n".join(_knobs(recipe)),
        "seams": "\n".join(_seams(recipe)),
        "tokens": recipe.tokens,
        "kept": f"{take.kin.kept} ({clock(take.kin.seconds)})" if take.kin and take.kin.kept else "",
        "made with": made,
        "notes": "\n".join(recipe.notes),
        "folder": str(take.folder),
        "files": "\n".join(_files(take)),
        "sound": "\n".join(sounds(take, recipe)) or ("" if not recipe.audio else "its file is gone"),
    }


def _files(take: Take) -> Iterator[str]:
    """What lies in its folder, with how large it is."""
    try:
        found = sorted(path for path in take.folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return
    yield from (f"{path.name} ({path.stat().st_size / 1e6:.1f} MB)" for path in found if path.is_file())


def _settings(recipe: Recipe) -> Iterator[str]:
    """Settings that differ from the model's defaults; all of a model that is not known here."""
    usual: dict[str, Value] = {"seed": recipe.settings["seed"]}
    try:
        kind, chosen = family_of(recipe.model)
        usual |= {setting.key: setting.default for setting in kind.settings(chosen) if setting.key != "seed"}
    except SongdeskError:
        pass
    for key, value in recipe.settings.items():
        if key not in usual or usual[key] != value:
            yield f"{key} {shown(value)}"


def _knobs(recipe: Recipe) -> Iterator[str]:
    for lane in lanes_of(recipe):
        turns = ", ".join(f"{shown(value)} at {clock(seconds)}" for seconds, value in lane.turns)
        yield f"{lane.key} from {shown(lane.start)} to {turns}"


def _seams(recipe: Recipe) -> Iterator[str]:
    for seam in recipe.seams:
        how = "leaves no trace" if seam.is_exact else "the tokens behind it are not those of one run"
        yield f"went on at frame {seam.frame}: {how}"


def _reference(recipe: Recipe) -> str:
    given = recipe.song.get("reference")
    if not isinstance(given, Mapping):
        return ""
    return str(given.get("style") or given.get("path") or "")


def _difference_facts(found: Difference) -> dict[str, object]:
    return {**asdict(found), "words": found.words}
