"""The takes of this session as a table: Enter plays one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widgets import DataTable

from tui.widgets.bars import clip, clock, one_line

COLUMNS = {"take": 6, "state": 17, "length": 6, "seed": 10, "detail": 20}
"""Columns and their widths (cells), the last at least; so no row is painted at the width of another one."""
_PADDING = 2
"""Cells beside each column."""
NOTHING = "No takes yet: compose one, and it is kept here."


@dataclass(frozen=True, slots=True)
class TakeRow:
    """What one row says; None where something is not known."""

    id: str
    state_text: str
    seconds: float | None
    seed: int | None
    detail: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The words of the row, in the order of `COLUMNS` without the number."""
        seed = "?" if self.seed is None else str(self.seed)
        return (
            one_line(self.state_text),
            clock(self.seconds),
            seed,
            one_line(self.detail),
        )


@dataclass(frozen=True, slots=True)
class Signs:
    """What stands beside the numbers of takes: by a take's id a letter or two."""

    heard: str = ""
    """The take in hand."""
    playing: bool = False
    a: str = ""
    """The takes that are compared."""
    b: str = ""

    def of(self, id: str) -> str:  # noqa: A002
        """The signs of one take, such as `A▶`."""
        letters = ("A" if id == self.a else "") + ("B" if id == self.b else "")
        if id != self.heard:
            return letters
        return letters + ("▶" if self.playing else "⏸")


class TakesList(DataTable[Text]):
    """A table of takes that keeps its cursor on the same take when rows come and go."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "select_cursor",
            "Listen",
            id="takes.play",
            tooltip="Play the take under the cursor from its start",
        ),
    ]

    class Chosen(Message):
        """Somebody wants to hear a take."""

        def __init__(self, takes_list: "TakesList", id: str) -> None:  # noqa: A002
            super().__init__()
            self.takes_list = takes_list
            self.id = id

        @property
        def control(self) -> "TakesList":
            """The list it came from."""
            return self.takes_list

    class Highlighted(Message):
        """The cursor came to a take."""

        def __init__(self, takes_list: "TakesList", id: str) -> None:  # noqa: A002
            super().__init__()
            self.takes_list = takes_list
            self.id = id

        @property
        def control(self) -> "TakesList":
            """The list it came from."""
            return self.takes_list

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(cursor_type="row", zebra_stripes=False, id=id, classes=classes)
        self._takes: tuple[TakeRow, ...] = ()
        self._signs = Signs()
        self._detail_width = 0

    def on_mount(self) -> None:
        """Make the columns, and the rows that were asked for before."""
        self._lay_out()

    def on_resize(self) -> None:
        """The last column takes the room there is."""
        self._lay_out()

    def _lay_out(self) -> None:
        others = sum(COLUMNS.values()) - COLUMNS["detail"] + _PADDING * len(COLUMNS)
        room = max(COLUMNS["detail"], self.size.width - others)
        if room == self._detail_width:
            return
        self._detail_width = room
        stood_on = self.current
        self.clear(columns=True)
        for name, width in {**COLUMNS, "detail": room}.items():
            self.add_column(Text(name), key=name, width=width)
        self._fill(stood_on.id if stood_on is not None else None)

    @property
    def current(self) -> TakeRow | None:
        """The take under the cursor."""
        return self._takes[self.cursor_row] if 0 <= self.cursor_row < len(self._takes) else None

    def show(self, rows: Sequence[TakeRow]) -> None:
        """Show these takes, in this order; only what changed is written again."""
        old, new = self._takes, tuple(rows)
        if old == new:
            return
        if not self.columns:
            self._takes = new
            return
        if [take.id for take in old] == [take.id for take in new]:
            self._takes = new
            for before, after in zip(old, new, strict=True):
                self._update(before, after)
            return
        stood_on = self.current
        self._takes = new
        self._fill(stood_on.id if stood_on is not None else None)

    def mark(self, signs: Signs) -> None:
        """Show which takes are in hand and compared; only what changed is written again."""
        old, self._signs = self._signs, signs
        if old == signs or not self.columns or not self.row_count:
            return
        for number, take in self._numbered():
            if old.of(take.id) != signs.of(take.id):
                self.update_cell(take.id, "take", _cell(f"{number} {signs.of(take.id)}".rstrip()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is nothing to play in an empty list; a row has no columns to go to the ends of."""
        if action in ("scroll_home", "scroll_end"):
            return False
        return bool(self._takes) if action == "select_cursor" else super().check_action(action, parameters)

    def render_line(self, y: int) -> Strip:
        """A row of the table; one sentence where there is none."""
        if y == 1 and not self._takes:
            text = clip(NOTHING, self.size.width)
            return Strip([Segment(text, self.rich_style)]).adjust_cell_length(
                self.size.width, self.rich_style
            )
        return super().render_line(y)

    def _fill(self, stood_on: str | None) -> None:
        if bool(self._takes) is not bool(self.row_count):
            self.refresh_bindings()
        self.clear()
        for number, take in self._numbered():
            first = f"{number} {self._signs.of(take.id)}".rstrip()
            self.add_row(*(_cell(words) for words in (first, *take.cells)), key=take.id)
        ids = [take.id for take in self._takes]
        self.move_cursor(row=ids.index(stood_on) if stood_on in ids else 0)

    def _numbered(self) -> Iterator[tuple[int, TakeRow]]:
        """The takes with their numbers, which count from the oldest."""
        return zip(range(len(self._takes), 0, -1), self._takes, strict=True)

    def _update(self, before: TakeRow, after: TakeRow) -> None:
        for column, old, new in zip(list(COLUMNS)[1:], before.cells, after.cells, strict=True):
            if old != new:
                self.update_cell(after.id, column, _cell(new))

    @on(DataTable.RowSelected)
    def _row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        if event.row_key.value is not None:
            self.post_message(self.Chosen(self, event.row_key.value))

    @on(DataTable.RowHighlighted)
    def _row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        if event.row_key.value is not None:
            self.post_message(self.Highlighted(self, event.row_key.value))


def _cell(words: str) -> Text:
    return Text(words, no_wrap=True, overflow="ellipsis")
