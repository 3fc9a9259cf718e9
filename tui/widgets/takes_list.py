"""The takes of a song as a table, children under their parents: Enter plays one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.cells import cell_len
from rich.segment import Segment
from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widgets import DataTable

from tui.widgets.bars import clip, clock, one_line
from tui.widgets.still_table import OfRow, StillTable, cell

COLUMNS = {"take": 10, "state": 17, "length": 6, "seed": 10, "detail": 20}
"""Columns and their widths (cells), the last at least; so no row is painted at the width of another one."""
_WIDE = 110
"""Cells from which notes have a column of their own."""
_DEEP = 6
"""Cells by which the takes of a wide list can stand further to the right."""
_PADDING = 2
"""Cells beside each column."""
_LEAST_NOTE = 18
NOTHING = "No takes yet: compose one, and it is kept here."
STAR = "★"

Verb = Literal[
    "star", "note", "details", "resing", "endings", "go_on", "render", "search", "sort",
    "trash", "undo", "bin", "empty", "back",
]  # fmt: skip
"""What can be asked for a take, or for the list."""


@dataclass(frozen=True, slots=True)
class TakeRow:
    """What one row says; None where something is not known."""

    id: str
    state_text: str
    seconds: float | None
    seed: int | None
    detail: str
    number: int = 0
    lead: str = ""
    """The lines of the tree before its number."""
    star: bool = False
    note: str = ""
    """What a person says of it."""

    def cells(self, signs: str, columns: dict[str, int]) -> tuple[str, ...]:
        """The words of the row for these columns; without a column for the note, the detail has it."""
        seed = "?" if self.seed is None else str(self.seed)
        detail, note = one_line(self.detail), one_line(self.note)
        name = f"{self.number}{STAR if self.star else ''} {signs}".rstrip()
        lead = _short(self.lead, columns["take"] - cell_len(name))
        cells = (lead + name, one_line(self.state_text), clock(self.seconds), seed)
        if "note" in columns:
            return (*cells, detail, note)
        return (*cells, " · ".join(part for part in (note and f"“{note}”", detail) if part))


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


def _key(key: str, verb: Verb, label: str, tooltip: str) -> Binding:
    return Binding(key, f"ask('{verb}')", label, id=f"takes.{verb}", tooltip=tooltip, show=False)


class TakesList(StillTable):
    """A table of takes that keeps its cursor on the same take when rows come and go."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "select_cursor",
            "Listen",
            id="takes.play",
            tooltip="Play the take under the cursor from its start; in the trash, take it out",
        ),
        _key("s", "star", "Star", "Give the take under the cursor a star, or take it away"),
        _key("e", "note", "Take note", "Write a note to the take under the cursor"),
        _key("i", "details", "Recipe", "Read what the take was made from, and what differs from its parent"),
        _key("r", "resing", "Re-sing", "Sing the take anew from a place in it; what is before stays"),
        _key("d", "endings", "Other endings", "Make several endings of the take from one place"),
        _key("g", "go_on", "Go on", "Finish a take that was broken off or paused, or a draft"),
        _key(
            "v", "render", "Render again", "Keep the singing and render its sound by the settings that stand"
        ),
        _key("slash", "search", "Search takes", "Show only the takes with certain words"),
        _key("t", "sort", "Sort takes", "Newest first as a tree, then by star, length, seed, state"),
        _key("delete", "trash", "Trash take", "Put the take under the cursor into the trash"),
        _key("u", "undo", "Undo trash", "Take out of the trash what went there last"),
        _key("w", "bin", "Show trash", "Show the trash, or the takes again"),
        Binding(
            "escape",
            "ask('back')",
            "All takes",
            id="takes.back",
            system=True,
            tooltip="Show all takes again, after a search or the trash",
            show=False,
        ),
        _key("shift+delete", "empty", "Empty trash", "Delete for good what is in the trash that shows"),
    ]

    class Chosen(OfRow):
        """Somebody wants to hear a take."""

    class Highlighted(OfRow):
        """The cursor came to a take."""

    class Asked(OfRow):
        """Something is to be done with the take under the cursor, or with the list."""

        def __init__(self, table: StillTable, verb: Verb, id: str) -> None:  # noqa: A002
            super().__init__(table, id)
            self.verb = verb

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(cursor_type="row", zebra_stripes=False, id=id, classes=classes)
        self._takes: tuple[TakeRow, ...] = ()
        self._signs = Signs()
        self._widths: dict[str, int] = {}
        self._nothing = NOTHING

    def on_mount(self) -> None:
        """Make the columns, and the rows that were asked for before."""
        self._lay_out()
        self.watch(self, "show_vertical_scrollbar", self._lay_out, init=False)

    def on_resize(self) -> None:
        """The last columns take the room there is."""
        self._lay_out()

    def _lay_out(self) -> None:
        widths = widths_for(self.scrollable_content_region.width)
        if widths == self._widths:
            return
        self._widths = widths
        stood_on = self.current
        self.clear(columns=True)
        for name, width in widths.items():
            self.add_column(Text(name), key=name, width=width)
        self._fill(stood_on.id if stood_on is not None else None)

    @property
    def current(self) -> TakeRow | None:
        """The take under the cursor."""
        return self._takes[self.cursor_row] if 0 <= self.cursor_row < len(self._takes) else None

    def show(self, rows: Sequence[TakeRow], *, nothing: str = NOTHING) -> None:
        """Show these takes, in this order, or say `nothing`; only what changed is written again."""
        if nothing != self._nothing:
            self._nothing = nothing
            self.refresh()
        old, new = self._takes, tuple(rows)
        if old == new:
            return
        if not self.columns:
            self._takes = new
            return
        if [take.id for take in old] == [take.id for take in new]:
            self._takes = new
            for before, after in zip(old, new, strict=True):
                if before != after:
                    self._update(before, after)
            return
        stood_on = self.current
        self._takes = new
        self._fill(stood_on.id if stood_on is not None else None)

    def go_to(self, id: str) -> None:  # noqa: A002
        """Put the cursor on a take, where it is in the list."""
        ids = [take.id for take in self._takes]
        if id in ids:
            self.move_cursor(row=ids.index(id))

    def mark(self, signs: Signs) -> None:
        """Show which takes are in hand and compared; only what changed is written again."""
        old, self._signs = self._signs, signs
        if old == signs or not self.columns or not self.row_count:
            return
        for take in self._takes:
            if old.of(take.id) != signs.of(take.id):
                self.write_cell(take.id, "take", self._cells(take)[0])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is nothing to play in an empty list; a row has no columns to go to the ends of."""
        if action in ("scroll_home", "scroll_end"):
            return False
        return bool(self._takes) if action == "select_cursor" else super().check_action(action, parameters)

    def action_ask(self, verb: Verb) -> None:
        """Ask for something to be done."""
        current = self.current
        self.post_message(self.Asked(self, verb, current.id if current is not None else ""))

    def render_line(self, y: int) -> Strip:
        """A row of the table; one sentence where there is none."""
        if y == 1 and not self._takes:
            text = clip(self._nothing, self.size.width)
            return Strip([Segment(text, self.rich_style)]).adjust_cell_length(
                self.size.width, self.rich_style
            )
        return super().render_line(y)

    def _fill(self, stood_on: str | None) -> None:
        if bool(self._takes) is not bool(self.row_count):
            self.refresh_bindings()
        at = self.cursor_row
        self.clear()
        for take in self._takes:
            self.add_row(*map(cell, self._cells(take)), key=take.id)
        ids = [take.id for take in self._takes]
        # One that is gone leaves the cursor where it was, and so on the next.
        self.move_cursor(row=ids.index(stood_on) if stood_on in ids else max(0, min(at, len(ids) - 1)))

    def _cells(self, take: TakeRow) -> tuple[str, ...]:
        return take.cells(self._signs.of(take.id), self._widths)

    def _update(self, before: TakeRow, after: TakeRow) -> None:
        for column, old, new in zip(self._widths, self._cells(before), self._cells(after), strict=True):
            if old != new:
                self.write_cell(after.id, column, new)

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


def widths_for(width: int) -> dict[str, int]:
    """The columns of a list that is so many cells wide."""
    if width < _WIDE:
        others = sum(COLUMNS.values()) - COLUMNS["detail"] + _PADDING * len(COLUMNS)
        return {**COLUMNS, "detail": max(COLUMNS["detail"], width - others)}
    columns = {**COLUMNS, "take": COLUMNS["take"] + _DEEP}
    others = sum(columns.values()) - columns["detail"] + _PADDING * (len(columns) + 1)
    note = max(_LEAST_NOTE, (width - others) // 3)
    return {**columns, "detail": width - others - note, "note": note}


def _short(lead: str, room: int) -> str:
    """The lines of the tree; of a deep one the last of them."""
    return lead if len(lead) <= room else "…" + lead[len(lead) - room + 1 :] if room > 0 else ""
