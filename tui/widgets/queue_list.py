"""What waits to be made, as a table in its order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.segment import Segment
from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widgets import DataTable

from tui.widgets.bars import clip, one_line
from tui.widgets.still_table import OfRow, StillTable, cell

COLUMNS = {"place": 5, "song": 22, "model": 12, "state": 13, "why": 10}
"""Columns and their widths (cells), the last at least."""
_PADDING = 2
NOTHING = "Nothing waits to be made."

Verb = Literal["up", "down", "remove", "hold", "pause"]


@dataclass(frozen=True, slots=True)
class QueueRow:
    """What one row says."""

    id: str
    song: str
    model: str
    state: str
    why: str
    """Why it waits, or what it is."""

    @property
    def cells(self) -> tuple[str, ...]:
        """The words of the row, in the order of `COLUMNS` without the place."""
        return tuple(map(one_line, (self.song, self.model, self.state, self.why)))


class QueueList(StillTable):
    """Keeps its cursor on the same item when the order changes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "select_cursor", "Open", id="queue.open", system=True, tooltip="Open the song of it"
        ),
        Binding("alt+up", "ask('up')", "Earlier", id="queue.up", system=True, tooltip="Have it made earlier"),
        Binding(
            "alt+down", "ask('down')", "Later", id="queue.down", system=True, tooltip="Have it made later"
        ),
        Binding(
            "h",
            "ask('hold')",
            "Hold",
            id="queue.hold",
            system=True,
            tooltip="Have it wait until you say so, or let it be made",
        ),
        Binding(
            "delete",
            "ask('remove')",
            "Remove",
            id="queue.remove",
            system=True,
            tooltip="Take it out of the queue; the take stays, and can be gone on with",
        ),
        Binding(
            "p",
            "ask('pause')",
            "Pause all",
            id="queue.pause",
            system=True,
            tooltip="Let the whole queue stand still, or go on",
        ),
    ]

    class Chosen(OfRow):
        """The song of an item is to be opened."""

    class Asked(OfRow):
        """The order is to be changed, or what is begun."""

        def __init__(self, table: StillTable, verb: Verb, id: str) -> None:  # noqa: A002
            super().__init__(table, id)
            self.verb = verb

    def __init__(self) -> None:
        super().__init__(cursor_type="row", zebra_stripes=False)
        self._items: tuple[QueueRow, ...] = ()
        self._room = 0

    def on_mount(self) -> None:
        """Make the columns."""
        self._lay_out()
        self.watch(self, "show_vertical_scrollbar", self._lay_out, init=False)

    def on_resize(self) -> None:
        """The last column takes the room there is."""
        self._lay_out()

    @property
    def current(self) -> QueueRow | None:
        """The item under the cursor."""
        return self._items[self.cursor_row] if 0 <= self.cursor_row < len(self._items) else None

    @property
    def ids(self) -> tuple[str, ...]:
        """The items in their order."""
        return tuple(item.id for item in self._items)

    def show(self, rows: Sequence[QueueRow]) -> None:
        """Show these items, in this order; only what changed is written again."""
        old, new = self._items, tuple(rows)
        if old == new:
            return
        stood_on = self.current
        self._items = new
        if [item.id for item in old] != [item.id for item in new]:
            self._fill(stood_on.id if stood_on is not None else "")
            return
        for before, after in zip(old, new, strict=True):
            for column, was, now in zip(list(COLUMNS)[1:], before.cells, after.cells, strict=True):
                if was != now:
                    self.write_cell(after.id, column, now)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A row has no columns to go to the ends of."""
        if action in ("scroll_home", "scroll_end"):
            return False
        return super().check_action(action, parameters)

    def action_ask(self, verb: Verb) -> None:
        """Ask for a change."""
        current = self.current
        self.post_message(self.Asked(self, verb, current.id if current is not None else ""))

    def render_line(self, y: int) -> Strip:
        """A row of the table; one sentence where there is none."""
        if y == 1 and not self._items:
            text = clip(NOTHING, self.size.width)
            return Strip([Segment(text, self.rich_style)]).adjust_cell_length(
                self.size.width, self.rich_style
            )
        return super().render_line(y)

    def _lay_out(self) -> None:
        others = sum(COLUMNS.values()) - COLUMNS["why"] + _PADDING * len(COLUMNS)
        room = max(COLUMNS["why"], self.scrollable_content_region.width - others)
        if room == self._room:
            return
        self._room = room
        stood_on = self.current
        self.clear(columns=True)
        for name, width in {**COLUMNS, "why": room}.items():
            self.add_column(Text(name), key=name, width=width)
        self._fill(stood_on.id if stood_on is not None else "")

    def _fill(self, stood_on: str) -> None:
        at = self.cursor_row
        self.clear()
        for place, item in enumerate(self._items, 1):
            self.add_row(*map(cell, (str(place), *item.cells)), key=item.id)
        ids = self.ids
        self.move_cursor(row=ids.index(stood_on) if stood_on in ids else max(0, min(at, len(ids) - 1)))

    @on(DataTable.RowSelected)
    def _row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        if event.row_key.value is not None:
            self.post_message(self.Chosen(self, event.row_key.value))

    @on(DataTable.RowHighlighted)
    def _row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
