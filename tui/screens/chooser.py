"""One line out of many, over the studio."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static

from tui.screens.modal import Modal
from tui.widgets.fuzzy_list import FuzzyList, Row

_BESIDES = 10
"""Rows for the frame, what is typed, the foot, and some of the studio above and below."""


class Chooser(Modal[str | None]):
    """Typing narrows the lines, Enter gives the id of the one in hand, Escape gives None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="chooser.cancel", system=True, tooltip="Choose nothing"),
    ]

    def __init__(
        self, title: str, rows: Sequence[Row], *, at: str = "", foot: str = "Enter takes it, Escape goes back"
    ) -> None:
        """`rows` are (id, words, aside); `at` is the id in hand at first; `foot` says what the keys do."""
        super().__init__()
        self._heading, self._rows, self._at, self._foot = title, rows, at, foot

    def compose(self) -> ComposeResult:
        """The title, the lines, and what the keys do."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._heading)
            yield FuzzyList(self._rows, at=self._at)
            yield Static(self._foot, classes="faint", markup=False)

    def on_resize(self) -> None:
        """Keep one height while typing narrows the lines, and leave room around it."""
        styles = self.query_one(OptionList).styles
        styles.height = styles.max_height = max(1, min(len(self._rows), self.size.height - _BESIDES))

    @on(FuzzyList.Chosen)
    def _chosen(self, event: FuzzyList.Chosen) -> None:
        self.dismiss(event.chosen)

    def action_cancel(self) -> None:
        """Go back."""
        self.dismiss(None)
