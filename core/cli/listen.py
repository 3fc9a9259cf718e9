"""`songdesk listen`: the takes of the library in a browser where the person sits, without the studio."""

import argparse
import sys
from typing import TYPE_CHECKING

from core.cli.departure import Departure
from core.cli.opened import opened_store
from core.cli.report import say
from core.config import Config
from core.errors import SongdeskError
from core.paths import listen_token_file

if TYPE_CHECKING:
    from core.audio.listen.address import Address
    from core.audio.listen.alone import Alone
    from core.audio.listen.stage import State
    from core.library.listening import LibraryShelf
    from core.library.store import Store

_LOOK = 0.5
"""Seconds between looks at a take that grows, and at whether somebody wants to leave."""


def run_listen(args: argparse.Namespace, config: Config) -> int:  # noqa: ARG001
    """Serve until somebody leaves; SongdeskError for a take that is not there or has no sound."""
    from core.audio.listen.address import address_of
    from core.audio.listen.alone import Alone
    from core.audio.listen.serve import serve
    from core.audio.listen.stage import Stage
    from core.audio.listen.tokens import kept_token
    from core.library.listening import LibraryShelf

    with opened_store() as store, Departure() as departure:
        shelf, stage = LibraryShelf(store), Stage()
        alone = Alone(stage, shelf)
        stage.drive(alone.obey)
        _take_up(args.take, alone, shelf, store)
        token = kept_token(listen_token_file(), is_fresh=args.fresh)
        server = serve(stage, shelf, port=args.port, path=args.socket, token=token)
        try:
            _tell(address_of(server), stage.state)
            while not departure.code and server.wait(_LOOK):
                alone.look()
        finally:
            server.close()
    if not departure.code:
        raise SongdeskError("the listening server has ended", hint="look into songdesk.log")
    return departure.code


def _take_up(name: str | None, alone: "Alone", shelf: "LibraryShelf", store: "Store") -> None:
    """Have the take that was named in hand, to be played as soon as a tab comes; else the newest, silent."""
    if name is None:
        newest = next(iter(shelf.cards()), None)
        if newest is not None:
            alone.take_up(newest.id, plays=False)
        return
    take = store.find(name)
    id_ = shelf.id_of(take)
    card = shelf.card(id_) if id_ else None
    if id_ is None or card is None:
        raise SongdeskError(
            "this take is in the trash", where=name, hint="songdesk takes restore brings it back"
        )
    if not card.stems:
        hint = f"songdesk continue {take.id} makes it" if take.can_go_on else "choose another take"
        raise SongdeskError("there is nothing to hear of this take in the library", where=name, hint=hint)
    alone.take_up(id_, plays=True)


def _tell(address: "Address", state: "State") -> None:
    """The address on stdout, as a link where the terminal has them; beside it what has to be done for it."""
    from core.clipboard import put_on_clipboard
    from core.osc import link
    from core.passing import ask_what_passes

    if address.forward:
        say("on the machine where you sit:")
        say(f"  {address.forward}")
    say("in its browser:")
    takes = ask_what_passes() if sys.stderr.isatty() else None
    if takes is not None and sys.stdout.isatty():
        print(link(address.url, address.url) if takes.link else address.url, flush=True)
        say(f"the address: {put_on_clipboard(address.url, takes, _write)}")
    else:
        print(address.url, flush=True)
    for note in address.notes:
        say(note)
    what = f"{state.title}: {'it plays as soon as a tab is open' if state.playing else 'paused'}"
    say(what if state.take else "the library has nothing to hear yet")
    say("whoever has the address can listen; Ctrl-C ends it")


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
