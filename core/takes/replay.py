"""Rendering a take again, and what the two have in common; no torch."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from core.checkpoints import require_weights
from core.errors import Cancelled, SongdeskError
from core.family import family_of
from core.meter import State
from core.settings import Value, shown
from core.takes import recipe as recipes
from core.takes.job import Job, Outcome, artifact_file
from core.takes.recipe import IMPORT, WHOLE, Recipe
from core.takes.take import Take

if TYPE_CHECKING:
    from core.takes.tokenhash import Codes

_RATE = 25
"""Frames of tokens in a second."""
_BLOCK = 1 << 16
"""Frames of sound that are read at a time."""
_MADE = (State.DONE, State.STOPPED)
_NO_TOKENS = "the sound differs; its tokens were not kept, so they cannot be compared"


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of a take that was rendered again."""

    kind: Literal["bit-identical", "tokens-identical", "different"]
    reasons: tuple[str, ...] = ()
    """Where it begins to differ, and what it was made of otherwise; in plain words."""

    @property
    def words(self) -> str:
        """The kind, for people."""
        return self.kind.replace("tokens-", "tokens ")


def replay(take: Take, run: Callable[[Job], Outcome], *, device: str = "auto") -> Replay:
    """Render a finished take again, in a folder of its own that is removed, and compare the two.

    An ingredient that is not here is a difference, too. `run` makes a job to its end. Raises SongdeskError
    where there is nothing to compare with, or the rendering failed, and Cancelled where it was given up.
    """
    from core.takes.branch import again

    recipe = recipes.load(take.folder)
    if recipe is None or not recipe.finished:
        raise SongdeskError(
            "this take has no sound to compare with", where=take.id, hint="continue it to its end first"
        )
    missing = tuple(_missing(recipe))
    if missing:
        return Replay("different", tuple(f"it cannot be made again: {reason}" for reason in missing))
    with TemporaryDirectory(prefix="songdesk-replay-") as place:
        folder = Path(place)
        outcome = run(again(take, folder, device=device))
        if outcome.error is not None:
            raise outcome.error
        made = recipes.load(folder)
        if outcome.state not in _MADE or made is None:
            raise Cancelled
        return verdict(recipe, take.folder, made, folder)


def verdict(original: Recipe, original_folder: Path, again: Recipe, again_folder: Path) -> Replay:
    """How much of a take is in another that was made by its recipe, and what may explain the rest."""
    if _is_same_sound(original, original_folder, again, again_folder):
        return Replay("bit-identical")
    before, after = _tokens(original, original_folder), _tokens(again, again_folder)
    causes = tuple(_causes(original, original_folder, again)) or (_no_cause(again),)
    if before and before == after:
        return Replay("tokens-identical", (_about_sound(original), *causes))
    where = _first_difference(original_folder, again_folder) if before else _NO_TOKENS
    return Replay("different", (where, *causes))


def _missing(recipe: Recipe) -> Iterator[str]:
    """What is not here of what a take was made of."""
    if recipe.kin is not None and recipe.kin.why == IMPORT:
        made = "tokens" if recipe.kin.kept else "conditions"
        yield f"its {made} were brought in from {recipe.kin.parent}, where another program made them"
    try:
        kind, chosen = family_of(recipe.model)
        require_weights(chosen, kind.stages)
    except SongdeskError as error:
        yield str(error)
    reference = recipes.song_of(recipe).reference
    if reference is not None and reference.path and not Path(reference.path).is_file():
        yield f"its reference is gone: {reference.path}"


def _is_same_sound(original: Recipe, original_folder: Path, again: Recipe, again_folder: Path) -> bool:
    """Whether all stems have the same samples; takes of an earlier songdesk are compared by their files."""
    if original.samples:
        return dict(original.samples) == dict(again.samples)
    names = original.sounds
    if not names or {Path(name).name for name in again.sounds} != {Path(name).name for name in names}:
        return False
    pairs = ((original_folder / Path(name).name, again_folder / Path(name).name) for name in names)
    return all(_samples(one) == _samples(other) != "" for one, other in pairs)


def _samples(path: Path) -> str:
    """A hash of what a sound file holds; empty where it cannot be read."""
    from core.audio.files import blocks

    digest = hashlib.sha256()
    try:
        for block in blocks(path, _BLOCK):
            digest.update(block.tobytes())
    except SongdeskError:
        return ""
    return digest.hexdigest()


def _tokens(recipe: Recipe, folder: Path) -> str:
    from core.takes.tokenhash import hash_of

    return recipe.tokens or hash_of(artifact_file(folder, "tokens"))


def _first_difference(original_folder: Path, again_folder: Path) -> str:
    """From where on the tokens of two takes differ, as far as both are here."""
    from core.takes.tokenhash import codes_in

    try:
        before = codes_in(artifact_file(original_folder, "tokens"))
        after = codes_in(artifact_file(again_folder, "tokens"))
    except SongdeskError:
        return "the tokens differ; from where on cannot be told, as they are not all here"
    frame = _first(before, after)
    lengths = f" ({before.shape[1]} frames, now {after.shape[1]})" if before.shape != after.shape else ""
    return f"the tokens differ from frame {frame} on, {frame / _RATE:.2f} s{lengths}"


def _first(before: "Codes", after: "Codes") -> int:
    """The first frame in which codes [3, T] differ; the end of the shorter where that is all."""
    both = min(before.shape[1], after.shape[1])
    if before.shape[0] != after.shape[0]:
        return 0
    differs = (before[:, :both] != after[:, :both]).any(axis=0)
    return int(differs.argmax()) if differs.any() else both


def _about_sound(original: Recipe) -> str:
    if original.samples:
        return "the sound differs"
    return "the sound differs, or cannot be compared: the take does not tell of its samples"


def _causes(original: Recipe, original_folder: Path, again: Recipe) -> Iterator[str]:
    """What the two were made of otherwise, the likeliest causes first."""
    for note in recipes.stepped_down(original):
        yield f"{note}; such a take cannot be made again to the token"
    for note in recipes.stepped_down(again):
        yield f"when it was made again, {note}"
    if original.made_with != again.made_with:
        yield f"made with {original.made_with or 'a device not told'}, now with {again.made_with}"
    for role in dict.fromkeys((*original.weights, *again.weights)):
        before, now = original.weights.get(role), again.weights.get(role)
        if before and now and before != now:
            yield f"the {role.replace('_', ' ')} weights are others: {before[:12]}, now {now[:12]}"
    if original.songdesk != again.songdesk:
        yield f"made by songdesk {original.songdesk}, now by {again.songdesk}"
    for seam in original.seams:
        if not seam.is_exact:
            place = f"{seam.frame / _RATE:.2f} s"
            yield f"composing was broken off at {place} and gone on with, which left a trace in the tokens"
    yield from _asked_for(original, again)
    yield from _beginning(original, original_folder)


def _asked_for(original: Recipe, again: Recipe) -> Iterator[str]:
    before = _used(original)
    for key, now in _used(again).items():  # what an older take does not tell of has its default now
        was = before.get(key, now)
        if key == "schedule" and was != now:
            yield f"the tokens were made by the schedule {was}, now by {now}"
        elif was != now:
            yield f"{key} was {shown(was)}, now {shown(now)}"
    if original.knobs != again.knobs:
        yield "the knobs were not turned at the same places"
    # What the first stage is made from holds the model, the reference and the words, and no device.
    first = next(iter(original.wanted), "")
    if again.wanted.get(first) != original.wanted.get(first):
        led = "the reference has other sound than it had, or " if original.song.get("reference") else ""
        yield f"{led}the model or its weights are not what they were"


def _used(recipe: Recipe) -> dict[str, Value]:
    """The settings as they were used; what was left to memory and is not told of is left out."""
    used = {**recipe.settings, **recipes.decided(recipe)}
    return {key: value for key, value in used.items() if value != "auto"}


def _beginning(original: Recipe, folder: Path) -> Iterator[str]:
    """A take that grew out of another needs what it began with."""
    kin = original.kin
    if kin is None or kin.why in WHOLE:  # those begin with nothing: they have all
        return
    if kin.kept and not artifact_file(folder, "start").is_file():
        yield f"it begins with {kin.seconds:g} s of take {kin.parent}, which are not here any more"


def _no_cause(again: Recipe) -> str:
    return f"all that is told of both is equal: {again.made_with or 'this device'} does not repeat itself"
