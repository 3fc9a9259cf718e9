"""What the page of the models says of each: read from the disk, and reckoned for this machine."""

import shutil
from dataclasses import dataclass

from core.machine import Machine
from core.making.overhead import UNMEASURED
from core.models.fits import fit_of
from core.models.presence import Presence, presence_of
from core.paths import checkpoints
from core.registry import Variant, variants
from core.sizes import gigabytes
from tui.widgets.bars import clock, gib
from tui.widgets.model_list import ModelRow

LOOKING = "looking at this machine…"
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of this machine."""

    machine: Machine | None = None
    is_looking: bool = False
    why: str = ""
    """Why nothing is known of it."""

    @property
    def words(self) -> str:
        """The machine in a few words."""
        if self.is_looking:
            return LOOKING
        if self.machine is None:
            return f"this machine is {_UNKNOWN}"
        room = self.machine.room
        return (
            f"{self.machine.name}, {f'{gib(room)} GiB free' if room is not None else 'free memory unknown'}"
        )


def rows_of(known: Known, in_use: str) -> tuple[ModelRow, ...]:
    """A row for every model; reads the disk and reckons for a second, so never where a screen is drawn."""
    return tuple(_row(chosen, known, in_use) for chosen in variants().values())


def licence_of(chosen: Variant, presence: Presence) -> str:
    """What is asked before a model is fetched: its licence, its size, and the room there is."""
    folder = checkpoints()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    by = f", by {chosen.attribution}" if chosen.attribution else ""
    where = f" ({chosen.licence.url})" if chosen.licence.url else ""
    unknown = [file.path.rpartition("/")[2] for file in presence.by_hand]
    lines = [
        f"Fetch {chosen.title}{by}?",
        f"Licence: {chosen.licence.name or _UNKNOWN}{where}.",
        f"{presence.still}; {gigabytes(free)} are free on the disk.",
    ]
    if unknown:
        lines.append(f"No hub has {', '.join(unknown)}: songs led by a style of it do without.")
    return "\n".join(lines)


def _row(chosen: Variant, known: Known, in_use: str) -> ModelRow:
    presence = presence_of(chosen)
    size = presence.bytes if presence.usable else presence.fetch_bytes
    device = known.machine.device if known.machine is not None else "cuda"
    fit = fit_of(chosen, known.machine, overhead=UNMEASURED[device])
    fits = LOOKING if known.is_looking else fit.brief
    in_full = fits if known.is_looking else "; ".join(fit.lines)
    return ModelRow(
        chosen.id,
        presence.brief,
        gigabytes(size) if size else "",
        fits,
        _about(chosen, presence, in_full),
        is_in_use=chosen.id == in_use,
    )


def _about(chosen: Variant, presence: Presence, fits: str) -> str:
    """A model in full, in a few lines."""
    songs = f"songs up to {clock(chosen.limits.seconds)}"
    sings = f" in {', '.join(chosen.languages)}" if chosen.languages else ""
    fetch = f"; {presence.still}" if presence.still and presence.state != "begun" else ""
    return "\n".join(
        (
            f"{chosen.title}: {chosen.note}; {songs}{sings}",
            f"{presence.words}{fetch} · licence: {chosen.licence.name or _UNKNOWN}",
            fits,
        )
    )
