"""`songdesk presets`: which presets there are, what each changes, and which cannot be used."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence

from core.config import Config
from core.errors import SongdeskError
from core.family import family_of
from core.presets import Preset, presets
from core.settings import Setting, Value

EXIT_BROKEN = 2


def run_presets(args: argparse.Namespace, config: Config) -> int:
    """Print a line, or with --json an object, for each preset; 2 when one of them does not fit."""
    kind, chosen = family_of(args.model or config.model)
    settings = kind.settings(chosen)
    known, broken = presets(), 0
    width = max((len(preset.name) for preset in known), default=0)
    for preset in known:
        try:
            values = preset.values(settings)
        except SongdeskError as error:
            broken += 1
            print(f"songdesk: {error}", file=sys.stderr)
            continue
        print(_object(preset, values) if args.json else _line(preset, values, settings, width))
    return EXIT_BROKEN if broken else 0


def _line(preset: Preset, values: Mapping[str, Value], settings: Sequence[Setting], width: int) -> str:
    told = ", ".join(f"{s.key} {s.show(values[s.key])}" for s in settings if s.key in values)
    whose = "yours  " if preset.is_own else "shipped"
    about = f"   ({preset.about})" if preset.about else ""
    return f"{preset.name:<{width}}   {whose}   {told}{about}"


def _object(preset: Preset, values: Mapping[str, Value]) -> str:
    about = {"name": preset.name, "own": preset.is_own, "file": str(preset.where), "about": preset.about}
    return json.dumps({**about, "settings": dict(values)}, ensure_ascii=False)
