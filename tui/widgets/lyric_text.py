"""How lyrics look in the editor: tags, problems, matches and folds; and how the cursor walks."""

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.document._document import Location
from textual.geometry import Offset
from textual.strip import Strip
from textual.widgets import TextArea

from core.lyrics.check import Diagnostic, Severity
from core.lyrics.parse import parse
from core.lyrics.tags import Dialect
from core.lyrics.wire import UNPRINTED
from tui.widgets.bars import clip
from tui.widgets.folding import FoldingTextArea
from tui.widgets.problems import MARKS

RANK = {severity: rank for rank, severity in enumerate(Severity)}
"""Worst first."""
_JOINERS = ("\u200c", "\u200d")
"""What Persian, Indic scripts and emoji are typed with; Textual takes them for no characters."""
_NO_WIDTH = "\u200b"
"""Stands on the screen for what a terminal would obey."""
_UNDO_STEPS = 500


class LyricText(FoldingTextArea):
    """A text area that knows tags and problems."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lyric-editor--tag",
        "lyric-editor--unknown",
        "lyric-editor--problem",
        "lyric-editor--error",
        "lyric-editor--warning",
        "lyric-editor--hint",
        "lyric-editor--hit",
        "lyric-editor--folded",
    }

    def __init__(self, dialect: Dialect, text: str, *, id: str | None, blink: bool) -> None:  # noqa: A002
        """`blink` costs two thirds of a kilobyte each second: leave it off over a link."""
        self.dialect = dialect
        self.marks: dict[int, tuple[Diagnostic, ...]] = {}
        """The problems of each row that has any, worst first."""
        self.hits: re.Pattern[str] | None = None
        """What is searched for."""
        super().__init__(text, id=id, show_line_numbers=True, max_checkpoints=_UNDO_STEPS)
        self.set_reactive(TextArea.cursor_blink, blink)

    # What is marked

    def place_marks(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Show these problems and no others."""
        rows: dict[int, tuple[Diagnostic, ...]] = {}
        for diagnostic in sorted(diagnostics, key=lambda d: RANK[d.severity]):
            row = diagnostic.span.start.row
            rows[row] = (*rows.get(row, ()), diagnostic)
        changed = {row for row in rows.keys() | self.marks.keys() if rows.get(row) != self.marks.get(row)}
        self.marks = rows
        self._draw_again(changed)

    def rows_moved(self, first: int, last: int, by: int) -> None:
        """Marks below an edit go with their rows."""
        super().rows_moved(first, last, by)
        if by:
            self.marks = {row + by if row > last else row: found for row, found in self.marks.items()}

    def mark_hits(self, hits: re.Pattern[str] | None) -> None:
        """Mark what matches; None marks nothing."""
        if hits != self.hits:
            self.hits = hits
            self.notify_style_update()
            self.refresh()

    def _draw_again(self, rows: Iterable[int]) -> None:
        self.notify_style_update()
        for row in rows:
            self.refresh_row(row)

    # Drawing

    def get_line(self, line_index: int) -> Text:
        """One row with its tags in colour and its problems underlined; a fold says what it hides."""
        content = self.document.get_line(line_index)
        if not content.isprintable():
            content = UNPRINTED.sub(_NO_WIDTH, content)
        line = Text(content, end="", no_wrap=True)
        for section in parse(content).sections:
            kind = "tag" if self.dialect.tag(section.tag) else "unknown"
            line.stylize(self._style(kind), section.tag_span.start.column, section.tag_span.end.column)
        for diagnostic in self.marks.get(line_index, ()):
            start, end = diagnostic.span.start, diagnostic.span.end
            if diagnostic.severity is not Severity.HINT and end.row == start.row:
                line.stylize(self._style("problem"), start.column, end.column)
        for hit in self.hits.finditer(content) if self.hits else ():
            line.stylize(self._style("hit"), *hit.span())
        if line_index in self.folds and not self.wrapped_document.get_offsets(line_index):
            line.append(self._fold_note(line_index, content), self._style("folded"))
        return line

    def _fold_note(self, row: int, content: str) -> str:
        rows = self.document.lines[row + 1 : self.folds[row] + 1]
        words = [words for line in rows if (words := line.strip())]
        if not words:
            return ""
        plural = "" if len(words) == 1 else "s"
        note = f" … {len(words)} line{plural}: {UNPRINTED.sub('', words[0])}"
        return clip(note, max(0, self.wrap_width - cell_len(content)))

    def render_line(self, y: int) -> Strip:
        """One screen line; the first of a row with a problem carries its mark in the gutter."""
        strip = super().render_line(y)
        worst = self._worst_at(y + self.scroll_offset.y)
        if worst is None:
            return strip
        at = self.gutter_width - 2
        gutter = next(iter(strip.crop(at, at + 1)), Segment(" ")).style or Style.null()
        mark = Segment(MARKS[worst], gutter + self._style(worst.value))
        return Strip.join([strip.crop(0, at), Strip([mark], 1), strip.crop(at + 1, strip.cell_length)])

    def _worst_at(self, y: int) -> Severity | None:
        if not self.marks or y >= self.wrapped_document.height:
            return None
        row, column = self.wrapped_document.offset_to_location(Offset(0, y))
        if column:
            return None
        stands_for = range(row, self.folds.get(row, row) + 1)
        found = [self.marks[inner][0].severity for inner in stands_for if inner in self.marks]
        return min(found, key=RANK.__getitem__, default=None)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"lyric-editor--{name}", partial=True)

    # The cursor goes by what is seen as one character

    def get_cursor_left_location(self) -> Location:
        """One character to the left, with all its marks."""
        return self._whole(super().get_cursor_left_location())

    def get_cursor_right_location(self) -> Location:
        """One character to the right, with all its marks."""
        row, column = super().get_cursor_right_location()
        while _is_inside(self.document[row], column):
            column += 1
        return row, column

    def get_cursor_up_location(self) -> Location:
        """The character above."""
        return self._whole(super().get_cursor_up_location())

    def get_cursor_down_location(self) -> Location:
        """The character below."""
        return self._whole(super().get_cursor_down_location())

    def _whole(self, place: Location) -> Location:
        """The start of the character that a place is inside of."""
        row, column = place
        while _is_inside(self.document[row], column):
            column -= 1
        return row, column

    async def _on_key(self, event: events.Key) -> None:
        if event.key.startswith("alt+"):
            # A terminal sends a letter along, which is not meant to be written.
            event.prevent_default()
        elif event.character in _JOINERS:
            event.stop()
            event.prevent_default()
            self._replace_via_keyboard(event.character, *self.selection)

    # A bracket is closed on its row or not at all: looking further would cost as much as the text is long.

    def _yield_character_locations(self, start: Location) -> Iterator[tuple[str, Location]]:
        row, first = start
        line = self.document[row]
        return ((line[column], (row, column)) for column in range(first, len(line)))

    def _yield_character_locations_reverse(self, start: Location) -> Iterator[tuple[str, Location]]:
        row, last = start
        line = self.document[row]
        return ((line[column], (row, column)) for column in range(min(last, len(line) - 1), -1, -1))


def _is_inside(line: str, column: int) -> bool:
    """Whether what stands there belongs to the character before: a mark, or what a joiner joins."""
    return 0 < column < len(line) and (cell_len(line[column]) == 0 or line[column - 1] == "\u200d")
