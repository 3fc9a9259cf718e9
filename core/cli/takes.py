"""`songdesk takes`: what the library has of each song, and what a person does with it."""

import argparse
import json
from difflib import get_close_matches
from pathlib import Path

from core.cli.opened import opened_store
from core.cli.report import visible
from core.cli.take_story import parent_of, recipe_of, story, story_facts
from core.cli.take_words import listing, take_facts, tree
from core.config import Config
from core.errors import SongdeskError
from core.library.store import Store
from core.takes.lineage import lineage, search, sort
from core.takes.take import Take, folder_name


def run_takes(args: argparse.Namespace, config: Config) -> int:
    """Do what is asked with the takes of the library; SongdeskError for a take that is not there."""
    from core.cli import take_care
    from core.cli.export import run_export

    with opened_store() as store:
        match args.verb:
            case "list":
                return _list(args, store)
            case "tree":
                return _tree(args, store)
            case "show":
                return _show(args, store)
            case "export":
                return run_export(args, store)
            case "replay":
                from core.cli.replay import run_replay

                return run_replay(args, store, config)
            case verb:
                return take_care.VERBS[verb](args, store)


def song_home(store: Store, name: str) -> Path:
    """The folder of the song that a person names by title or folder; SongdeskError for none."""
    homes = {take.home: take.title for take in (*store.takes(), *store.takes(trashed=True))}
    for home in (store.root / folder_name(name), Path(name).resolve()):
        if home.is_dir() and home.parent.resolve() == store.root.resolve():
            return store.root / home.name
    titles = {title.casefold(): title for title in homes.values()}
    close = get_close_matches(name.casefold(), titles, n=1)
    close = close or [title for title in titles if name.strip() and name.casefold() in title]
    hint = f"did you mean {titles[close[0]]}?" if close else "see `songdesk takes list`"
    raise SongdeskError(f"there is no song called {name!r}", where=str(store.root), hint=hint)


def _list(args: argparse.Namespace, store: Store) -> int:
    takes = store.takes(_home(args, store), trashed=args.trash)
    found = search(takes, args.search)
    if args.starred:
        found = tuple(take for take in found if take.star)
    found = sort(found, args.sort)
    lines = map(_object, found) if args.json else listing(found, is_sorted=args.sort != "new")
    for line in lines:
        print(line)
    return 0


def _tree(args: argparse.Namespace, store: Store) -> int:
    twigs = lineage(store.takes(_home(args, store)))
    if args.json:
        for twig in twigs:
            print(json.dumps({**take_facts(twig.take), "depth": twig.depth}, ensure_ascii=False))
    else:
        for line in tree(twigs):
            print(line)
    return 0


def _show(args: argparse.Namespace, store: Store) -> int:
    take = store.find(args.take)
    recipe = recipe_of(take)
    parent = parent_of(take)
    if args.json:
        print(json.dumps(story_facts(take, recipe, parent), ensure_ascii=False))
    else:
        for line in story(take, recipe, parent):
            print(visible(line))
    return 0


def _home(args: argparse.Namespace, store: Store) -> Path | None:
    return song_home(store, args.song) if args.song else None


def _object(take: Take) -> str:
    return json.dumps(take_facts(take), ensure_ascii=False)
