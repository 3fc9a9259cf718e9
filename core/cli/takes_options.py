"""What `songdesk takes` takes; imports nothing that is slow to load."""

import argparse
from collections.abc import Callable
from pathlib import Path

TAKE = "an id, SONG/ID, a take's folder, or its sound file"
ORDERS = ("new", "star", "length", "seed", "state")
"""Of `core.takes.lineage`."""
Add = Callable[..., argparse.ArgumentParser]
"""Makes a parser of a name."""


def add_takes_options(takes: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    takes.set_defaults(command="takes", verb="list", song=None, search="", sort="new", trash=False)
    takes.set_defaults(starred=False, json=False)
    add_json(takes)
    verbs = takes.add_subparsers(metavar="COMMAND")
    _add_looking(verbs.add_parser)
    _add_keeping(verbs.add_parser)
    _add_out(verbs.add_parser)


def _verb(add: Add, name: str, about: str) -> argparse.ArgumentParser:
    parser = add(name, help=about, description=about)
    parser.set_defaults(command="takes", verb=name)
    add_json(parser)
    return parser


def add_json(parser: argparse.ArgumentParser) -> None:
    """Declare `--json` of a command within another one."""
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="one JSON object a line"
    )


def _add_looking(add: Add) -> None:
    listed = _verb(add, "list", "list takes, newest first")
    listed.add_argument("song", nargs="?", metavar="SONG", help="of this song alone: its title or folder")
    listed.add_argument(
        "--search", default="", metavar="WORDS", help="only those in which all words are found"
    )
    listed.add_argument("--sort", choices=ORDERS, default="new", help="default: new")
    listed.add_argument("--trash", action="store_true", help="those in the trash")
    listed.add_argument("--starred", action="store_true", help="those with a star")
    grown = _verb(add, "tree", "show which take came of which")
    grown.add_argument("song", nargs="?", metavar="SONG", help="of this song alone: its title or folder")
    shown = _verb(add, "show", "tell everything of a take, and what differs from the one it came of")
    shown.add_argument("take", metavar="TAKE", help=TAKE)


def _add_keeping(add: Add) -> None:
    star = _verb(add, "star", "put a star on a take")
    star.add_argument("take", metavar="TAKE", help=TAKE)
    star.add_argument("--off", action="store_true", help="take the star off")
    note = _verb(add, "note", "write a note on a take")
    note.add_argument("take", metavar="TAKE", help=TAKE)
    note.add_argument("text", metavar="TEXT", help="an empty one removes the note")
    trash = _verb(add, "trash", "move takes to the trash of their song")
    trash.add_argument("takes", nargs="+", metavar="TAKE", help=TAKE)
    restore = _verb(add, "restore", "bring takes back from the trash")
    restore.add_argument("takes", nargs="+", metavar="TAKE", help=TAKE)
    empty = _verb(add, "empty-trash", "remove what is in the trash for good")
    empty.add_argument("song", nargs="?", metavar="SONG", help="of this song alone: its title or folder")
    empty.add_argument("--yes", action="store_true", help="do not ask")


def _add_out(add: Add) -> None:
    export = _verb(add, "export", "copy a take's sound and stems to where you want them; prints their paths")
    export.add_argument("take", metavar="TAKE", help=TAKE)
    export.add_argument("to", type=Path, metavar="DIR|FILE")
    export.add_argument("--format", choices=("wav", "flac", "mp3"), help="default: as FILE says, or as it is")
    export.add_argument("--force", action="store_true", help="overwrite files that are there")
    replay = _verb(add, "replay", "make a take again from its recipe, and say whether it is the same")
    replay.add_argument("take", metavar="TAKE", help=TAKE)
