"""`songdesk studio`: the terminal app, or a headless render of its song where there is no terminal."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from core.cli.ask import preset_overrides
from core.config import Config
from core.errors import SongdeskError
from core.family import family_of, resolve_for
from core.settings import Override, changed


def run_studio_command(args: argparse.Namespace, config: Config) -> int:
    """Open the studio; without a terminal render the song named, and say so."""
    if sys.stdin.isatty() and sys.stderr.isatty():
        from tui.terminal import run_studio

        return run_studio(args.songs, with_presets(config, args.presets))
    if args.songs is None:
        raise SongdeskError(
            "the studio needs a terminal on stdin and stderr",
            hint="render headlessly instead: songdesk render SONGS.jsonl",
        )
    from core.cli import main

    print("songdesk: no terminal here, so the song is rendered headlessly", file=sys.stderr)
    chosen = [option for name in args.presets for option in ("--preset", name)]
    return main(["render", str(args.songs), *chosen])


def open_last(config: Config) -> int:
    """Open the studio where it was left."""
    from tui.terminal import run_studio

    return run_studio(None, config)


def with_presets(config: Config, names: Sequence[str]) -> Config:
    """The configuration with presets over it, for this once; SongdeskError for one that does not fit."""
    if not names:
        return config
    kind, chosen = family_of(config.model)
    base = Override(config.settings, "songdesk.yaml: settings")
    values = resolve_for(kind, chosen, [base, *preset_overrides(names, kind, chosen)])
    return replace(config, settings=changed(kind.settings(chosen), values))
