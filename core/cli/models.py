"""`songdesk models`: which models there are and whether their weights are here."""

import argparse
import json

from core.checkpoints import model_folder
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
    return "here" if any(model_folder(chosen).glob("*.safetensors")) else "not here"
