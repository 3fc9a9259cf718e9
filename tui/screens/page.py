"""A page of text over the studio."""

from typing import ClassVar

from rich.console import RenderableType
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.screens.modal import Modal


class Page(Modal[None]):
    """Text to read and scroll; Escape closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q,f1", "dismiss", "Close", id="page.close", system=True, tooltip="Go back to the studio"
        ),
    ]

    def __init__(self, title: str, content: Content | RenderableType) -> None:
        super().__init__()
        self._heading, self._content = title, content

    def compose(self) -> ComposeResult:
        """A heading and the text."""
        with VerticalScroll(classes="page") as page:
            page.border_title = Content(self._heading)
            page.border_subtitle = "Escape closes"
            yield Static(self._content, markup=False)
