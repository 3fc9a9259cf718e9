"""`songdesk open`: the song inside a sound file, with its take, as the library and the studio have them."""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.checkpoints import require_weights
from core.cli.studio import open_last
from core.config import Config
from core.errors import SongdeskError
from core.family import family_of
from core.library.bookmark import recall, remember
from core.paths import bookmark_file
from core.takes.take import take_of

if TYPE_CHECKING:
    from core.library.imported import Brought


def run_open(args: argparse.Namespace, config: Config) -> int:
    """Print the recipe of a sound file, or bring it into the library, and on a terminal open the studio."""
    if args.json and not args.brings_in:
        return _show(args.file)
    from core.library.imported import bring_in

    brought = bring_in(args.file)
    _say(brought.notes)
    if args.json:
        print(json.dumps(_facts(brought), ensure_ascii=False))
    elif args.brings_in or not (sys.stdin.isatty() and sys.stderr.isatty()):
        print(_sound(brought))
    else:
        return _open(brought, config)
    return 0


def _show(file: Path) -> int:
    from core.library.told import told_by

    tagged = told_by(file)
    try:
        recipe = json.loads(tagged.recipe)
    except (ValueError, RecursionError) as error:
        raise SongdeskError(
            "the recipe in it cannot be read", where=str(file), hint="use another copy of the file"
        ) from error
    found = {"file": str(file), "recipe": recipe, "tokens": tagged.tokens is not None}
    print(json.dumps(found, ensure_ascii=False))
    return 0


def _facts(brought: "Brought") -> dict[str, object]:
    return {
        "title": brought.song.title,
        "song": str(brought.home),
        "take": brought.take,
        "file": _sound(brought),
        "notes": list(brought.notes),
    }


def _sound(brought: "Brought") -> str:
    take = take_of(brought.folder)
    return str(take.audio) if take is not None and take.audio is not None else str(brought.folder)


def _open(brought: "Brought", config: Config) -> int:
    """Open the studio where the take is, as if it had been left there, with the model of the take."""
    memory = recall(bookmark_file())
    mark = replace(memory.of(brought.home), area="takes", take=brought.take, position=0.0)
    remember(bookmark_file(), memory.with_mark(mark))
    return open_last(_with_model_of(brought, config))


def _with_model_of(brought: "Brought", config: Config) -> Config:
    """The configuration with the take's model for this once, where that can be run here."""
    take = take_of(brought.folder)
    if take is None or take.model == config.model:
        return config
    try:
        kind, chosen = family_of(take.model)
        require_weights(chosen, kind.stages)
    except SongdeskError as error:
        _say([f"{config.model} is the model now: {error}"])
        return config
    return replace(config, model=take.model)


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(f"songdesk: {line}", file=sys.stderr)
