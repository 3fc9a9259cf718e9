"""The studio's sound in browser tabs: the server behind it, and how to come to it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.audio.listen.stage import Stage
from core.audio.seat import TAB
from core.errors import SongdeskError

if TYPE_CHECKING:
    from core.audio.listen.address import Address
    from core.library.store import Store

_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Listening:
    """A server that is up."""

    stage: Stage
    address: "Address"
    place_of: Callable[[Path], tuple[str, str] | None]
    """Which take, by its id among listeners, and stem a file is; reads no disk."""
    find: Callable[[str], tuple[Path, str] | None]
    """The folder of its song and the studio's id of a take, by its id among listeners; reads the disk."""
    is_running: Callable[[], bool]
    close: Callable[[], None]
    """Ends the server; waits a second or two at most."""


Begin = Callable[["Store", int], Listening]
"""Begins to serve a library at a port; takes a second, and raises SongdeskError where it cannot."""


def begin(store: "Store", port: int) -> Listening:
    """Begin to serve what the library has to hear, at a port of this machine."""
    from core.audio.listen.address import address_of
    from core.audio.listen.serve import serve
    from core.audio.listen.tokens import kept_token
    from core.library.listening import LibraryShelf
    from core.paths import listen_token_file

    if not 0 <= port <= _LAST_PORT:
        raise SongdeskError(
            f"there is no port {port}",
            where="songdesk.yaml: studio.listen.port",
            hint="name one from 1024 to 65535, or 0 for any that is free",
        )
    stage, shelf = Stage(), LibraryShelf(store)
    server = serve(stage, shelf, port=port, token=kept_token(listen_token_file()))

    def find(id_: str) -> tuple[Path, str] | None:
        card = shelf.card(id_)
        return (store.root / card.song, card.name) if card is not None else None

    return Listening(stage, address_of(server), shelf.place_of, find, lambda: server.is_running, server.close)


def with_key(reason: str, key: str) -> str:
    """What a player says of itself, with the key that has it heard in a browser where it names the action."""
    return reason.replace(TAB, f"{key} plays it in the browser where you sit")
