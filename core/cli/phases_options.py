"""What `songdesk import` takes: apart from what it does, as every start of songdesk reads this."""

import argparse
from pathlib import Path

from core.cli.setting_options import add_settings


def add_import_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.set_defaults(command="import", seed=None)
    parser.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="SONG_tokens.pt, whose sound is yet to be made, or batch_conditions.pt, yet to be composed",
    )
    parser.add_argument(
        "--songs",
        type=Path,
        metavar="SONGS.jsonl",
        help="where the words of tokens are: by idx, as the file is called",
    )
    parser.add_argument(
        "--model", help="the one that made them, of `songdesk models` (default: as configured)"
    )
    parser.add_argument(
        "--title", default="", metavar="TEXT", help="instead of the idx or the file's name; for one song"
    )
    add_settings(parser)
    parser.add_argument(
        "--again", action="store_true", help="make another take of what the library has already"
    )
    when = parser.add_mutually_exclusive_group()
    when.add_argument("--render", action="store_true", help="make what is yet to be made now")
    when.add_argument("--queue", action="store_true", help="put it into the queue")
    parser.add_argument("--json", action="store_true", help="one JSON object a take instead of its folder")
