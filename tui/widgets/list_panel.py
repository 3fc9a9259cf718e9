"""Lists under the editor that go to places in it: its problems, and its sections."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from core.lyrics.check import Diagnostic
from tui.widgets.fuzzy_list import FuzzyList, Row
from tui.widgets.lyric_editor import LyricEditor
from tui.widgets.problems import MARKS

if TYPE_CHECKING:
    from textual.document._document import Location


class ListPanel(Vertical):
    """A list that typing narrows; Enter goes there, Escape goes back to where the cursor was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape", "close", "Back", id="panel.close", system=True, tooltip="Back to where the cursor was"
        ),
    ]

    def __init__(self, editor: LyricEditor, heading: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._editor = editor
        self._heading = heading
        self._from: Location = (0, 0)
        self.display = False

    def compose(self) -> ComposeResult:
        """What the keys do, and the list."""
        yield Static(Content(self._heading), classes="faint", markup=False)
        yield FuzzyList()

    @property
    def lines(self) -> FuzzyList:
        """The list."""
        return self.query_one(FuzzyList)

    def open(self, rows: Sequence[Row], *, at: str = "") -> None:
        """Show these lines, with the one of that id in hand."""
        self._from = self._editor.cursor_location
        field = self.query_one(Input)
        field.value = ""
        self.lines.show(rows, at=at)
        self.display = True
        field.focus()

    def action_close(self) -> None:
        """Put the list away, the cursor where it was."""
        self._editor.move_cursor(self._from)
        self._away()

    def go_to(self, name: str) -> None:
        """Show in the text what a line of the list stands for."""
        raise NotImplementedError

    def preview(self, name: str) -> None:
        """Show it while the list is still open."""
        self.go_to(name)

    def _away(self) -> None:
        self.display = False
        self._editor.focus()

    @on(FuzzyList.Pointed)
    def _pointed(self, event: FuzzyList.Pointed) -> None:
        event.stop()
        if self.display:
            self.preview(event.pointed)

    @on(FuzzyList.Chosen)
    def _chosen(self, event: FuzzyList.Chosen) -> None:
        event.stop()
        self.go_to(event.chosen)
        self._away()


class ProblemPanel(ListPanel):
    """Every problem of the text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f8", "fix", "Fix", id="problems.fix", system=True, tooltip="Mend the problem in hand"),
        Binding(
            "shift+f8",
            "fix_all",
            "Fix all",
            id="problems.all",
            show=False,
            system=True,
            tooltip="Mend all that can be mended",
        ),
    ]

    def __init__(self, editor: LyricEditor, *, fix: str = "f8", fix_all: str = "shift+f8") -> None:
        """`fix` and `fix_all` are the keys that mend one and all."""
        words = (
            f"Problems · Enter goes there, {fix.upper()} mends it, {fix_all.upper()} all, Escape goes back"
        )
        super().__init__(editor, words)
        self._diagnostics: tuple[Diagnostic, ...] = ()

    def open_for(self, diagnostics: Sequence[Diagnostic], pointed: Diagnostic | None) -> None:
        """Show these problems, the one at the cursor in hand."""
        self._diagnostics = tuple(diagnostics)
        at = str(self._diagnostics.index(pointed)) if pointed in self._diagnostics else ""
        self.open(self._rows(), at=at)

    def show(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Take the problems as they are now; without one left the list goes away."""
        if self.display and tuple(diagnostics) != self._diagnostics:
            self._diagnostics = tuple(diagnostics)
            self.lines.show(self._rows())
            if not self._diagnostics:
                self._away()

    def go_to(self, name: str) -> None:
        """Put the cursor at the problem."""
        start = self._diagnostics[int(name)].span.start
        self._editor.go_to(start.row, start.column)

    def action_fix(self) -> None:
        """Mend the problem in hand."""
        name = self.lines.in_hand
        fix = self._diagnostics[int(name)].fix if name is not None else None
        if fix is None:
            self.app.bell()
        else:
            self._editor.apply(fix)
            self.show(self._editor.diagnostics)

    def action_fix_all(self) -> None:
        """Mend all that can be mended."""
        self._editor.action_fix_all()
        self.show(self._editor.diagnostics)

    def _rows(self) -> list[Row]:
        return [_problem_row(index, found) for index, found in enumerate(self._diagnostics)]


class SectionPanel(ListPanel):
    """Every section of the text."""

    def __init__(self, editor: LyricEditor) -> None:
        super().__init__(editor, "Sections · typing finds one, Enter goes there, Escape goes back")
        self._starts: tuple[int, ...] = ()

    def open_for(self, rows: Sequence[Row], starts: Sequence[int], section: int | None) -> None:
        """Show the sections; `starts` are the rows of their tags, `section` is the one in hand."""
        self._starts = tuple(starts)
        self.open(rows, at="" if section is None else str(section))

    def go_to(self, name: str) -> None:
        """Put the cursor on the tag."""
        self._editor.go_to(self._starts[int(name)])

    def preview(self, name: str) -> None:
        """Show the section, unless the cursor is in it already."""
        if self._editor.section != int(name):
            self.go_to(name)


def _problem_row(index: int, found: Diagnostic) -> Row:
    start = found.span.start
    words = f"{MARKS[found.severity]} {start.row + 1}:{start.column + 1} {found.message}"
    return str(index), words, f"→ {found.hint}" if found.hint else ""
