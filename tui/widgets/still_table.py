"""A table that repaints the cell that changed, not all of itself."""

from typing import Self

from rich.text import Text
from textual.geometry import Region
from textual.message import Message
from textual.widgets import DataTable


class StillTable(DataTable[Text]):
    """Cells hold words as they are; one that is written again costs its own bytes over a link."""

    _is_writing = False

    def write_cell(self, row: str, column: str, words: str) -> None:
        """Write one cell again."""
        self._is_writing = True
        try:
            self.update_cell(row, column, cell(words))
        finally:
            self._is_writing = False
        self.refresh_coordinate(self.get_cell_coordinate(row, column))

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Repaint; while a cell is written that cell is enough."""
        if self._is_writing and not (regions or layout or recompose):
            return self
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)


class OfRow(Message):
    """Something about a row of a table, named by its key; empty where there is no row."""

    def __init__(self, table: StillTable, id: str) -> None:  # noqa: A002
        super().__init__()
        self.table = table
        self.id = id

    @property
    def control(self) -> StillTable:
        """The table it came from."""
        return self.table


def cell(words: str) -> Text:
    """Words in one line, with `…` where something is missing."""
    return Text(words, no_wrap=True, overflow="ellipsis")
