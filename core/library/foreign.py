"""A recipe from a file that anybody may have written, cut down to what its fields can hold; no torch."""

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from core.errors import SongdeskError
from core.family import family_of, resolve_for
from core.registry import variants
from core.settings import Override, Value, named
from core.song import BUILT_IN_STYLES, Reference, Song
from core.takes import recipe as recipes
from core.takes.job import KnobChange
from core.takes.recipe import Kin, Recipe, Seam

_LONGEST = 400
"""Characters of a word or a note that are kept."""
_MOST_NOTES = 100
_LARGEST = 1 << 64


def understood(text: str, where: str) -> tuple[Recipe, Song, tuple[str, ...]]:
    """A recipe, its song, and what of it a person should know: what is not here, and what was left out.

    SongdeskError where it is no recipe of a song.
    """
    try:
        recipe = recipes.from_json(text, is_checked=False)
        song = recipes.song_of(recipe, where)
    except (ValueError, RecursionError) as error:
        raise SongdeskError(
            "the recipe in it cannot be read", where=where, hint="use another copy of the file"
        ) from error
    reference, notes = _reference(song.reference)
    song = Song(
        title=_line(song.title) or "untitled",
        lyrics=_clean(song.lyrics.replace("\r\n", "\n"), kept="\n\t"),
        style=_line(song.style),
        reference=reference,
        settings={_word(key): _word(value) for key, value in song.settings.items()},
    )
    recipe = _held(recipe, song)
    settings, more = _settings(recipe.model, recipe.settings)
    asked, _ = _settings(recipe.model, song.settings)
    song = replace(song, settings={key: str(value) for key, value in asked.items()})
    return replace(recipe, settings=settings, song=asdict(song)), song, (*notes, *more)


def _held(recipe: Recipe, song: Song) -> Recipe:
    """What a recipe says in values of the kinds that its fields are for."""
    seconds = float(recipe.seconds) if _is_number(recipe.seconds) else 0.0
    return Recipe(
        song=asdict(song),
        model=_word(recipe.model),
        settings={key: value for key, value in recipe.settings.items() if _is_value(value)},
        state=recipe.state,
        songdesk=_word(recipe.songdesk),
        made_with=_word(recipe.made_with),
        knobs=tuple(knob for knob in recipe.knobs if _is_knob(knob)),
        wanted=_table(recipe.wanted),
        stages=_table(recipe.stages),
        audio=recipe.audio,
        seconds=seconds if math.isfinite(seconds) and seconds > 0 else 0.0,
        notes=tuple(_word(note) for note in recipe.notes[:_MOST_NOTES]),
        kin=recipe.kin if recipe.kin is not None and _is_kin(recipe.kin) else None,
        seams=tuple(seam for seam in recipe.seams if _is_seam(seam)),
        tokens=_word(recipe.tokens),
        samples=_table(recipe.samples),
        weights=_table(recipe.weights),
        schedule=_word(recipe.schedule),
        chosen={key: value for key, value in recipe.chosen.items() if _is_value(value)},
        until=float(recipe.until) if _is_number(recipe.until) and 0 < recipe.until < math.inf else 0.0,
    )


def _reference(given: Reference | None) -> tuple[Reference | None, tuple[str, ...]]:
    """A reference that can be one, and what is amiss with it here."""
    if given is None:
        return None, ()
    path, style, start = given.path, given.style, given.start
    if style in BUILT_IN_STYLES and not path:
        return Reference(style=style), ()
    if not isinstance(path, str) or path != _line(path) or not Path(path).is_absolute():
        return None, ("its reference cannot be found from here, and was left out",)
    is_place = _is_number(start) and 0 <= start < math.inf
    kept = Reference(path=path, start=float(start) if is_place else 0.0)
    try:
        is_here = Path(path).is_file()
    except (OSError, ValueError):
        is_here = False
    return kept, () if is_here else (f"its reference is not here: {path}",)


def _settings(model: str, given: Mapping[str, Value]) -> tuple[dict[str, Value], tuple[str, ...]]:
    """The settings that a model has; all of them where the model is not known, which is said."""
    if model not in variants():
        return dict(given), (f"there is no model called {model} here: it cannot be made anew as it was",)
    kind, chosen = family_of(model)
    kept, notes = {}, []
    for key, value in given.items():
        try:
            named(kind.settings(chosen), Override({key: value}))
            kept[key] = value
        except SongdeskError as error:
            notes.append(f"{error.what}: left out")
    if "seed" in given:
        kept = {**resolve_for(kind, chosen, [Override(kept)])}
    return kept, tuple(notes)


def _is_value(value: object) -> bool:
    return isinstance(value, str | bool) or _is_number(value)


def _is_number(value: object) -> bool:
    """Whether it is a number, and one that a float can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def _is_knob(knob: KnobChange) -> bool:
    is_named = isinstance(knob.stage, str) and isinstance(knob.key, str)
    return is_named and isinstance(knob.at, int) and _is_value(knob.value)


def _is_seam(seam: Seam) -> bool:
    return isinstance(seam.frame, int) and isinstance(seam.is_exact, bool)


def _is_kin(kin: Kin) -> bool:
    words = (kin.parent, kin.why, kin.kept)
    return all(isinstance(word, str) and word == _line(word) for word in words) and _is_number(kin.seconds)


def _table(given: Mapping[str, str]) -> dict[str, str]:
    """Words by words."""
    pairs = ((key, value) for key, value in given.items() if isinstance(value, str))
    return {_word(key): _word(value) for key, value in pairs}


def _word(text: object) -> str:
    return _line(str(text))[:_LONGEST]


def _line(text: str) -> str:
    return " ".join(_clean(text, kept="\t").split())


def _clean(text: str, *, kept: str) -> str:
    """Text without what no song needs and what a terminal or a file could stumble over."""
    return "".join(c if c in kept or unicodedata.category(c) not in ("Cc", "Cs") else " " for c in text)
