"""The way to the sound, over the studio: the address, what leads to it, and who listens."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from tui.screens.modal import Modal

if TYPE_CHECKING:
    from core.audio.listen.address import Address
    from tui.app import Studio

_LOOK_EVERY = 0.5
"""Seconds between two looks who listens."""


class ListenPage(Modal[bool]):
    """True asks for the end of listening; closed otherwise, it goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "c", "copy", "Copy the address", id="listen-page.copy", tooltip="Copy the address of the page"
        ),
        Binding("l", "copy_line", "Copy the ssh line", id="listen-page.line", tooltip="Copy the ssh line"),
        Binding(
            "alt+h",
            "stop",
            "Stop listening",
            id="listen-page.stop",
            tooltip="Stop listening in the browser, and play here again",
        ),
        Binding(
            "escape,q,enter",
            "close",
            "Close",
            id="listen-page.close",
            system=True,
            tooltip="Go back to the studio; listening goes on",
        ),
    ]

    def __init__(
        self,
        address: "Address",
        keys: Mapping[str, str],
        *,
        standing: Callable[[], str],
        copies: bool,
    ) -> None:
        """`standing` says who listens; with `copies` the address is copied at once."""
        super().__init__()
        self._address, self._keys, self._standing, self._copies = address, keys, standing, copies

    def compose(self) -> ComposeResult:
        """What to do, in its order, with notes; who listens; what the keys do."""
        address, keys = self._address, self._keys
        names = {"copy": "copies the address", "stop": "stops listening", "close": "closes"}
        if address.forward:
            names = {"copy": "copies the address", "line": "copies the ssh line"} | names
        with Vertical(classes="dialog listen") as dialog:
            dialog.border_title = Content("Listen where you sit")
            if address.forward:
                yield Static("On the machine where you sit, in a terminal:", markup=False)
                yield Static(address.forward, id="listen-line", markup=False)
            yield Static("In its browser:", markup=False)
            yield Static(address.url, id="listen-address", markup=False)
            for note in address.notes:
                yield Static(note, classes="faint", markup=False)
            yield Static(id="listen-standing", markup=False)
            yield Static(id="listen-said", markup=False)
            words = " · ".join(f"{keys[f'listen-page.{name}']} {does}" for name, does in names.items())
            yield Static(words, classes="faint", markup=False)

    def on_mount(self) -> None:
        """Make the address a link where the terminal has them, and go on looking who listens."""
        self.look()
        self.set_interval(_LOOK_EVERY, self.look)
        self._link()
        if self._copies:
            self.action_copy()

    def look(self) -> None:
        """Say who listens."""
        for line in self.query("#listen-standing").results(Static):  # none while the page is taken down
            line.update(Content(self._standing()))

    @property
    def said(self) -> str:
        """What became of the last thing that was copied."""
        return "".join(str(line.content) for line in self.query("#listen-said").results(Static))

    @work(group="link")
    async def _link(self) -> None:
        if (await self._studio.what_passes()).link:
            url = self._address.url
            for line in self.query("#listen-address").results(Static):
                line.update(Content.styled(url, Style(link=url)))

    def action_copy(self) -> None:
        """Copy the address."""
        self._copy("the address", self._address.url)

    def action_copy_line(self) -> None:
        """Copy the ssh line."""
        if self._address.forward:
            self._copy("the ssh line", self._address.forward)

    @work(group="copy", exclusive=True)
    async def _copy(self, what: str, text: str) -> None:
        told = await self._studio.put_on_clipboard(text)
        for line in self.query("#listen-said").results(Static):
            line.update(Content(f"{what}: {told}"))

    def action_stop(self) -> None:
        """Ask for the end of listening."""
        self.dismiss(True)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(False)

    @property
    def _studio(self) -> "Studio":
        return cast("Studio", self.app)
