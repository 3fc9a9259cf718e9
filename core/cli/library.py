"""`songdesk library`: where songs and takes are kept, what is there, and reading it all anew."""

import argparse
import json
from pathlib import Path

from core.cli.opened import opened_store
from core.config import Config
from core.library import queue
from core.library.shelf import songs
from core.library.store import Store


def run_library(args: argparse.Namespace, _config: Config) -> int:
    """Tell of the library; SongdeskError for one of a newer songdesk, or that cannot be written."""
    with opened_store() as store:
        if args.verb == "rebuild":
            store.rebuild()
        facts = _facts(store)
    if args.json:
        print(json.dumps(facts, ensure_ascii=False))
        return 0
    print(facts["library"])
    print(
        f"  {_counted(facts['songs'], 'song')}, {_counted(facts['takes'], 'take')}, {_size(facts['bytes'])}"
    )
    print(f"  in the trash: {_counted(facts['trashed'], 'take')}, {_size(facts['trashed_bytes'])}")
    still = ", which stands still" if facts["paused"] else ""
    print(f"  in the queue: {_counted(facts['queued'], 'take')}, {facts['held']} of them on hold{still}")
    return 0


def _facts(store: Store) -> dict[str, object]:
    takes, trashed, items = store.takes(), store.takes(trashed=True), queue.items(store)
    return {
        "library": str(store.root),
        "songs": len(songs()),
        "takes": len(takes),
        "bytes": sum(_bytes(take.folder) for take in takes),
        "trashed": len(trashed),
        "trashed_bytes": sum(_bytes(take.folder) for take in trashed),
        "queued": len(items),
        "held": sum(item.held for item in items),
        "paused": queue.is_paused(store),
    }


def _bytes(folder: Path) -> int:
    try:
        return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    except OSError:
        return 0


def _counted(number: object, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _size(count: object) -> str:
    assert isinstance(count, int)
    return f"{count / 1e9:.2f} GB" if count >= 10**9 else f"{count / 1e6:.1f} MB"
