"""The models, over the studio: what is here, what fits this machine; one is chosen or fetched."""

import asyncio
from collections.abc import Mapping
from typing import ClassVar, Protocol

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from core.errors import SongdeskError
from core.models.presence import presence_of
from core.registry import variant
from tui.fetching import Progress
from tui.model_rows import Known, licence_of, rows_of
from tui.screens.confirm import Confirm
from tui.screens.modal import Modal
from tui.widgets.model_list import ModelList, ModelRow

_LOOK_EVERY = 0.5
"""Seconds between two looks at how far a fetch is, and whether the machine is known."""


class Workshop(Protocol):
    """What the page asks of the studio, which goes on when the page is left."""

    known: Known

    @property
    def fetched(self) -> Progress:
        """How far a fetch is."""

    def fetch(self, model: str) -> None:
        """Begin to fetch a model."""

    def cancel_fetch(self) -> None:
        """End it."""

    def look_at_machine(self, *, again: bool = False) -> None:
        """Find out what this machine is, once, or again."""


class ModelsPage(Modal[str | None]):
    """Enter gives the model that the song is to be made with, Escape None; all else is done here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q,alt+u",
            "close",
            "Close",
            id="models.close",
            system=True,
            tooltip="Go back to the studio; a fetch goes on",
        ),
    ]

    def __init__(self, workshop: Workshop, keys: Mapping[str, str], *, in_use: str) -> None:
        """`in_use` is the model that the open song is made with."""
        super().__init__()
        self._workshop, self._keys, self._in_use = workshop, keys, in_use
        self._shown: tuple[Known, str] | None = None
        """Of what the rows were reckoned."""
        self._is_reading = False

    def compose(self) -> ComposeResult:
        """The list, the model in hand in full, a line that talks, and what the keys do."""
        names = {"fetch": "fetches", "cancel": "cancels", "look": "looks again", "close": "closes"}
        keys = " · ".join(f"{self._keys[f'models.{name}']} {does}" for name, does in names.items())
        with Vertical(classes="dialog models") as dialog:
            dialog.border_title = Content(f"Models · this song: {self._in_use}")
            yield ModelList()
            yield Static(id="model-about", markup=False)
            yield Static(id="models-said", markup=False)
            yield Static(Content(f"enter uses it for this song · {keys}"), classes="faint", markup=False)

    def on_mount(self) -> None:
        """Read what is here, and go on looking."""
        self.query_one(ModelList).focus()
        self._workshop.look_at_machine()
        self.look()
        self.set_interval(_LOOK_EVERY, self.look)

    @property
    def said(self) -> str:
        """The line that talks."""
        return str(self.query_one("#models-said", Static).content)

    def look(self) -> None:
        """Show how far a fetch is; reckon the rows anew where something else is known."""
        fetched = self._workshop.fetched
        if fetched.words:
            self._say(fetched.words)
        now = (self._workshop.known, fetched.state)
        if now != self._shown and not self._is_reading:
            self._shown = now
            self._read(self._workshop.known)

    @work(group="read")
    async def _read(self, known: Known) -> None:
        self._is_reading = True
        self.query_one(".models", Vertical).border_subtitle = Content(known.words)
        try:
            rows = await asyncio.to_thread(rows_of, known, self._in_use)
        except SongdeskError as error:
            self._say(f"✗ {error}")
            return
        finally:
            self._is_reading = False
        if self.is_mounted:
            self.query_one(ModelList).show(rows)
            self._tell()

    @on(ModelList.Pointed)
    def _tell(self) -> None:
        current = self._current
        self.query_one("#model-about", Static).update(Content(current.about if current is not None else ""))

    @property
    def _current(self) -> ModelRow | None:
        return self.query_one(ModelList).current

    @on(ModelList.Asked)
    def _asked(self, event: ModelList.Asked) -> None:
        match event.verb:
            case "look":
                self._workshop.look_at_machine(again=True)
                self._shown = None
                self.look()
            case "cancel" if self._workshop.fetched.state == "running":
                self._workshop.cancel_fetch()
            case "cancel":
                self._say("nothing is being fetched")
            case "fetch" if event.id:
                self._fetch(event.id)

    @work(group="fetch", exclusive=True)
    async def _fetch(self, model: str) -> None:
        """Ask, with the licence and the sizes, and begin."""
        if self._workshop.fetched.state == "running":
            self._say(
                f"! {self._workshop.fetched.model} is being fetched: one at a time; "
                f"{self._keys['models.cancel']} cancels it"
            )
            return
        chosen = variant(model)
        presence = await asyncio.to_thread(presence_of, chosen)
        if not presence.still:
            self._say(f"there is nothing to fetch of {model}: it is {presence.words}")
            return
        question = await asyncio.to_thread(licence_of, chosen, presence)
        yes, no = (self._keys[f"confirm.{answer}"] for answer in ("yes", "no"))
        if await self.app.push_screen_wait(Confirm(question, yes=f"Fetch ({yes})", no=f"Not now ({no})")):
            self._workshop.fetch(model)
            self.look()

    @on(ModelList.Chosen)
    def _chosen(self, event: ModelList.Chosen) -> None:
        self.dismiss(event.id)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def _say(self, words: str) -> None:
        if words != self.said:
            self.query_one("#models-said", Static).update(Content(words))
