"""The shape of a recording in braille, with the stretch that is heard of it marked in it and under it."""

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.bars import braille, clip
from tui.widgets.waveform import Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_SHOWN = 300.0
"""Seconds that are drawn at once: of a longer recording those about the window."""


class WindowWave(Widget):
    """Draws an outline that somebody else measured; a bracket marks the window, not colour alone."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "window-wave--inside",
        "window-wave--outside",
        "window-wave--ruler",
    }

    start: reactive[float] = reactive(0.0, repaint=False)
    """Where the window begins (s)."""

    def __init__(self, seconds: float) -> None:
        """`seconds` is the length of the window."""
        super().__init__()
        self._length = seconds
        self._shape: Shape | None = None
        self._waiting = ""
        self._levels: Sequence[float] = ()
        self._drawn_for: tuple[int, float] = (0, 0.0)

    def show(self, shape: Shape | None, waiting: str = "") -> None:
        """Draw this outline; None shows a word on why there is none yet."""
        self._shape, self._waiting, self._levels = shape, waiting, ()
        self.refresh()

    def watch_start(self, old: float, new: float) -> None:
        """Repaint only the columns between the old window and the new one, unless the view went on."""
        if self._shape is None:
            return
        if self._view(old) != self._view(new):
            self.refresh()
            return
        columns = (*self._columns(old), *self._columns(new))
        first = min(columns)
        if self._columns(old) != self._columns(new):
            self.refresh(Region(first, 0, max(columns) - first, self.size.height))

    def render_line(self, y: int) -> Strip:
        """One row of the wave, or the bracket under it."""
        width = self.size.width
        outside = self.get_component_rich_style("window-wave--outside")
        if self._shape is None:
            text = clip(self._waiting, width) if y == 0 else ""
            return Strip([Segment(text, outside)]).adjust_cell_length(width, self.rich_style)
        first, end = self._columns(self.start)
        if y >= self.size.height - 1:
            bracket = "╹" if end - first == 1 else f"┗{'━' * (end - first - 2)}┛"
            ruler = self.get_component_rich_style("window-wave--ruler")
            return Strip([Segment(" " * first + bracket, ruler)]).adjust_cell_length(width, self.rich_style)
        row = self._rows()[y]
        inside = self.get_component_rich_style("window-wave--inside")
        runs = ((row[:first], outside), (row[first:end], inside), (row[end:], outside))
        segments = [Segment(text, style) for text, style in runs if text]
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _view(self, start: float) -> tuple[float, float]:
        """The second at the left edge and how many are shown: the window in it, in steps of half a view."""
        assert self._shape is not None
        whole = max(self._shape.seconds, 0.001)
        if whole <= _MOST_SHOWN:
            return 0.0, whole
        step = _MOST_SHOWN / 2
        left = step * round((start + self._length / 2 - _MOST_SHOWN / 2) / step)
        return max(0.0, min(whole - _MOST_SHOWN, left)), _MOST_SHOWN

    def _columns(self, start: float) -> tuple[int, int]:
        """The first column of the window, and the one after its last."""
        left, shown = self._view(start)
        width = max(1, self.size.width)
        first = max(0, min(width - 1, int((start - left) / shown * width)))
        end = round((start + self._length - left) / shown * width)
        return first, max(first + 1, min(width, end))

    def _rows(self) -> tuple[str, ...]:
        assert self._shape is not None
        left, shown = self._view(self.start)
        dots = self.size.width * 2
        whole = max(dots, round(self._shape.seconds / shown * dots))
        if not self._levels or self._drawn_for[0] != whole:
            self._levels, self._drawn_for = self._shape.columns(whole), (whole, left)
        begin = min(whole - dots, round(left / shown * dots))
        return braille(self._levels[begin : begin + dots], self.size.height - 1)
