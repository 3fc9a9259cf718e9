"""Stars, notes and the trash: what a person does with takes that are there."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from core.cli.report import say
from core.cli.take_words import fitted, take_facts, take_line
from core.cli.takes import song_home
from core.errors import SongdeskError
from core.library.store import Store
from core.library.trash import empty, restore, trash
from core.takes.mark import load_mark, save_mark
from core.takes.take import Take, take_of


def _star(args: argparse.Namespace, store: Store) -> int:
    take = store.find(args.take)
    save_mark(take.folder, replace(load_mark(take.folder), star=not args.off))
    return _tell(args, store, [take])


def _note(args: argparse.Namespace, store: Store) -> int:
    take = store.find(args.take)
    save_mark(take.folder, replace(load_mark(take.folder), note=args.text))
    return _tell(args, store, [take])


def _trash(args: argparse.Namespace, store: Store) -> int:
    takes = [store.find(name) for name in args.takes]
    return _tell(args, store, [trash(store, take) for take in takes if not take.is_trashed])


def _restore(args: argparse.Namespace, store: Store) -> int:
    takes = [_thrown(store, name) for name in args.takes]
    return _tell(args, store, [restore(store, take) for take in takes])


def _empty(args: argparse.Namespace, store: Store) -> int:
    home = song_home(store, args.song) if args.song else None
    takes = store.takes(home, trashed=True)
    if takes and not args.yes and not _is_sure(takes):
        say("nothing was removed")
        return 0
    count = empty(store, home) if takes else 0
    if args.json:
        print(json.dumps({"removed": count}))
    else:
        say(f"{_counted(count)} removed for good")
    return 0


def _thrown(store: Store, name: str) -> Take:
    """The take that a person means among those in the trash."""
    take = store.find(name)
    if take.is_trashed:
        return take
    same = [one for one in store.takes(take.home, trashed=True) if one.id == take.id]
    if not same:
        raise SongdeskError(f"take {take.id} is not in the trash", hint="songdesk takes list --trash")
    return same[0]


def _is_sure(takes: Iterable[Take]) -> bool:
    """Ask on a terminal; SongdeskError where nobody can be asked."""
    count = _counted(len(tuple(takes)))
    if not sys.stdin.isatty():
        raise SongdeskError(f"{count} would be removed for good", hint="say so with --yes")
    print(f"Remove {count} for good? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _tell(args: argparse.Namespace, store: Store, takes: Iterable[Take]) -> int:
    """Take in what became of takes, and print each as it is now."""
    for take in takes:
        store.note(take.folder)
        now = take_of(take.folder) or take
        print(
            json.dumps(take_facts(now), ensure_ascii=False)
            if args.json
            else fitted(take_line(now, with_title=True))
        )
    return 0


def _counted(count: int) -> str:
    return f"{count} take{'s' * (count != 1)}"


VERBS: Mapping[str, Callable[[argparse.Namespace, Store], int]] = {
    "star": _star,
    "note": _note,
    "trash": _trash,
    "restore": _restore,
    "empty-trash": _empty,
}
"""By verb of `songdesk takes` what does it."""
