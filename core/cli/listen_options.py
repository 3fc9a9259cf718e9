"""What `songdesk listen` takes; imports nothing that is slow to load."""

import argparse
from pathlib import Path

from core.cli.takes_options import TAKE

_PORT = 8737
"""As in `core.audio.listen.serve`."""


def add_listen_options(listen: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    listen.add_argument("take", nargs="?", metavar="TAKE", help=f"{TAKE} (default: the newest)")
    where = listen.add_mutually_exclusive_group()
    where.add_argument(
        "--port",
        type=_port,
        default=_PORT,
        metavar="N",
        help=f"on 127.0.0.1 (default: {_PORT}; where it is taken another one is used, and said; 0 takes any)",
    )
    where.add_argument(
        "--socket", type=Path, metavar="PATH", help="a socket that you alone can open, instead of a port"
    )
    listen.add_argument(
        "--fresh", action="store_true", help="draw a new token: addresses from before lead nowhere then"
    )
    listen.set_defaults(command="listen")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text} is no port: 0 to 65535")
    return int(text)
