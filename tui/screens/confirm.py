"""Small questions over the studio: yes or no, and one line of text."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from tui.screens.modal import Modal
from tui.widgets.still_input import StillInput


class Confirm(Modal[bool]):
    """Asks once; Escape is the safe answer, no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes", system=True, tooltip="Yes"),
        Binding("n,escape", "answer(False)", "No", id="confirm.no", system=True, tooltip="No, go back"),
        Binding(
            "left",
            "app.focus_previous",
            "Other",
            id="confirm.left",
            system=True,
            tooltip="The other answer",
            show=False,
        ),
        Binding(
            "right",
            "app.focus_next",
            "Other",
            id="confirm.right",
            system=True,
            tooltip="The other answer",
            show=False,
        ),
    ]

    def __init__(self, question: str, *, yes: str, no: str) -> None:
        super().__init__()
        self._question, self._yes, self._no = question, yes, no

    def compose(self) -> ComposeResult:
        """The question, and both answers with their keys; the safe one has the focus."""
        with Vertical(classes="dialog"):
            yield Static(self._question, markup=False)
            with Horizontal():
                yield Button(Content(self._no), id="no", compact=True)
                yield Button(Content(self._yes), id="yes", compact=True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, is_yes: bool) -> None:
        """Answer by key."""
        self.dismiss(is_yes)


class Prompt(Modal[str | None]):
    """Asks for one line; Escape gives None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape", "cancel", "Cancel", id="prompt.cancel", system=True, tooltip="Go back without an answer"
        ),
    ]

    def __init__(self, question: str, *, value: str = "", may_be_empty: bool = False) -> None:
        """With `may_be_empty` a line without a word is an answer too."""
        super().__init__()
        self._question, self._value, self._may_be_empty = question, value, may_be_empty

    def compose(self) -> ComposeResult:
        """The question and the line."""
        with Vertical(classes="dialog"):
            yield Static(self._question, markup=False)
            yield StillInput(self._value, compact=True)
            yield Static("Enter takes it, Escape goes back", classes="faint", markup=False)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        words = event.value.strip()
        self.dismiss(words if words or self._may_be_empty else None)

    def action_cancel(self) -> None:
        """Go back."""
        self.dismiss(None)
