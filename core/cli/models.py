"""`songdesk models`: which models there are and whether their weights are here."""

import argparse
import json

from core.checkpoints import model_folder
from core.family import family
from core.registry import Variant, variants


def run_models(args: argparse.Namespace) -> int:
    """Print a line, or with --json an object, for each model."""
    for chosen in variants().values():
        state = _state(chosen)
        if args.json:
            print(json.dumps({"id": chosen.id, "title": chosen.title, "state": state, "note": chosen.note}))
        else:
            print(f"{chosen.id:<10} {state:<10} {chosen.title}: {chosen.note}")
    return 0


def _state(chosen: Variant) -> str:
    if chosen.weights == "rule":
        return "built in"
    folder = model_folder(chosen)
    roles = {role for stage in family(chosen.family).stages for role in stage.roles}
    there = [(folder / f"{role}.safetensors").is_file() for role in roles]
    return "here" if all(there) else "partly" if any(there) else "not here"
