"""Takes whose folders are made are begun: at once in this process, or left to the queue."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from core.cli.follow import make
from core.cli.report import say
from core.cli.take_words import take_facts
from core.clock import clock
from core.config import Config
from core.library import queue
from core.library.store import Store
from core.takes.difference import words_of
from core.takes.take import Take, take_of


def begin(store: Store, config: Config, folders: Sequence[Path], args: argparse.Namespace) -> int:
    """Put takes into the queue and, unless `--queue` is given, make them at once; gives the exit code."""
    queue.add_all(store, folders)
    takes = [take for folder in folders if (take := take_of(folder)) is not None]
    for take in takes:
        _tell(take)
    if not args.queue:
        for take in reversed(takes):  # whoever is interrupted finds them where the queue goes on
            queue.move(store, take, 0)
        return make(store, config, folders, as_json=args.json)
    for take in takes:
        print(json.dumps(take_facts(take), ensure_ascii=False) if args.json else take.folder)
    return 0


def _tell(take: Take) -> None:
    """Say what a new take is, with the hash of the tokens that it begins with."""
    kin = words_of(take.kin)
    say(f"{take.title}: take {take.id}{f': {kin}' if kin else ''}")
    if take.kin and take.kin.kept:
        say(f"{take.title}: its first {clock(take.kin.seconds)} stay, tokens {take.kin.kept}")
