"""`songdesk queue`: what is to be made, in which order, and making it."""

import argparse
import json
from collections.abc import Sequence

from core.cli.batch import Asked, asked_for, is_song_file, settle
from core.cli.follow import make
from core.cli.opened import opened_store
from core.cli.report import say
from core.cli.take_words import fitted, take_facts
from core.config import Config
from core.errors import SongdeskError
from core.library import queue
from core.library.queue import Item
from core.library.store import Store
from core.takes.take import Take

_HELD = "on hold"
_STANDS = "the queue stands still; `songdesk queue resume` lets it go on"


def run_queue(args: argparse.Namespace, config: Config) -> int:
    """Do what is asked with the queue; SongdeskError for a take that is not in it."""
    with opened_store() as store:
        match args.verb:
            case "add":
                return _add(args, config, store)
            case "run":
                if queue.is_paused(store):
                    say(_STANDS)
                return make(store, config, None, as_json=args.json, waits=args.wait)
            case "list":
                return _list(store, as_json=args.json)
            case "pause" | "resume":
                queue.pause(store, args.verb == "pause")
                say("the queue stands still" if args.verb == "pause" else "the queue goes on")
            case "move":
                queue.move(store, _item(store, args.take).take, args.to - 1)
            case "remove":
                for take in [_item(store, name).take for name in args.takes]:
                    queue.remove(store, take)
            case _:
                for take in [_item(store, name).take for name in args.takes]:
                    queue.hold(store, take, not args.off)
        return _list(store, as_json=args.json)


def _item(store: Store, name: str) -> Item:
    """The item that a person means: by its take, or by its number in the list."""
    items = queue.items(store)
    if name.isdecimal() and 1 <= int(name) <= len(items):
        return items[int(name) - 1]
    take = store.find(name)
    for item in items:
        if item.take.folder == take.folder:
            return item
    raise SongdeskError(f"take {take.id} is not in the queue", hint="songdesk queue list names what is")


def _add(args: argparse.Namespace, config: Config, store: Store) -> int:
    """Nothing is queued unless all can be."""
    from core.takes import branch

    found: list[Take | Asked] = []
    for name in args.names:
        found += _meant(name, args, config, store)
    folders = []
    for each in found:
        if isinstance(each, Take):
            folders.append(each.folder)
            continue
        settle(each)
        folders.append(branch.prepare(each.song, each.model, each.values, home=each.home).folder)
    queue.add_all(store, folders)
    items = [item for item in enumerate(queue.items(store), start=1) if item[1].take.folder in folders]
    _print(items, as_json=args.json)
    return 0


def _meant(name: str, args: argparse.Namespace, config: Config, store: Store) -> Sequence[Take | Asked]:
    """A take to go on with, the songs of a file, or a song of the library to be made anew."""
    if is_song_file(name):
        return asked_for(name, args, config, store)
    try:
        take = store.find(name)
    except SongdeskError as none:
        try:
            return asked_for(name, args, config, store)
        except SongdeskError:
            if (store.root / name).is_dir():
                raise
            raise none from None
    if args.model or args.presets or args.assignments or args.seed:
        raise SongdeskError(
            f"take {take.id} has its model and its settings", hint="drop --model, --preset, --set and --seed"
        )
    return (take,)


def _list(store: Store, *, as_json: bool) -> int:
    if queue.is_paused(store):
        say(_STANDS)
    items = queue.items(store)
    _print(list(enumerate(items, start=1)), as_json=as_json)
    if not items:
        say("nothing is in the queue")
    return 0


def _print(items: Sequence[tuple[int, Item]], *, as_json: bool) -> None:
    for place, item in items:
        print(json.dumps(_facts(place, item), ensure_ascii=False) if as_json else fitted(_line(place, item)))


def _line(place: int, item: Item) -> str:
    take = item.take
    state = f"{take.state}, {_HELD}" if item.held else take.state
    why = f"  {item.error}" if item.error else ""
    return f"{place:>3}  {take.id:<18} {state:<20} {take.model:<9} {take.title}{why}"


def _facts(place: int, item: Item) -> dict[str, object]:
    return {"place": place, "held": item.held, "error": item.error, **take_facts(item.take)}
