"""The take that a person means by a name."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import SongdeskError
from core.library.scan import key_of
from core.takes.take import Take, take_of

if TYPE_CHECKING:
    from core.library.store import Store

_NAMED = 5
"""So many of several takes of one name are told."""


def find(store: "Store", name: str) -> Take:
    """A take by its id, as SONG/ID, by its folder or by a file in it; SongdeskError for none or several.

    One that was thrown away is found only where no other has the name.
    """
    take = _in_folder(store, name)
    if take is not None:
        return take
    song, _, identity = name.rstrip("/").rpartition("/")
    try:
        wanted = os.fsencode(identity)
    except UnicodeEncodeError:
        wanted = b""
    found = [take for take in store.ask("id = ?", wanted) if not song or song in (take.home.name, take.title)]
    here = [take for take in found if not take.is_trashed] or found
    if len(here) == 1:
        return here[0]
    if not here:
        raise SongdeskError(f"there is no take called {name}", hint="songdesk takes list names them")
    names = ", ".join(f"{take.home.name}/{take.id}" for take in here[:_NAMED])
    more = ", …" if len(here) > _NAMED else ""
    raise SongdeskError(f"{len(here)} takes are called {name}", hint=f"name the song too: {names}{more}")


def _in_folder(store: "Store", name: str) -> Take | None:
    """The take in a folder, in the library or elsewhere, or the one that a file belongs to."""
    path = Path(name)
    try:
        folder = None if not name else path if path.is_dir() else path.parent if path.is_file() else None
    except ValueError:  # half a character
        return None
    if folder is None or not folder.absolute().name:
        return None
    key = key_of(folder.absolute(), store.root.absolute())
    take = take_of(key.folder(store.root) if key else folder.absolute())
    if take is not None and take.folder.absolute() != folder.absolute() and not key:
        raise SongdeskError(
            "this take is not in the library", where=name, hint="songdesk open brings its sound in"
        )
    return take
