"""A text area that sends a slow link only the rows that changed."""

from textual.document._document import EditResult, Selection
from textual.document._edit import Edit
from textual.geometry import Offset
from textual.reactive import Reactive, reactive
from textual.widgets import TextArea


class ThriftyTextArea(TextArea):
    """Repaints the rows that changed; the stock one repaints itself whole for each key."""

    selection: Reactive[Selection] = reactive(Selection(), init=False, always_update=True, repaint=False)
    _shown_bracket: tuple[int, int] | None = None

    def watch_selection(self, old: Selection, new: Selection) -> None:
        """Repaint the rows the cursor, the selection and the bracket pair left or entered."""
        if not self.is_mounted:
            return
        for row in self._rows_between(old, new) | self._bracket_rows():
            self.refresh_row(row)

    def refresh_row(self, row: int) -> None:
        """Repaint every screen line of one document row; everything, where the row is gone."""
        if not 0 <= row < self.document.line_count:
            self.refresh()
            return
        first = self.wrapped_document.location_to_offset((row, 0)).y
        self.refresh_lines(first, len(self.wrapped_document.get_offsets(row)) + 1)

    def scroll_cursor_visible(self, center: bool = False, animate: bool = False) -> Offset:
        """Scroll to the cursor; not while an undo has taken its row away and not yet moved it.

        The stock method raises there when the undo also takes the scrollbar away.
        """
        if self.cursor_location[0] >= self.document.line_count:
            return Offset(0, 0)
        return super().scroll_cursor_visible(center, animate)

    def edit(self, edit: Edit) -> EditResult:
        """Make one edit and repaint its rows, or everything below when rows moved."""
        before = self._geometry()
        result = super().edit(edit)
        if self._geometry() != before:
            self.refresh()
            return result
        last = max(edit.bottom[0], result.end_location[0])
        for row in range(min(edit.top[0], result.end_location[0]), last + 1):
            self.refresh_row(row)
        return result

    def undo(self) -> None:
        """Take back the last batch of edits."""
        super().undo()
        self.refresh()

    def redo(self) -> None:
        """Make the last batch of edits again."""
        super().redo()
        self.refresh()

    def _geometry(self) -> tuple[int, int, int]:
        return self.document.line_count, self.wrapped_document.height, self.gutter_width

    @staticmethod
    def _rows_between(old: Selection, new: Selection) -> set[int]:
        if old.is_empty and new.is_empty:
            return {old.end[0], new.end[0]}
        rows = [place[0] for place in (*old, *new)]
        return set(range(min(rows), max(rows) + 1))

    def _bracket_rows(self) -> set[int]:
        bracket, shown = self.matching_bracket_location, self._shown_bracket
        self._shown_bracket = bracket
        return {place[0] for place in (bracket, shown) if place is not None}
