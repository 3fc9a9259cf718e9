"""What `songdesk open` takes: apart from what it does, as every start of songdesk reads this."""

import argparse
from pathlib import Path


def add_open_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.set_defaults(command="open")
    parser.add_argument("file", type=Path, metavar="FILE", help="a wav, flac or mp3 that songdesk has made")
    parser.add_argument(
        "--import",
        action="store_true",
        dest="brings_in",
        help="bring its song and take into the library and print where the sound lies, without the studio",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print the recipe in it as an object and leave all as it is; with --import what became of it",
    )
