"""`songdesk models`: which models there are and whether their weights are here."""

import argparse
import json
from dataclasses import dataclass

from core.checkpoints import find_role
from core.family import family
from core.registry import Variant, variants


@dataclass(frozen=True, slots=True)
class _Presence:
    """What is here of a model's weights."""

    state: str
    needed: tuple[str, ...] = ()
    """Roles that every song needs and that are not here."""
    extras: tuple[str, ...] = ()
    """Roles that songs with a reference need besides, and that are not here."""


def run_models(args: argparse.Namespace) -> int:
    """Print a line, or with --json an object, for each model."""
    found = {name: _presence(chosen) for name, chosen in variants().items()}
    width = max(len(_told(presence)) for presence in found.values())
    for name, chosen in variants().items():
        presence = found[name]
        if args.json:
            about = {"id": name, "title": chosen.title, "state": presence.state, "note": chosen.note}
            print(json.dumps({**about, "missing": [*presence.needed, *presence.extras]}))
        else:
            print(f"{name:<10} {_told(presence):<{width}}   {chosen.title}: {chosen.note}")
    return 0


def _presence(chosen: Variant) -> _Presence:
    if chosen.weights == "rule":
        return _Presence("built in")
    stages = family(chosen.family).stages
    needed = dict.fromkeys(role for stage in stages for role in stage.roles)
    led_by = (role for stage in stages for roles in stage.extras.values() for role in roles)
    extras = dict.fromkeys(role for role in led_by if role not in needed)
    absent = {role for role in (*needed, *extras) if find_role(chosen, role) is None}
    if absent.isdisjoint(needed):
        state = "here"
    else:
        state = "partly" if len(absent) < len(needed) + len(extras) else "not here"
    return _Presence(
        state,
        tuple(role for role in needed if role in absent),
        tuple(role for role in extras if role in absent),
    )


def _told(found: _Presence) -> str:
    if found.state == "here" and found.extras:
        return f"here, without reference audio: {_listed(found.extras)}"
    if found.state == "partly":
        return f"partly, without {_listed(found.needed)}"
    return found.state


def _listed(roles: tuple[str, ...]) -> str:
    return ", ".join(role.replace("_", " ") for role in roles)
