"""A line in which one types what a list is narrowed to."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from tui.widgets.still_input import StillInput


class SearchLine(Horizontal):
    """Enter goes to the list as it is narrowed, Escape shows all of it again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "close",
            "All again",
            id="search.close",
            system=True,
            tooltip="Show the whole list again",
        ),
        Binding(
            "down",
            "leave",
            "To the list",
            id="search.list",
            system=True,
            tooltip="Go to what was found",
            show=False,
        ),
    ]

    class Typed(Message):
        """Other words are searched for; none when the line was closed."""

        def __init__(self, source: "SearchLine", words: str) -> None:
            super().__init__()
            self.source = source
            self.words = words

        @property
        def control(self) -> "SearchLine":
            """The line it came from."""
            return self.source

    class Left(Message):
        """The keyboard belongs to the list again."""

        def __init__(self, source: "SearchLine") -> None:
            super().__init__()
            self.source = source

        @property
        def control(self) -> "SearchLine":
            """The line it came from."""
            return self.source

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, disabled=True)  # what is disabled is not on the keyboard's way
        self.display = False

    def compose(self) -> ComposeResult:
        """The words, and how many were found."""
        yield Static("Search ", markup=False)
        yield StillInput(compact=True, placeholder="words of the title, the note, the seed, the state …")
        yield Static(id="search-count", markup=False)

    @property
    def words(self) -> str:
        """What is searched for; empty while the line is closed."""
        return self.query_one(Input).value.strip() if self.display else ""

    def open(self) -> None:
        """Show the line and type in it."""
        self.display, self.disabled = True, False
        field = self.query_one(Input)
        field.focus()
        field.action_select_all()

    def close(self) -> None:
        """Put the line away and forget its words."""
        self.query_one(Input).value = ""
        self.display, self.disabled = False, True

    def count(self, found: int) -> None:
        """Say how many were found."""
        words = ("none" if not found else str(found)) if self.words else ""
        self.query_one("#search-count", Static).update(Content(f" {words}"))

    def action_close(self) -> None:
        """Show the whole list again."""
        self.close()
        self.post_message(self.Typed(self, ""))
        self.post_message(self.Left(self))

    def action_leave(self) -> None:
        """Go to the list as it is."""
        if not self.words:
            self.action_close()
        else:
            self.post_message(self.Left(self))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.display:
            self.post_message(self.Typed(self, event.value.strip()))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_leave()
