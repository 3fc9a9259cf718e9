"""The lyric editor: tags in colour, problems in the gutter, tags completed after `[`, one-key fixes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.document._document import EditResult, Selection
from textual.document._edit import Edit
from textual.geometry import Offset
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from core.lyrics.check import Diagnostic, Fix, Severity, check
from core.lyrics.parse import Lyrics, Place, parse
from core.lyrics.tags import Dialect
from tui.widgets.completion import CompletionPopup
from tui.widgets.problems import MARKS
from tui.widgets.thrifty import ThriftyTextArea

if TYPE_CHECKING:
    from textual.timer import Timer

Judge = Callable[[str], tuple[Lyrics, tuple[Diagnostic, ...]]]
"""Reads a text and finds what is wrong with it."""

_PAUSE = 0.15
"""Seconds without a key before the text is checked."""
_RANK = {severity: rank for rank, severity in enumerate(Severity)}
"""Worst first."""


class LyricEditor(ThriftyTextArea):
    """A text area in the notation of one engine."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "f8", "fix", "Fix", id="lyrics.fix", tooltip="Mend the problem on this row, or the nearest one"
        ),
        Binding(
            "f4", "problem(1)", "Next problem", show=False, id="lyrics.next", tooltip="Go to the next problem"
        ),
        Binding(
            "shift+f4",
            "problem(-1)",
            "Previous problem",
            show=False,
            id="lyrics.previous",
            tooltip="Go to the problem before",
        ),
        Binding(
            "alt+i",
            "insert_section",
            "Insert section",
            show=False,
            id="lyrics.section",
            tooltip="Insert a section after this line",
        ),
        Binding(
            "enter,tab",
            "popup_accept",
            show=False,
            priority=True,
            id="lyrics.accept",
            tooltip="Insert the highlighted tag",
            system=True,
        ),
        Binding(
            "escape",
            "popup_close",
            show=False,
            id="lyrics.close",
            tooltip="Close the completion list",
            system=True,
        ),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lyric-editor--tag",
        "lyric-editor--unknown",
        "lyric-editor--problem",
        "lyric-editor--error",
        "lyric-editor--warning",
        "lyric-editor--hint",
    }

    @dataclass
    class Checked(Message):
        """The text was checked: on mount, and a moment after the last change."""

        editor: "LyricEditor"
        lyrics: Lyrics
        diagnostics: tuple[Diagnostic, ...]

        @property
        def control(self) -> "LyricEditor":
            """The editor that was checked."""
            return self.editor

    @dataclass
    class Pointed(Message):
        """The cursor came to a problem or left one; told again after each check while it is on one."""

        editor: "LyricEditor"
        diagnostic: Diagnostic | None

        @property
        def control(self) -> "LyricEditor":
            """The editor the cursor is in."""
            return self.editor

    def __init__(
        self,
        dialect: Dialect,
        text: str = "",
        *,
        id: str | None = None,  # noqa: A002
        blink: bool = False,
    ) -> None:
        """`blink` costs two thirds of a kilobyte each second: leave it off over a link."""
        super().__init__(text, id=id, show_line_numbers=True)
        self.set_reactive(TextArea.cursor_blink, blink)
        self.dialect = dialect
        self.judge: Judge = self._judge
        self.popup = CompletionPopup(dialect, self.action_popup_accept)
        self.diagnostics: tuple[Diagnostic, ...] = ()
        self._by_row: dict[int, tuple[Diagnostic, ...]] = {}
        self._pointed: Diagnostic | None = None
        self._check_timer: Timer | None = None
        self._completing: tuple[int, int] | None = None
        self._scaffold: tuple[int, int] | None = None

    # Checking

    def on_mount(self) -> None:
        """Float the popup above the whole screen and check the first text."""
        self.screen.mount(self.popup)
        self.check_now()

    def on_unmount(self) -> None:
        """Take the popup along."""
        if self.popup.is_attached:
            self.popup.remove()

    def check_now(self) -> None:
        """Check without waiting for a pause; for the screen when what `judge` knows has changed."""
        if self._check_timer is not None:
            self._check_timer.stop()
            self._check_timer = None
        lyrics, self.diagnostics = self.judge(self.text)
        self._place_marks()
        self.post_message(self.Checked(self, lyrics, self.diagnostics))
        self._point(again=True)

    @on(TextArea.Changed)
    def _check_soon(self) -> None:
        if self._check_timer is not None:
            self._check_timer.stop()
        self._check_timer = self.set_timer(_PAUSE, self.check_now)

    def _judge(self, text: str) -> tuple[Lyrics, tuple[Diagnostic, ...]]:
        lyrics = parse(text)
        return lyrics, check(lyrics, self.dialect)

    def _place_marks(self) -> None:
        rows: dict[int, tuple[Diagnostic, ...]] = {}
        for diagnostic in sorted(self.diagnostics, key=lambda d: _RANK[d.severity]):
            row = diagnostic.span.start.row
            rows[row] = (*rows.get(row, ()), diagnostic)
        changed = {row for row in rows.keys() | self._by_row.keys() if rows.get(row) != self._by_row.get(row)}
        self._by_row = rows
        if changed:
            self.notify_style_update()
        for row in changed:
            self.refresh_row(row)

    @property
    def pointed(self) -> Diagnostic | None:
        """The problem the cursor stands on, else the worst of its row."""
        return self._pointed

    def _point(self, *, again: bool = False) -> None:
        row, column = self.cursor_location
        here = Place(row, column)
        on_row = self._by_row.get(row, ())
        under = [d for d in on_row if d.span.start <= here <= d.span.end]
        pointed = next(iter(under or on_row), None)
        if pointed != self._pointed or (again and pointed is not None):
            self._pointed = pointed
            self.post_message(self.Pointed(self, pointed))

    # Drawing

    def get_line(self, line_index: int) -> Text:
        """One row with its tags in colour and its problems underlined."""
        line = super().get_line(line_index)
        for section in parse(line.plain).sections:
            kind = "tag" if self.dialect.tag(section.tag) else "unknown"
            line.stylize(self._style(kind), section.tag_span.start.column, section.tag_span.end.column)
        for diagnostic in self._by_row.get(line_index, ()):
            start, end = diagnostic.span.start, diagnostic.span.end
            if diagnostic.severity is not Severity.HINT and end.row == start.row:
                line.stylize(self._style("problem"), start.column, end.column)
        return line

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
        if not self.text or y >= self.wrapped_document.height:
            return None
        row, column = self.wrapped_document.offset_to_location(Offset(0, y))
        on_row = self._by_row.get(row)
        return on_row[0].severity if on_row and column == 0 else None

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"lyric-editor--{name}", partial=True)

    # Editing

    def edit(self, edit: Edit) -> EditResult:
        """Make one edit; a `[` that opens a line offers the tags."""
        result = super().edit(edit)
        self._move_marks(edit.bottom[0], result.end_location[0] - edit.bottom[0])
        row, column = self.cursor_location
        if edit.text == "[" and not self.document[row][: column - 1].strip():
            self._completing = (row, column)
        self._narrow()
        return result

    def watch_selection(self, old: Selection, new: Selection) -> None:
        """Follow the cursor: the completion list, and the problem it stands on."""
        super().watch_selection(old, new)
        if self.is_mounted and old.end != new.end:
            self._narrow()
            self._point()

    def _move_marks(self, below: int, by: int) -> None:
        if by:
            self._by_row = {row + by if row > below else row: found for row, found in self._by_row.items()}

    def action_fix(self) -> None:
        """Mend the problem the cursor points at; else go to the nearest that can be and mend it."""
        self.check_now()
        row = self.cursor_location[0]
        nearest = min(
            (d for d in self.diagnostics if d.fix),
            key=lambda d: (d != self._pointed, abs(d.span.start.row - row), _RANK[d.severity]),
            default=None,
        )
        if nearest is None or nearest.fix is None:
            self.app.bell()
            return
        start = nearest.span.start
        if start.row != row:
            self.move_cursor((start.row, start.column))
        self.apply(nearest.fix)

    def apply(self, fix: Fix) -> None:
        """Make a fix's edits as one step of undo and check the outcome at once."""
        self.history.checkpoint()
        for edit in sorted(fix.edits, key=lambda edit: edit.span.start, reverse=True):
            start, end = edit.span.start, edit.span.end
            last = min((end.row, end.column), self.document.end)
            self.replace(edit.text, (start.row, start.column), last)
        self.history.checkpoint()
        self.check_now()

    def action_problem(self, by: int) -> None:
        """Go to the next problem, or with -1 to the one before, round the ends."""
        self.check_now()
        places = sorted({(d.span.start.row, d.span.start.column) for d in self.diagnostics})
        if not places:
            self.app.bell()
            return
        here = self.cursor_location
        ahead = [place for place in places if (place > here if by > 0 else place < here)]
        self.move_cursor((ahead or places)[0 if by > 0 else -1], center=True)

    # Completion

    def action_insert_section(self) -> None:
        """Open a line of its own below this one and offer the tags."""
        row = self.cursor_location[0]
        line = self.document[row]
        above = self.document[row - 1] if row else ""
        lead = "\n\n" if line.strip() else "\n" if above.strip() else ""
        start = (row, len(line))
        self.history.checkpoint()
        self.replace(lead, start, start, maintain_selection_offset=False)
        self.replace("[", self.cursor_location, self.cursor_location, maintain_selection_offset=False)
        self._scaffold = start

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Popup keys are the popup's only while it is open."""
        if action.startswith("popup"):
            return self.popup.is_open
        return super().check_action(action, parameters)

    def action_cursor_down(self, select: bool = False) -> None:
        """Move the cursor down, or the highlight while the completion list is open."""
        if self.popup.is_open and not select:
            self.popup.step(1)
        else:
            super().action_cursor_down(select)

    def action_cursor_up(self, select: bool = False) -> None:
        """Move the cursor up, or the highlight while the completion list is open."""
        if self.popup.is_open and not select:
            self.popup.step(-1)
        else:
            super().action_cursor_up(select)

    def action_popup_close(self) -> None:
        """Close the completion list; an inserted section that was not chosen goes with it."""
        start, self._scaffold = self._scaffold, None
        self._stop_completing()
        if start is not None:
            self.replace("", start, self.cursor_location, maintain_selection_offset=False)

    def action_popup_accept(self) -> None:
        """Put the highlighted tag in place of what was typed, and the cursor where its words go."""
        tag, place = self.popup.chosen, self._completing
        if tag is None or place is None:
            return
        self._scaffold = None
        self._stop_completing()
        row, column = place
        rest = self.document[row][self.cursor_location[1] :]
        end = (row, self.cursor_location[1] + (len(rest) - len(rest.removeprefix("]").lstrip())))
        below = self.document[row + 1].strip() if row + 1 < self.document.line_count else ""
        words_follow = bool(below) and not below.startswith("[") and not rest.removeprefix("]").strip()
        self.replace(
            f"[{tag.name}]" + ("" if words_follow else "\n"),
            (row, column - 1),
            end,
            maintain_selection_offset=False,
        )
        if words_follow:
            self.move_cursor((row + 1, 0))

    def _narrow(self) -> None:
        if self._completing is None:
            return
        (row, column), (start_row, start) = self.cursor_location, self._completing
        line = self.document[row] if row == start_row else ""
        typed = line[start:column]
        if line[start - 1 : start] != "[" or column < start or "]" in typed or not self.selection.is_empty:
            self._scaffold = None
            self._stop_completing()
            return
        if self.popup.offer(typed, self.cursor_screen_offset):
            self.call_after_refresh(self._place_popup)

    def _place_popup(self) -> None:
        self.popup.move(self.cursor_screen_offset)

    def on_resize(self) -> None:
        """Keep the completion list at the cursor."""
        self.call_after_refresh(self._place_popup)

    def on_blur(self) -> None:
        """Close the completion list when the focus goes elsewhere."""
        self._scaffold = None
        self._stop_completing()

    def _stop_completing(self) -> None:
        self._completing = None
        self.popup.close()
