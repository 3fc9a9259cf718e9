"""One line about the problem under the cursor, or how many there are, and what the section takes."""

from collections import Counter
from collections.abc import Iterable, Mapping

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from core.lyrics.check import Diagnostic, Severity

MARKS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.HINT: "·"}
"""What stands for a severity where there is room for one cell."""
_GAP = 3
"""Cells between a problem and what stands beside it."""


def counted(diagnostics: Iterable[Diagnostic]) -> dict[Severity, int]:
    """How many there are of each severity."""
    return dict(Counter(diagnostic.severity for diagnostic in diagnostics))


class ProblemLine(Widget):
    """Says what is wrong at the cursor and which key mends it."""

    COMPONENT_CLASSES = {"problem-line--error", "problem-line--warning", "problem-line--hint"}  # noqa: RUF012

    def __init__(self, *, fix: str = "f8", following: str = "f4", id: str | None = None) -> None:  # noqa: A002
        """`fix` and `following` are the keys that mend a problem and go to the next one."""
        super().__init__(id=id)
        self._fix, self._following = fix.upper(), following.upper()
        self._shown: tuple[Diagnostic | None, dict[Severity, int], str] | None = None

    def show(self, diagnostic: Diagnostic | None, counts: Mapping[Severity, int], section: str = "") -> None:
        """Show one problem, or without one how many there are in the whole text.

        `section` is what the section at the cursor takes; it stands on the right where there is room.
        """
        shown = (diagnostic, dict(counts), section)
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def render(self) -> Content:
        """The line as plain text with its mark in colour."""
        if self._shown is None:
            return Content("")
        diagnostic, counts, section = self._shown
        said = Content(summary(counts, self._following)) if diagnostic is None else self._problem(diagnostic)
        gap = self.size.width - said.cell_length - cell_len(section)
        return Content.assemble(said, " " * gap, section) if section and gap >= _GAP else said

    def _problem(self, diagnostic: Diagnostic) -> Content:
        mark = MARKS[diagnostic.severity]
        style = self.get_visual_style(f"problem-line--{diagnostic.severity.value}", partial=True)
        words, fixes = Content(sentence(diagnostic)), f"  ({self._fix} fixes)" if diagnostic.fix else ""
        room = max(1, self.size.width - 2 - len(fixes))
        return Content.assemble((mark, style), " ", words.truncate(room, ellipsis=True), fixes)


def sentence(diagnostic: Diagnostic) -> str:
    """`3:1 unknown tag [vers] → use [verse]`."""
    start = diagnostic.span.start
    hint = f" → {diagnostic.hint}" if diagnostic.hint else ""
    return f"{start.row + 1}:{start.column + 1} {diagnostic.message}{hint}"


def summary(counts: Mapping[Severity, int], following: str = "F4") -> str:
    """`✗ 2 errors  ! 1 warning  (F4 next)`; a tick when there is nothing to say."""
    parts = [
        f"{MARKS[severity]} {counts[severity]} {severity.value}{'s' if counts[severity] > 1 else ''}"
        for severity in Severity
        if counts.get(severity)
    ]
    return f"{'  '.join(parts)}  ({following} next)" if parts else "✓ no problems"
