"""What was left to be made in the library: takes that were broken off, and the queue. Reads the disk."""

from collections.abc import Iterable
from pathlib import Path

from core.library import queue
from core.library.scan import key_of
from core.library.store import Store
from core.meter import State
from core.takes.journal import FILE as JOURNAL
from core.takes.recipe import FILE as RECIPE
from core.takes.take import Take
from tui.take_care import reached_in
from tui.widgets.bars import clock

_PUT_DOWN = ("interrupted", State.PAUSED.value)
_HERE = (*_PUT_DOWN, State.CANCELLED.value, State.FAILED.value)
"""What is gone on with in the open song: of others only what nobody ended on purpose."""


def broken_off(takes: Iterable[Take], store: Store | None) -> Take | None:
    """The take that was broken off last: of those of the open song, else of the whole library."""
    here = [take for take in takes if can_be_gone_on_with(take)]
    if not here and store is not None:
        here = [take for take in store.takes() if take.state in _PUT_DOWN]
    return max(here, key=lambda take: _touched(take.folder), default=None)


def can_be_gone_on_with(take: Take) -> bool:
    """Whether a take of the open song was broken off."""
    return take.state in _HERE


def left_over(store: Store | None) -> str:
    """In words, what waits in the queue and which take was broken off last; empty where nothing was left."""
    if store is None:
        return ""
    waiting = sum(1 for item in queue.items(store) if item.take.state == State.QUEUED.value and not item.held)
    take = broken_off((), store)
    words = []
    if waiting:
        words.append(f"{waiting} song{' waits' if waiting == 1 else 's wait'} in the queue")
    if take is not None:
        how = "was paused" if take.state == State.PAUSED.value else "was interrupted"
        far = reached_in(take.folder)
        words.append(f"{take.title} {how}" + (f" at {clock(far)}" if far else ""))
    return ", ".join(words)


def made_elsewhere(store: Store | None) -> str:
    """In words, what another songdesk makes of the library now; empty for nothing."""
    takes = store.takes() if store is not None else ()
    titles = dict.fromkeys(take.title for take in takes if take.state == State.RUNNING.value)
    return f"{', '.join(titles)}: being made by another songdesk" if titles else ""


def why_it_waits(store: Store | None, folder: Path) -> str:
    """In words, why nobody makes a take that was asked for; SongdeskError where the queue cannot be read."""
    if store is None:
        return "waits"
    key = key_of(folder, store.root)
    for item in queue.items(store):
        if item.held and key_of(item.take.folder, store.root) == key:
            why = next(iter(item.error.splitlines()), "")
            return f"is on hold: {why}" if why else "is on hold"
    return "waits: the queue is paused" if queue.is_paused(store) else "waits"


def _touched(folder: Path) -> float:
    times = []
    for name in (RECIPE, JOURNAL):
        try:
            times.append((folder / name).stat().st_mtime)
        except OSError:
            continue
    return max(times, default=0.0)
