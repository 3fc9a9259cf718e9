"""All that waits to be made in the library, over the studio: its order, and what is on hold."""

import asyncio
from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from core.errors import SongdeskError
from core.library import queue
from core.library.queue import Item
from core.library.store import Store
from tui.screens.modal import Modal
from tui.widgets.queue_list import QueueList, QueueRow, Verb
from tui.widgets.take_rows import state_of

_LOOK_EVERY = 0.5
"""Seconds between two looks whether the queue changed."""


class QueuePage(Modal[str | None]):
    """Enter gives the folder of an item's song, Escape None; all else is done here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q,alt+q",
            "close",
            "Close",
            id="queue.close",
            system=True,
            tooltip="Go back to the studio",
        ),
    ]

    def __init__(self, store: Store, keys: Mapping[str, str], *, go: Callable[[], object]) -> None:
        """`go` is called when something may be begun that could not before; it returns at once."""
        super().__init__()
        self._store, self._keys, self._go = store, keys, go
        self._items: dict[str, Item] = {}
        self._is_paused = False
        self._version = -1
        self._changing = asyncio.Lock()

    def compose(self) -> ComposeResult:
        """The list, a line that talks, and what the keys do."""
        names = {
            "up": "earlier",
            "down": "later",
            "hold": "holds",
            "remove": "removes",
            "pause": "pauses all",
            "close": "closes",
        }
        keys = " · ".join(f"{self._keys[f'queue.{name}']} {does}" for name, does in names.items())
        with Vertical(classes="dialog queue") as dialog:
            dialog.border_title = Content("Queue")
            yield QueueList()
            yield Static(id="queue-said", markup=False)
            yield Static(Content(f"enter opens the song · {keys}"), classes="faint", markup=False)

    def on_mount(self) -> None:
        """Read the queue, and go on looking at it."""
        self.query_one(QueueList).focus()
        self.look()
        self.set_interval(_LOOK_EVERY, self.look)

    @property
    def said(self) -> str:
        """The line that talks."""
        return str(self.query_one("#queue-said", Static).content)

    @work(group="look")
    async def look(self) -> None:
        """Take in what changed in the queue."""
        if self._changing.locked():
            return
        async with self._changing:
            try:
                changed = await asyncio.to_thread(self._read)
            except SongdeskError as error:
                self._say(f"✗ {error}")
                return
        if changed:
            self._show()

    @on(QueueList.Asked)
    @work(group="change")
    async def _asked(self, event: QueueList.Asked) -> None:
        async with self._changing:
            item = self._items.get(event.id)
            if item is None and event.verb != "pause":
                self._say("! there is nothing under the cursor")
                return
            lets_begin = self._frees(event.verb, item)
            try:
                said = await asyncio.to_thread(self._change, event.verb, item)
                await asyncio.to_thread(self._read)
            except SongdeskError as error:
                self._say(f"✗ {error}")
                return
        self._show()
        self._say(said)
        if lets_begin:
            self._go()

    @on(QueueList.Chosen)
    def _chosen(self, event: QueueList.Chosen) -> None:
        if event.id in self._items:
            self.dismiss(str(self._items[event.id].take.home))

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def _frees(self, verb: Verb, item: Item | None) -> bool:
        """Whether something may be begun then that could not before."""
        if verb == "pause":
            return self._is_paused
        return verb == "hold" and item is not None and item.held

    def _change(self, verb: Verb, item: Item | None) -> str:
        """Change the queue, and say what was done. On a thread of its own."""
        if item is None or verb == "pause":
            queue.pause(self._store, not self._is_paused)
            return "the queue goes on" if self._is_paused else "the queue stands still: nothing more begins"
        take, name = item.take, f"{item.take.title} {item.take.id}"
        match verb:
            case "remove":
                queue.remove(self._store, take)
                return f"{name} is not in the queue any more; its take stays"
            case "hold":
                queue.hold(self._store, take, not item.held)
                return f"{name} {'is made in its turn' if item.held else 'is on hold'}"
            case _:
                at = list(self._items).index(str(take.folder)) + (-1 if verb == "up" else 1)
                if 0 <= at < len(self._items):
                    queue.move(self._store, take, at)
                return ""

    def _read(self) -> bool:
        """Whether anything changed since the last look. On a thread of its own."""
        version = self._store.version()
        if version == self._version:
            return False
        found = queue.items(self._store)
        self._items = {str(item.take.folder): item for item in found}
        self._is_paused = queue.is_paused(self._store)
        self._version = version
        return True

    def _show(self) -> None:
        if not self.is_mounted:
            return
        items = self._items
        self.query_one(QueueList).show([row_of(item) for item in items.values()])
        held = sum(item.held for item in items.values())
        facts = [f"{len(items) - held} to be made"]
        if held:
            facts.append(f"{held} on hold")
        if self._is_paused:
            facts.append(f"stands still: {self._keys['queue.pause']} goes on")
        self.query_one(".queue", Vertical).border_title = Content(f"Queue · {' · '.join(facts)}")

    def _say(self, words: str) -> None:
        self.query_one("#queue-said", Static).update(Content(words))


def row_of(item: Item) -> QueueRow:
    """What one row says of an item."""
    take = item.take
    why = " · ".join(part for part in ("on hold" if item.held else "", item.error) if part)
    return QueueRow(str(take.folder), take.title, take.model, state_of(take), why)
