"""One row under the editor: search as you type, and replace."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.document._document import Location, Selection
from textual.widgets import Input, Static

from core.lyrics.find import Hit, hits, pattern_of, replace_all
from tui.widgets.lyric_sections import SectionText
from tui.widgets.still_input import StillInput


class FindBar(Horizontal):
    """What is searched for, what replaces it, and which of how many is in hand: the one that is selected."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "down",
            "step(1)",
            "Next",
            id="find.next",
            show=False,
            system=True,
            tooltip="The next match, as Enter",
        ),
        Binding(
            "up",
            "step(-1)",
            "Previous",
            id="find.previous",
            show=False,
            system=True,
            tooltip="The match before",
        ),
        Binding("alt+r", "replace", "Replace", id="find.replace", system=True, tooltip="Replace this match"),
        Binding(
            "alt+a",
            "replace_all",
            "Replace all",
            id="find.all",
            show=False,
            system=True,
            tooltip="Replace all",
        ),
        Binding(
            "alt+c",
            "case",
            "Case",
            id="find.case",
            show=False,
            system=True,
            tooltip="Tell capitals from small letters, or do not",
        ),
        Binding(
            "escape", "close", "Close", id="find.close", system=True, tooltip="Back to the text, at the match"
        ),
    ]

    def __init__(self, editor: SectionText, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._editor = editor
        self._exact = False
        self._from: Location = (0, 0)
        """Where the search began: typing on does not leave a match behind that still fits."""
        self.display = False

    def compose(self) -> ComposeResult:
        """The two fields and the count."""
        yield Static("Find ", markup=False)
        yield StillInput(compact=True, id="find-words")
        yield Static(" with ", markup=False)
        yield StillInput(compact=True, id="find-with")
        yield Static(id="find-count", markup=False)

    @property
    def words(self) -> str:
        """What is searched for."""
        return self.query_one("#find-words", Input).value

    @property
    def count_text(self) -> str:
        """`3 of 7`, and whether capitals count."""
        return str(self.query_one("#find-count", Static).content)

    def open(self) -> None:
        """Show the bar; words selected on one row are what is searched for."""
        field = self.query_one("#find-words", Input)
        start, end = sorted(self._editor.selection)
        self._from = start
        self.display = True
        if start[0] == end[0] and start != end:
            field.value = self._editor.selected_text
        field.focus()
        field.action_select_all()
        self._search()

    def action_close(self) -> None:
        """Put the bar away; the match stays selected."""
        self._editor.mark_hits(None)
        self.display = False
        self._editor.focus()

    def action_step(self, by: int) -> None:
        """Go to the next match, or with -1 to the one before, round the ends."""
        found = self._found()
        if found:
            start, end = sorted(self._editor.selection)
            place = start if by < 0 or start == end else end
            ahead = [hit for hit in found if ((hit[:2] >= place) if by > 0 else (hit[:2] < place))]
            self._take((ahead or found)[0 if by > 0 else -1], found)

    def action_case(self) -> None:
        """Tell capitals from small letters, or no longer."""
        self._exact = not self._exact
        self._search()

    def action_replace(self) -> None:
        """Replace the match in hand and go to the next."""
        found = self._found()
        start, end = sorted(self._editor.selection)
        if (start[0], start[1], end[1]) not in found or start[0] != end[0]:
            self.action_step(1)
            return
        self._editor.history.checkpoint()
        result = self._editor.replace(self._with, start, end, maintain_selection_offset=False)
        self._editor.history.checkpoint()
        self._editor.move_cursor(result.end_location)
        self.action_step(1)
        self._count()

    def action_replace_all(self) -> None:
        """Replace every match as one step of undo."""
        pattern = pattern_of(self.words, exact=self._exact)
        if pattern is None:
            return
        text, count = replace_all(self._editor.document.lines, pattern, self._with)
        self._editor.rewrite(text)
        self._say(f"{count} replaced")

    @property
    def _with(self) -> str:
        return self.query_one("#find-with", Input).value

    @on(Input.Changed, "#find-words")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.display:
            self._search()

    @on(Input.Changed, "#find-with")
    def _with_typed(self, event: Input.Changed) -> None:
        event.stop()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_step(1)

    def _search(self) -> None:
        """Mark all matches and take the first from where the search began."""
        self._editor.mark_hits(pattern_of(self.words, exact=self._exact))
        found = self._found()
        if found:
            self._take(next((hit for hit in found if hit[:2] >= self._from), found[0]), found)
        else:
            self._editor.move_cursor(self._from)
            self._count()

    def _take(self, hit: Hit, found: list[Hit]) -> None:
        row, start, end = hit
        self._editor.selection = Selection((row, start), (row, end))
        self._editor.record_cursor_width()
        self._say(f"{found.index(hit) + 1} of {len(found)}")

    def _count(self) -> None:
        found = self._found()
        if not found:
            self._say("none" if self.words else "")

    def _found(self) -> list[Hit]:
        return hits(self._editor.document.lines, pattern_of(self.words, exact=self._exact))

    def _say(self, words: str) -> None:
        self.query_one("#find-count", Static).update(Content(f" {words}{' Aa' if self._exact else ''}"))
