"""The lyric editor: checks what is written, mends it, completes it, and takes in what is pasted."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import SuspendNotSupported
from textual.binding import BindingType
from textual.document._document import EditResult, Location, Selection
from textual.document._edit import Edit
from textual.message import Message
from textual.widgets import TextArea

from core.errors import SongdeskError
from core.lyrics.check import Diagnostic, Fix, apply_fix, check
from core.lyrics.foreign import Converted as ForeignText
from core.lyrics.foreign import convert
from core.lyrics.mend import mend_all, to_ascii
from core.lyrics.parse import Lyrics, Place, parse
from core.lyrics.tags import Dialect
from core.lyrics.wire import UNPRINTED
from tui.outside import edit_outside
from tui.widgets.completer import Completer
from tui.widgets.completion import CompletionPopup
from tui.widgets.lyric_keys import LYRIC_KEYS
from tui.widgets.lyric_sections import SectionText
from tui.widgets.lyric_text import RANK

if TYPE_CHECKING:
    from textual.timer import Timer

Judge = Callable[[str], tuple[Lyrics, tuple[Diagnostic, ...]]]
"""Reads a text and finds what is wrong with it."""

_PAUSE = 0.15
"""Seconds without a key before the text is checked."""


class LyricEditor(SectionText):
    """A text area in the notation of one engine."""

    BINDINGS: ClassVar[list[BindingType]] = LYRIC_KEYS

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

    @dataclass
    class Entered(Message):
        """The cursor came into another section."""

        section: int | None
        """Its index; None before the first tag."""

    @dataclass
    class Asked(Message):
        """What only a view beside the editor can show is asked for: problems, sections or find."""

        view: str

    @dataclass
    class Converted(Message):
        """A paste in another notation was converted; undo brings back what was pasted."""

        converted: ForeignText

    def __init__(
        self,
        dialect: Dialect,
        text: str = "",
        *,
        id: str | None = None,  # noqa: A002
        blink: bool = False,
    ) -> None:
        """`blink` costs two thirds of a kilobyte each second: leave it off over a link."""
        super().__init__(dialect, text, id=id, blink=blink)
        self.judge: Judge = self._judge
        self.diagnostics: tuple[Diagnostic, ...] = ()
        self._completer = Completer(self)
        self._pointed: Diagnostic | None = None
        self._tag_rows: list[int] = []
        self._section: int | None = None
        self._check_timer: Timer | None = None

    @property
    def popup(self) -> CompletionPopup:
        """The list beside the cursor."""
        return self._completer.popup

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
        self.place_marks(self.diagnostics)
        self._completer.learn(lyrics)
        self._tag_rows = [section.tag_span.start.row for section in lyrics.sections]
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

    @property
    def pointed(self) -> Diagnostic | None:
        """The problem the cursor stands on, else the worst of its row."""
        return self._pointed

    @property
    def section(self) -> int | None:
        """Which section the cursor is in, as of the last check; None before the first tag."""
        return self._section

    def _point(self, *, again: bool = False) -> None:
        row, column = self.cursor_location
        here = Place(row, column)
        on_row = self.marks.get(row, ())
        under = [d for d in on_row if d.span.start <= here <= d.span.end]
        pointed = next(iter(under or on_row), None)
        if pointed != self._pointed or (again and pointed is not None):
            self._pointed = pointed
            self.post_message(self.Pointed(self, pointed))
        index = bisect_right(self._tag_rows, row) - 1
        section = index if index >= 0 else None
        if section != self._section:
            self._section = section
            self.post_message(self.Entered(section))

    # Editing

    def edit(self, edit: Edit) -> EditResult:
        """Make one edit; a `[` that opens a line offers the tags, other words what they may become."""
        self._completer.is_typing = True
        result = super().edit(edit)
        self._completer.is_typing = False
        row, column = self.cursor_location
        if edit.text == "[" and not self.document[row][: column - 1].strip():
            self._completer.begin_tag()
        if len(edit.text) == 1 and edit.text != "\n" and result.end_location == (row, column):
            self._completer.typed()
        else:
            self._completer.follow()
        return result

    def rows_moved(self, first: int, last: int, by: int) -> None:
        """Sections below an edit go with their rows."""
        super().rows_moved(first, last, by)
        if by:
            self._tag_rows = [row + by if row > last else row for row in self._tag_rows]

    def watch_selection(self, old: Selection, new: Selection) -> None:
        """Follow the cursor: the completion list, the problem and the section it stands in."""
        super().watch_selection(old, new)
        if self.is_mounted and old.end != new.end:
            self._completer.follow()
            self._point()

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.paste(event.text)
        self.focus()

    def action_paste(self) -> None:
        """Paste what was copied here."""
        self.paste(self.app.clipboard)

    def paste(self, text: str) -> None:
        """Insert text; what is written in another notation is converted, which undo takes back alone."""
        text = UNPRINTED.sub("", text)
        start = min(self.selection)
        self.history.checkpoint()
        result = self.replace(text, *self.selection, maintain_selection_offset=False)
        converted = convert(text, self.dialect)
        if converted is not None:
            self.history.checkpoint()
            written = self._on_rows_of_its_own(converted.text, start, result.end_location)
            self.replace(written, start, result.end_location, maintain_selection_offset=False)
            self.history.checkpoint()
            self.post_message(self.Converted(converted))

    def _on_rows_of_its_own(self, text: str, start: Location, end: Location) -> str:
        before = self.document[start[0]][: start[1]].strip()
        behind = self.document[end[0]][end[1] :].strip()
        return ("\n\n" if before else "") + text.strip("\n") + ("\n\n" if behind else "\n")

    def action_edit_outside(self) -> None:
        """Edit the lyrics in the person's own editor."""
        try:
            text = edit_outside(self.text, self.app.suspend)
        except SuspendNotSupported:
            self.say("this terminal cannot be lent to another editor", kind="warning")
        except SongdeskError as error:
            self.say(str(error), kind="error")
        else:
            row, column = self.cursor_location
            self.rewrite(text)
            self.move_cursor((min(row, self.document.line_count - 1), column))

    def action_to_ascii(self) -> None:
        """Write every full-width mark as the engine knows it."""
        text, count = to_ascii(self.text, self.dialect)
        self.rewrite(text, self.cursor_location)
        self.say(f"{count} mark{'' if count == 1 else 's'} rewritten" if count else "no full-width marks")

    def action_problems(self) -> None:
        """List all problems."""
        self.check_now()
        self.post_message(self.Asked("problems"))

    def action_sections(self) -> None:
        """List all sections."""
        self.post_message(self.Asked("sections"))

    def action_find(self) -> None:
        """Search."""
        self.post_message(self.Asked("find"))

    # Mending

    def action_fix(self) -> None:
        """Mend the problem the cursor points at; else go to the nearest that can be and mend it."""
        self.check_now()
        row = self.cursor_location[0]
        nearest = min(
            (d for d in self.diagnostics if d.fix),
            key=lambda d: (d != self._pointed, abs(d.span.start.row - row), RANK[d.severity]),
            default=None,
        )
        if nearest is None or nearest.fix is None:
            self.say("no problem can be mended by a key" if self.diagnostics else "no problems")
            return
        start = nearest.span.start
        if start.row != row:
            self.move_cursor((start.row, start.column))
        self.apply(nearest.fix)

    def apply(self, fix: Fix) -> None:
        """Make a fix's edits as one step of undo and check the outcome at once."""
        if len(fix.edits) == 1:
            self.history.checkpoint()
            edit = fix.edits[0]
            start, end = edit.span.start, edit.span.end
            last = min((end.row, end.column), self.document.end)
            self.replace(edit.text, (start.row, start.column), last)
            self.history.checkpoint()
        else:
            self.rewrite(apply_fix("\n".join(self.document.lines), fix))
        self.check_now()

    def action_fix_all(self) -> None:
        """Mend all that can be mended as one step of undo, and say how much that was."""
        self.check_now()
        before = len(self.diagnostics)
        text, titles = mend_all(self.text, lambda text: self._judge(text)[1])
        row, column = self.cursor_location
        self.rewrite(text)
        self.move_cursor((min(row, self.document.line_count - 1), column))
        self.check_now()
        left = len(self.diagnostics)
        rest = f"; {left} left" if left else ""
        done = f"{before - left} mended: {', '.join(titles)}" if titles else "nothing could be mended"
        self.say(f"{done}{rest}", kind="warning" if left else "note")

    def action_problem(self, by: int) -> None:
        """Go to the next problem, or with -1 to the one before, round the ends."""
        self.check_now()
        places = sorted({(d.span.start.row, d.span.start.column) for d in self.diagnostics})
        if not places:
            self.say("no problems")
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
        start, before = (row, len(line)), self.history.undo_stack[-1:]
        self.history.checkpoint()
        self.replace(lead, start, start, maintain_selection_offset=False)
        self.replace("[", self.cursor_location, self.cursor_location, maintain_selection_offset=False)
        self._completer.begin_section(before)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Popup keys are the popup's only while it is open, Enter only while it offers tags."""
        if action == "popup_tag":
            return self.popup.chosen is not None
        if action.startswith("popup"):
            return self.popup.is_open
        return super().check_action(action, parameters)

    def action_cursor_down(self, select: bool = False) -> None:
        """Move the cursor down, or the highlight while tags are offered."""
        if self.popup.chosen and not select:
            self.popup.step(1)
        else:
            super().action_cursor_down(select)

    def action_cursor_up(self, select: bool = False) -> None:
        """Move the cursor up, or the highlight while tags are offered."""
        if self.popup.chosen and not select:
            self.popup.step(-1)
        else:
            super().action_cursor_up(select)

    def action_popup_step(self, by: int) -> None:
        """Highlight another line of the list."""
        self.popup.step(by)

    def action_popup_close(self) -> None:
        """Close the completion list; an inserted section that was not chosen goes with it."""
        self._completer.close()

    def action_popup_accept(self) -> None:
        """Write what is highlighted."""
        self._completer.accept()

    def action_popup_tag(self) -> None:
        """Write the highlighted tag."""
        self._completer.accept()

    def on_resize(self) -> None:
        """Keep the completion list at the cursor."""
        self.call_after_refresh(self._completer.place)

    def on_blur(self) -> None:
        """Close the completion list when the focus goes elsewhere."""
        self._completer.stop()
