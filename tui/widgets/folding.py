"""A text area that can hide the rows under one: they stay in the text, and opening is walking in."""

from collections.abc import Sequence

from textual.document._document import VALID_NEWLINES, DocumentBase, EditResult, Location, Selection
from textual.document._document_navigator import DocumentNavigator
from textual.document._edit import Edit
from textual.document._wrapped_document import WrappedDocument
from textual.geometry import Offset

from tui.widgets.thrifty import ThriftyTextArea


class FoldedDocument(WrappedDocument):
    """The wrapped text with some rows left out."""

    def __init__(self, document: DocumentBase, width: int = 0, tab_width: int = 4) -> None:
        self.folds: dict[int, int] = {}
        """For each row that stands for more, the last row it hides."""
        self.hidden: frozenset[int] = frozenset()
        """The rows that the tables of what stands where leave out."""
        super().__init__(document, width, tab_width)

    @property
    def height(self) -> int:
        """Screen lines of all that is shown."""
        return len(self._offset_to_line_info)

    def wrap(self, width: int, tab_width: int | None = None) -> None:
        """Measure the whole text for a width (cells)."""
        super().wrap(width, tab_width)
        self.hidden = frozenset()
        self.lay_out()

    def wrap_range(self, start: Location, old_end: Location, new_end: Location) -> None:
        """Measure again what an edit changed."""
        if self.hidden:
            self._leave_out(frozenset())
        super().wrap_range(start, old_end, new_end)
        self.lay_out()

    def lay_out(self) -> None:
        """Leave out the rows of the folds as they now are."""
        hidden = frozenset(row for first, last in self.folds.items() for row in range(first + 1, last + 1))
        if hidden != self.hidden:
            self._leave_out(hidden)

    def location_to_offset(self, location: Location) -> Offset:
        """Where a place of the text is shown; a hidden one where its fold is."""
        if location[0] not in self.hidden:
            return super().location_to_offset(location)
        return Offset(0, self._line_index_to_offsets[location[0]][0])

    def _leave_out(self, hidden: frozenset[int]) -> None:
        shown: list[tuple[int, int]] = []
        offsets: list[list[int]] = []
        for row, breaks in enumerate(self._wrap_offsets):
            if row in hidden:
                offsets.append([max(0, len(shown) - 1)])
                continue
            offsets.append(list(range(len(shown), len(shown) + len(breaks) + 1)))
            shown += [(row, part) for part in range(len(breaks) + 1)]
        self._offset_to_line_info, self._line_index_to_offsets = shown, offsets
        self.hidden = hidden


class FoldedNavigator(DocumentNavigator):
    """The way up and down past hidden rows."""

    def __init__(self, wrapped_document: FoldedDocument) -> None:
        super().__init__(wrapped_document)
        self._shown = wrapped_document

    def get_location_above(self, location: Location) -> Location:
        """The place a screen line higher."""
        row, column = super().get_location_above(location)
        if row not in self._shown.hidden:
            return row, column
        while row in self._shown.hidden:
            row -= 1
        return row, self._shown.get_target_document_column(row, self.last_x_offset, -1)

    def get_location_below(self, location: Location) -> Location:
        """The place a screen line lower; the end of the row where all below is hidden."""
        row, column = super().get_location_below(location)
        if row not in self._shown.hidden:
            return row, column
        while row in self._shown.hidden:
            row += 1
        if row >= self._document.line_count:
            return location[0], len(self._document[location[0]])
        return row, self._shown.get_target_document_column(row, self.last_x_offset, 0)


class FoldingTextArea(ThriftyTextArea):
    """Hides rows on demand; an edit of hidden rows, or the cursor coming into them, shows them again."""

    @property
    def folds(self) -> dict[int, int]:
        """For each row that stands for more, the last row it hides."""
        return self.wrapped_document.folds if isinstance(self.wrapped_document, FoldedDocument) else {}

    def fold(self, spans: Sequence[tuple[int, int]]) -> None:
        """Hide rows `first + 1` to `last` of each span; a cursor in them goes to the end of `first`."""
        row = self.cursor_location[0]
        for first, last in spans:
            if first < row <= last:
                self.move_cursor((first, len(self.document[first])))
        self.folds.update((first, last) for first, last in spans if first < last)
        self._show_folds()

    def unfold(self, rows: Sequence[int]) -> None:
        """Show again what the folds at these rows hide."""
        for row in rows:
            self.folds.pop(row, None)
        self._show_folds()

    def validate_selection(self, selection: Selection) -> Selection:
        """The cursor is never hidden: a fold it comes into opens."""
        opened = [at for at, end in self.folds.items() if any(at < row <= end for row, _ in selection)]
        if opened:
            self.unfold(opened)
        return selection

    def refresh_row(self, row: int) -> None:
        """Repaint a row, or the one that stands for it."""
        super().refresh_row(next((at for at, end in self.folds.items() if at < row <= end), row))

    def edit(self, edit: Edit) -> EditResult:
        """Make one edit; folds below go with their rows."""
        first, last = edit.top[0], edit.bottom[0]
        self.rows_moved(first, last, _breaks(edit.text) - (last - first))
        return super().edit(edit)

    def rows_moved(self, first: int, last: int, by: int) -> None:
        """An edit, an undo or a redo is about to change these rows and move those below."""
        folds = self.folds
        touched = [at for at, end in folds.items() if at <= last and first <= end]
        for row in touched:
            del folds[row]
        below = {at: end for at, end in folds.items() if at > last}
        if touched:
            self.refresh()
        if by and below:
            for row in below:
                del folds[row]
            folds.update((at + by, end + by) for at, end in below.items())

    def _undo_batch(self, edits: Sequence[Edit]) -> None:
        for edit in reversed(edits):
            first, last = edit.top[0], _end(edit)
            self.rows_moved(first, last, edit.bottom[0] - last)
        super()._undo_batch(edits)

    def _redo_batch(self, edits: Sequence[Edit]) -> None:
        for edit in edits:
            self.rows_moved(edit.top[0], edit.bottom[0], _end(edit) - edit.bottom[0])
        super()._redo_batch(edits)

    def _set_document(self, text: str, language: str | None) -> None:
        """Take another text, with nothing folded."""
        super()._set_document(text, language)
        self.wrapped_document = FoldedDocument(self.document, self.wrap_width, self.indent_width)
        self.navigator = FoldedNavigator(self.wrapped_document)
        self._refresh_size()

    def _show_folds(self) -> None:
        if isinstance(self.wrapped_document, FoldedDocument):
            self.wrapped_document.lay_out()
        self._line_cache.clear()
        self._refresh_size()
        self.scroll_cursor_visible()
        self.refresh()


def _breaks(text: str) -> int:
    """How many rows a text adds, counted as the document counts them."""
    return max(0, len(text.splitlines()) - (not text.endswith(tuple(VALID_NEWLINES))))


def _end(edit: Edit) -> int:
    """The row an edit that was made ended on."""
    return edit._edit_result.end_location[0] if edit._edit_result else edit.top[0]
