"""What the takes' list needs from the disk: marks written, and what the folders know beyond it."""

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import SongdeskError
from core.family import family_of
from core.library.store import Store
from core.library.trash import empty, restore, trash
from core.takes.branch import job_of
from core.takes.difference import Difference, difference
from core.takes.job import KnobChange
from core.takes.journal import FILE as JOURNAL
from core.takes.journal import read_journal
from core.takes.mark import load_mark, save_mark
from core.takes.recipe import Recipe
from core.takes.recipe import load as load_recipe
from core.takes.take import Take
from core.takes.undertaking import undertaking_of
from tui.widgets.take_rows import Learned

_BROKEN_OFF = ("paused", "interrupted")
_ENDLESS = 86400.0
_MOST_SETTINGS = 3
"""Changed settings that are told with their values in a row."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of one take."""

    reached: float | None
    changed: str


Memo = MutableMapping[tuple[Path, str], Seen]
"""What was read before, by a take's folder and its state then: nothing is read twice."""


def give_star(take: Take, star: bool) -> None:
    """Give a take a star or take it away; SongdeskError when that cannot be written."""
    save_mark(take.folder, replace(load_mark(take.folder), star=star))


def write_note(take: Take, note: str) -> None:
    """Write what a person says of a take; SongdeskError when that cannot be done."""
    save_mark(take.folder, replace(load_mark(take.folder), note=note))


def learn(takes: Iterable[Take], memo: Memo) -> Learned:
    """How far those came that were broken off, and what differs between children and parents."""
    takes = tuple(takes)
    folders = {take.id: take.folder for take in takes}
    reached, changed = {}, {}
    for take in takes:
        key = (take.folder, take.state)
        if key not in memo:
            memo[key] = _see(take, folders)
        seen = memo[key]
        if seen.reached is not None:
            reached[take.id] = seen.reached
        if seen.changed:
            changed[take.id] = seen.changed
    return Learned(reached, changed)


def short_words(found: Difference) -> str:
    """What differs, in one line: `lyrics +2 -1, style, temperature 0.9 → 1.1`."""
    parts = [name for name in ("title", "style", "reference", "model") if getattr(found, name) is not None]
    if found.lyrics:
        counts = {sign: sum(line.startswith(f"{sign} ") for line in found.lyrics) for sign in "+-"}
        told = " ".join(f"{sign}{count}" for sign, count in counts.items() if count)
        parts.insert(0, f"lyrics {told}")
    settings = [each for each in found.settings if each[0] != "seed"]
    parts += [f"{key} {before} → {after}" for key, before, after in settings[:_MOST_SETTINGS]]
    if len(settings) > _MOST_SETTINGS:
        parts.append(f"{len(settings) - _MOST_SETTINGS} more settings")
    parts += [f"{key} turned" for key, _, _ in found.knobs]
    return ", ".join(parts)


def _see(take: Take, folders: dict[str, Path]) -> Seen:
    recipe = load_recipe(take.folder)
    if recipe is None:
        return Seen(None, "")
    reached = reached_in(take.folder) if take.state in _BROKEN_OFF and not take.seconds else None
    parent = folders.get(take.kin.parent) if take.kin else None
    above = load_recipe(parent) if parent is not None else None
    return Seen(reached, short_words(difference(recipe, above)) if above is not None else "")


def reached_in(folder: Path) -> float | None:
    """How far a take was composed (s), by the journal in its folder; None where it is unknown.

    Told as while it is composed: the part of all steps that was done, of the song's length.
    """
    written = read_journal(folder / JOURNAL)
    if written is None or not written.books or not written.books[0]:
        return None
    try:
        whole = undertaking_of(job_of(folder))
    except SongdeskError:
        return None
    composes = next((stage.id for stage in whole.kind.stages if stage.writes == "tokens"), "")
    units = next((load.units for load in whole.plan.stages if load.stage == composes), 0)
    return min(1.0, len(written.books[0]) / units) * whole.plan.seconds if units else None


def seconds_at(recipe: Recipe, frames: int) -> float | None:
    """How much song so many frames of tokens are (s); None for a model that is not known here."""
    try:
        kind, chosen = family_of(recipe.model)
    except SongdeskError:
        return None
    stage = next((stage.id for stage in kind.stages if stage.writes == "tokens"), "")
    # Asked of a song without an end, as its own may not be known yet.
    endless = replace(recipe, seconds=_ENDLESS)
    return kind.heard_from(chosen, endless, KnobChange(stage, frames, "", 0))


def throw_away(store: Store | None, take: Take) -> None:
    """Move a take into the trash; SongdeskError where that cannot be done."""
    trash(_needed(store), take)


def put_back(store: Store | None, take: Take) -> None:
    """Move a take out of the trash; SongdeskError where that cannot be done."""
    restore(_needed(store), take)


def delete_all(store: Store | None, home: Path) -> int:
    """Remove from the disk what is in the trash of the song in a folder; returns how many takes."""
    return empty(_needed(store), home)


def last_trashed(takes: Iterable[Take]) -> Take | None:
    """The take that went into the trash last; None for an empty trash."""
    return max(takes, key=lambda take: _moved(take.folder), default=None)


def _moved(folder: Path) -> int:
    try:
        return folder.stat().st_ctime_ns  # its own content stayed as it was
    except OSError:
        return 0


def _needed(store: Store | None) -> Store:
    if store is None:
        raise SongdeskError(
            "takes cannot be moved: the library's index cannot be used", hint="see what the start said of it"
        )
    return store
