"""A sound file and what it tells of its take, looked at before any of it is used; no torch."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from core.audio.codes import Codes
from core.audio.stems import sounds_of
from core.audio.tags import Tagged, read_tags
from core.errors import SongdeskError
from core.library.foreign import understood
from core.registry import variants
from core.song import Song
from core.takes.job import STEM_SUFFIXES
from core.takes.recipe import Recipe

_BLOCK = 1 << 16
"""Frames that are read at a time."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be known of a take by one of its sound files."""

    path: Path
    kind: str
    """`wav`, `flac` or `mp3`."""
    recipe: Recipe
    song: Song
    sounds: dict[str, Path]
    """By stem the files of the take that are at hand, the mix first."""
    tokens: Codes | None
    """Those of the recipe; None where they are not there."""
    notes: tuple[str, ...]
    """What a person should know: what is not here, what was left out."""


def told_by(path: Path) -> Tagged:
    """What songdesk has put into a sound file; SongdeskError where that is nothing, or it cannot be read."""
    tagged = read_tags(path)
    if tagged is None:
        raise SongdeskError(
            "there is no recipe in it",
            where=str(path),
            hint="open a wav, flac or mp3 that songdesk has made, with its tags",
        )
    return tagged


def look_into(path: Path) -> Told:
    """All that a sound file tells, as far as it holds together; SongdeskError where it tells of no song."""
    tagged = told_by(path)
    recipe, song, notes = understood(tagged.recipe, str(path))
    stem = _stem(path, recipe)
    tokens, about_tokens = _tokens(tagged, recipe)
    if _is_changed(path, recipe.samples.get(stem, "")):
        notes = (*notes, "its sound is not the very one that was made: exported anew, changed or damaged")
    sounds = _sounds(path, stem, tagged)
    return Told(path, tagged.kind, recipe, song, sounds, tokens, (*notes, *about_tokens))


def _stem(path: Path, recipe: Recipe) -> str:
    """Which stem of its take a file is, by the end of its name as far as that can be."""
    made = tuple(stem for stem in STEM_SUFFIXES if stem in recipe.samples) or ("mix",)
    ends = (stem for stem in made if STEM_SUFFIXES[stem] and path.stem.endswith(STEM_SUFFIXES[stem]))
    return next(ends, made[0])


def _sounds(path: Path, stem: str, tagged: Tagged) -> dict[str, Path]:
    """The file itself, and those of other stems beside it that tell of the same take."""
    beside = sounds_of(path)
    others = {other: file for other, file in beside.items() if file != path} if len(beside) > 1 else {}
    mine = {other: file for other, file in others.items() if _recipe_in(file) == tagged.recipe}
    return {each: file for each in STEM_SUFFIXES if (file := {**mine, stem: path}.get(each)) is not None}


def _recipe_in(path: Path) -> str:
    try:
        tagged = read_tags(path)
    except SongdeskError:
        return ""
    return tagged.recipe if tagged else ""


def _tokens(tagged: Tagged, recipe: Recipe) -> tuple[Codes | None, tuple[str, ...]]:
    """The tokens, where they are those of the recipe and the model can take them; else why not."""
    if tagged.tokens is None:
        return None, ("its tokens are not in it, so no other take can begin with them",)
    import numpy as np

    from core.takes.tokenhash import token_hash

    told = token_hash(np.array(tagged.tokens, np.int32))
    chosen = variants().get(recipe.model)
    codes = chosen.shapes.get("tokens", {}).get("codes") if chosen else None
    too_high = isinstance(codes, int) and max(max(row) for row in tagged.tokens) >= codes
    if too_high or (recipe.tokens and recipe.tokens != told):
        return None, ("its tokens are not those of its recipe, and were left out",)
    return tagged.tokens, ()


def _is_changed(path: Path, samples: str) -> bool:
    """Whether a sound that keeps all bits has others than those it was made of."""
    if not samples:
        return False
    import soundfile

    from core.audio.files import blocks

    try:
        if soundfile.info(path).subtype != "FLOAT":
            return False
        digest = hashlib.sha256()
        for block in blocks(path, _BLOCK):
            digest.update(block.astype("<f4").tobytes())
    except (SongdeskError, soundfile.SoundFileError):
        return True
    return digest.hexdigest() != samples
