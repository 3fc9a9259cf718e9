"""What the commands take that make takes; imports nothing that is slow to load."""

import argparse
from pathlib import Path

from core.cli.setting_options import add_set, add_settings
from core.cli.takes_options import TAKE, Add, add_json

MOST = 64
"""Takes that one command makes at most."""


def add_resing_options(resing: argparse.ArgumentParser) -> None:
    """Declare what `resing` takes."""
    resing.set_defaults(command="resing")
    resing.add_argument("take", metavar="TAKE", help=TAKE)
    resing.add_argument(
        "--from",
        required=True,
        dest="start",
        metavar="SECTION|SECONDS",
        help="everything before stays: 2:10, 130, or a tag and which of its kind, such as 'chorus 2'",
    )
    _add_words(resing)
    resing.add_argument(
        "--endings", type=count_of, metavar="N", help="make so many, each from a seed of its own"
    )
    _add_making_options(resing)


def add_extend_options(extend: argparse.ArgumentParser) -> None:
    """Declare what `extend` takes."""
    extend.set_defaults(command="extend")
    extend.add_argument("take", metavar="TAKE", help=TAKE)
    extend.add_argument("--by", required=True, metavar="SECONDS", help="how much longer it becomes")
    _add_words(extend)
    _add_making_options(extend)


def add_rerender_options(rerender: argparse.ArgumentParser) -> None:
    """Declare what `rerender` takes."""
    rerender.set_defaults(command="rerender")
    rerender.add_argument("take", metavar="TAKE", help=TAKE)
    add_settings(rerender)
    _add_queue_option(rerender)
    rerender.set_defaults(seed=None)


def add_drafts_options(drafts: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    drafts.set_defaults(command="drafts", seed=None)
    drafts.add_argument(
        "songs",
        metavar="SONGS.jsonl|SONG",
        help="a song file, or the title or folder of a song of the library",
    )
    drafts.add_argument("--count", type=count_of, default=3, metavar="N", help="of each song (default: 3)")
    drafts.add_argument("--seconds", default="20", metavar="S", help="of each draft (default: 20)")
    drafts.add_argument("--model", help="a model of `songdesk models` (default: as configured)")
    add_settings(drafts)
    _add_queue_option(drafts)


def add_continue_options(continue_: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    continue_.set_defaults(command="continue")
    which = continue_.add_mutually_exclusive_group()
    which.add_argument(
        "take", nargs="?", metavar="TAKE", help=f"{TAKE} (default: the latest that was broken off)"
    )
    which.add_argument("--all", action="store_true", help="every take that was broken off, the oldest first")
    add_set(continue_, "memory=trusted goes on whatever memory seems to be free; no setting of its song")
    continue_.add_argument(
        "--queue", action="store_true", help="put it into the queue instead of making it now"
    )
    continue_.add_argument("--json", action="store_true", help="one JSON object a take instead of its path")


def add_queue_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.set_defaults(command="queue", verb="list", json=False)
    add_json(parser)
    verbs = parser.add_subparsers(metavar="COMMAND")
    _add_filling(verbs.add_parser)
    _add_ordering(verbs.add_parser)
    _add_running(verbs.add_parser)


def add_library_options(library: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    library.set_defaults(command="library", verb="show", json=False)
    add_json(library)
    verbs = library.add_subparsers(metavar="COMMAND")
    for name, about in {
        "show": "tell where the library is and what it holds",
        "rebuild": "make its index anew from its folders",
    }.items():
        verb = verbs.add_parser(name, help=about, description=about)
        verb.set_defaults(command="library", verb=name)
        verb.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="as one JSON object")


def _verb(add: Add, name: str, about: str) -> argparse.ArgumentParser:
    parser = add(name, help=about, description=about)
    parser.set_defaults(command="queue", verb=name)
    add_json(parser)
    return parser


def _add_filling(add: Add) -> None:
    adding = _verb(add, "add", "put songs, or takes that were broken off, into the queue")
    adding.add_argument(
        "names",
        nargs="+",
        metavar="SONGS.jsonl|SONG|TAKE",
        help="all songs of a file, a song of the library, or a take to go on with",
    )
    adding.add_argument("--model", help="a model of `songdesk models` (default: as configured)")
    adding.add_argument("--seed", metavar="N", help="default: one is drawn for each and recorded")
    add_settings(adding)
    _verb(add, "list", "list the queue in its order")


def _add_ordering(add: Add) -> None:
    item = f"{TAKE}, or its number in the list"
    moving = _verb(add, "move", "give an item another place")
    moving.add_argument("take", metavar="TAKE", help=item)
    moving.add_argument("to", type=int, metavar="PLACE", help="1 is the next to be made")
    removing = _verb(add, "remove", "take items out of the queue; what was made of them stays")
    removing.add_argument("takes", nargs="+", metavar="TAKE", help=item)
    holding = _verb(add, "hold", "keep items from being begun, or let them be made again")
    holding.add_argument("takes", nargs="+", metavar="TAKE", help=item)
    holding.add_argument("--off", action="store_true", help="let them be made")
    _verb(add, "pause", "let the whole queue stand still")
    _verb(add, "resume", "let it go on")


def _add_running(add: Add) -> None:
    running = _verb(add, "run", "make what is in the queue; prints each sound file's path")
    until = running.add_mutually_exclusive_group()
    until.add_argument("--until-empty", action="store_true", help="end when nothing waits (default)")
    until.add_argument("--wait", action="store_true", help="wait for more")


def _add_making_options(command: argparse.ArgumentParser) -> None:
    """Declare what every command takes that sings a new take."""
    command.add_argument("--seed", metavar="N", help="default: one is drawn and recorded")
    add_settings(command)
    _add_queue_option(command)


def _add_queue_option(command: argparse.ArgumentParser) -> None:
    """Declare `--queue` and `--json`."""
    command.add_argument(
        "--queue", action="store_true", help="put it into the queue instead of making it now"
    )
    command.add_argument("--json", action="store_true", help="one JSON object a take instead of its path")


def _add_words(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--lyrics", type=Path, metavar="FILE", help="all its lyrics, with tags (default: as they were)"
    )
    command.add_argument("--style", metavar="TEXT", help="style tags (default: as they were)")


def count_of(text: str) -> int:
    """A number of takes, as an option's type."""
    if not text.strip().isdecimal() or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"give a number from 1 to {MOST}")
    return int(text)
