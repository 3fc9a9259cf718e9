"""The models as a table: what is here of each, its size, and what fits this machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from tui.widgets.bars import one_line
from tui.widgets.still_table import OfRow, StillTable, cell

COLUMNS = {"model": 14, "here": 14, "size": 8, "fits": 12}
"""Columns and their widths (cells), the last at least."""
_PADDING = 2
IN_USE = "* "
"""Before the model that the song is made with."""

Verb = Literal["fetch", "cancel", "look"]


@dataclass(frozen=True, slots=True)
class ModelRow:
    """What one row says, and what is told of it below the table."""

    id: str
    here: str
    size: str
    fits: str
    about: str = ""
    """In full, in a few lines."""
    is_in_use: bool = False

    @property
    def cells(self) -> tuple[str, ...]:
        """The words of the row, in the order of `COLUMNS`."""
        name = (IN_USE if self.is_in_use else " " * len(IN_USE)) + one_line(self.id)
        return (name, *map(one_line, (self.here, self.size, self.fits)))


class ModelList(StillTable):
    """Every model songdesk knows, in the order of its registry."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "select_cursor",
            "Use",
            id="models.use",
            system=True,
            tooltip="Make this song with it from now on",
        ),
        Binding(
            "f",
            "ask('fetch')",
            "Fetch",
            id="models.fetch",
            system=True,
            tooltip="Fetch its weights, after a look at licence and size",
        ),
        Binding(
            "c",
            "ask('cancel')",
            "Cancel",
            id="models.cancel",
            system=True,
            tooltip="End the fetching; what is fetched stays, and is gone on with another time",
        ),
        Binding(
            "r",
            "ask('look')",
            "Look again",
            id="models.look",
            system=True,
            tooltip="Look at this machine and at the disk anew",
        ),
    ]

    class Chosen(OfRow):
        """The song is to be made with it."""

    class Pointed(OfRow):
        """It is under the cursor."""

    class Asked(OfRow):
        """Something is to be done with it."""

        def __init__(self, table: StillTable, verb: Verb, id: str) -> None:  # noqa: A002
            super().__init__(table, id)
            self.verb = verb

    def __init__(self) -> None:
        super().__init__(cursor_type="row", zebra_stripes=False)
        self._items: tuple[ModelRow, ...] = ()
        self._room = 0

    def on_mount(self) -> None:
        """Make the columns."""
        self._lay_out()

    def on_resize(self) -> None:
        """The last column takes the room there is."""
        self._lay_out()

    @property
    def current(self) -> ModelRow | None:
        """The model under the cursor."""
        return self._items[self.cursor_row] if 0 <= self.cursor_row < len(self._items) else None

    @property
    def items(self) -> tuple[ModelRow, ...]:
        """The rows as they stand."""
        return self._items

    def show(self, rows: Sequence[ModelRow]) -> None:
        """Show these models; only what changed is written again."""
        old, new = self._items, tuple(rows)
        self._items = new
        if [item.id for item in old] != [item.id for item in new]:
            self._fill(next((item.id for item in new if item.is_in_use), ""))
            return
        for before, after in zip(old, new, strict=True):
            for column, was, now in zip(COLUMNS, before.cells, after.cells, strict=True):
                if was != now:
                    self.write_cell(after.id, column, now)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A row has no columns to go to the ends of."""
        if action in ("scroll_home", "scroll_end"):
            return False
        return super().check_action(action, parameters)

    def action_ask(self, verb: Verb) -> None:
        """Ask for something."""
        current = self.current
        self.post_message(self.Asked(self, verb, current.id if current is not None else ""))

    def _lay_out(self) -> None:
        others = sum(COLUMNS.values()) - COLUMNS["fits"] + _PADDING * len(COLUMNS)
        room = max(COLUMNS["fits"], self.scrollable_content_region.width - others)
        if room == self._room:
            return
        self._room = room
        stood_on = self.current
        self.clear(columns=True)
        for name, width in {**COLUMNS, "fits": room}.items():
            self.add_column(Text(name), key=name, width=width)
        self._fill(stood_on.id if stood_on is not None else "")

    def _fill(self, stood_on: str) -> None:
        self.clear()
        for item in self._items:
            self.add_row(*map(cell, item.cells), key=item.id)
        ids = [item.id for item in self._items]
        self.move_cursor(row=ids.index(stood_on) if stood_on in ids else 0)

    @on(DataTable.RowSelected)
    def _row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        if event.row_key.value is not None:
            self.post_message(self.Chosen(self, event.row_key.value))

    @on(DataTable.RowHighlighted)
    def _row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        if event.row_key.value is not None:
            self.post_message(self.Pointed(self, event.row_key.value))
