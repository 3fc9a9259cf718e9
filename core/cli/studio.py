"""`songdesk studio`: the terminal app, or a headless render of its song where there is no terminal."""

import argparse
import sys

from core.config import Config
from core.errors import SongdeskError


def run_studio_command(args: argparse.Namespace, config: Config) -> int:
    """Open the studio; without a terminal render the song named, and say so."""
    if sys.stdin.isatty() and sys.stderr.isatty():
        from tui.terminal import run_studio

        return run_studio(args.songs, config)
    if args.songs is None:
        raise SongdeskError(
            "the studio needs a terminal on stdin and stderr",
            hint="render headlessly instead: songdesk render SONGS.jsonl",
        )
    from core.cli import main

    print("songdesk: no terminal here, so the song is rendered headlessly", file=sys.stderr)
    return main(["render", str(args.songs)])
