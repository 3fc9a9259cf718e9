"""`songdesk models`: which models there are, what is here of them, and what fits this machine."""

import argparse
import json
import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from core.config import Config
from core.errors import SongdeskError
from core.machine import Machine, look
from core.making.overhead import UNMEASURED
from core.models.fits import Fit, Way, fit_of
from core.models.presence import Presence, presence_of, size_of
from core.registry import PublishedFile, Variant, variants
from core.shipped import faults_of
from core.sizes import gigabytes

_INDENT = 14
_WIDEST = 100
_NOT_LOOKED = "nobody looked at this machine"
_UNTOLD = "its driver does not tell how much memory is free"


def run_models(args: argparse.Namespace, config: Config) -> int:
    """Print a few lines, or with --json an object, for each model."""
    machine, why_unknown = None, _NOT_LOOKED
    if not args.no_machine:
        machine, why_unknown = _look(config.device)
    if machine is not None and not args.json:
        print(f"on {machine.name}, {_room(machine)}", file=sys.stderr)
    overhead = UNMEASURED[machine.device if machine is not None else "cuda"]
    for chosen in variants().values():
        presence = presence_of(chosen)
        fit = fit_of(chosen, machine, overhead=overhead)
        if args.json:
            print(json.dumps(_facts(chosen, presence, fit, why_unknown if fit.free is None else "")))
        else:
            print("\n".join(_lines(chosen, presence, fit)))
    return 0


def _look(device: str) -> tuple[Machine | None, str]:
    """The machine, or why nothing is known of it, which is said."""
    try:
        found = look(device)
    except SongdeskError as error:
        print(f"what fits is unknown: {error}", file=sys.stderr)
        return None, str(error)
    return found, "" if found.room is not None else _UNTOLD


def _room(machine: Machine) -> str:
    if machine.room is None:
        return "free memory unknown"
    return f"{machine.room / 2**30:.1f} GiB free"


def _lines(chosen: Variant, presence: Presence, fit: Fit) -> Iterator[str]:
    """Two to four lines of the terminal's width."""
    width = min(shutil.get_terminal_size().columns, _WIDEST) - _INDENT
    sings = f"sings {', '.join(chosen.languages)}" if chosen.languages else ""
    tongue = chosen.note if chosen.is_built_in else sings
    licence = f"licence: {chosen.licence.name}" if chosen.licence.name else ""
    both = f"{_disk(presence)} · {fit.line}"
    told = (
        f"{chosen.title} · {tongue}" if tongue else chosen.title,
        *([both] if len(both) <= width else [_disk(presence), fit.line]),
        *(f"the {role.replace('_', ' ')} weights are {fault}" for role, fault in faults_of(chosen).items()),
        licence,
    )
    rows = [row for part in told if part for row in textwrap.wrap(part, max(30, width))]
    for name, row in zip([chosen.id, *[""] * len(rows)], rows, strict=False):
        yield f"{name:<{_INDENT - 1}} {row}"


def _disk(presence: Presence) -> str:
    """What is here and what is not, with sizes."""
    parts = [presence.words]
    if presence.bytes and presence.here:
        parts.append(f"{gigabytes(presence.bytes)} on disk")
    if presence.still and presence.state != "begun":
        parts.append(presence.still)
    return ", ".join(parts)


def _facts(chosen: Variant, presence: Presence, fit: Fit, why_unknown: str) -> dict[str, Any]:
    """Everything, with all numbers; bytes, and seconds of song."""
    best = fit.best
    return {
        "id": chosen.id,
        "title": chosen.title,
        "note": chosen.note,
        "state": presence.state,
        "here": list(presence.here),
        "missing": list(presence.missing),
        "usable": presence.usable,
        "faults": faults_of(chosen),
        "bytes": presence.bytes,
        "fetch_bytes": presence.fetch_bytes,
        "there_bytes": presence.there,
        "to_fetch": [_file(file) for file in presence.to_fetch if file.repo],
        "by_hand": [_file(file) for file in presence.by_hand],
        "parameters": chosen.parameters,
        "languages": list(chosen.languages),
        "licence": chosen.licence.name,
        "licence_url": chosen.licence.url,
        "attribution": chosen.attribution,
        "longest": chosen.limits.seconds,
        "free": fit.free,
        "why_unknown": why_unknown,
        "fits": None if fit.free is None else best is not None,
        "best": _way(best) if best is not None else None,
        "ways": [_way(way) for way in fit.ways],
    }


def _file(file: PublishedFile) -> dict[str, Any]:
    return {"path": file.path, "repo": file.repo, "bytes": size_of(file), "optional": file.optional}


def _way(way: Way) -> dict[str, Any]:
    return {**way.settings, "seconds": way.seconds, "peak": way.peak, "least": way.least}
