"""The library's index for the studio: opened where that can be done, and missed where it cannot."""

from core.errors import SongdeskError
from core.library.opening import NewerLibrary
from core.library.store import Store, open_store


def open_library() -> tuple[Store | None, str]:
    """The index of the library, and a line to say, or nothing; None where the folders must do.

    SongdeskError for the library of a newer songdesk: what it knows is not to be overlooked.
    """
    try:
        store = open_store()
    except NewerLibrary:
        raise
    except SongdeskError as error:
        return None, f"no queue, and others are not seen: {error}"
    return store, "; ".join(store.notes)
