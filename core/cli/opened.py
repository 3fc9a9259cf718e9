"""The library's index for the time of one command."""

from collections.abc import Iterator
from contextlib import contextmanager

from core.cli.report import say
from core.library.store import Store, open_store


@contextmanager
def opened_store() -> Iterator[Store]:
    """Open the index, saying what a person should know of it; SongdeskError for one of a newer songdesk."""
    store = open_store()
    try:
        for line in store.notes:
            say(line)
        yield store
    finally:
        store.close()
