"""The shape of a take: braille drawn from peaks at any width, the played part, and section marks."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

from rich.cells import set_cell_size
from rich.segment import Segment
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.bars import braille, clip, one_line

Marks = tuple[tuple[float, str], ...]
"""Where sections start (s) and what they are called, in order."""
NOTHING = "no sound yet"


class Shape(Protocol):
    """What can be drawn; `core.audio.peaks.Peaks` is one."""

    @property
    def seconds(self) -> float:
        """Length of the sound (s)."""
        ...

    def columns(self, width: int) -> Sequence[float]:
        """Its loudness in `width` columns, 0 to 1."""
        ...


class Waveform(Widget):
    """Draws peaks that somebody else made, with a head where the player stands."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"waveform--played", "waveform--rest", "waveform--marks"}

    position: reactive[float] = reactive(0.0, repaint=False)
    """Where the player stands (s)."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._shape: Shape | None = None
        self._marks: Marks = ()
        self._rows: tuple[str, ...] = ()
        self._drawn_at = Size()

    def show(self, shape: Shape | None, marks: Marks = ()) -> None:
        """Draw this sound and its sections; None clears the drawing."""
        if shape is self._shape and marks == self._marks:
            return
        if shape is not self._shape:
            self.set_reactive(Waveform.position, 0.0)
        self._shape, self._marks, self._rows = shape, marks, ()
        self.refresh()

    @property
    def head(self) -> int:
        """The column where the player stands."""
        width = self.size.width
        if self._shape is None or self._shape.seconds <= 0:
            return 0
        return max(0, min(width - 1, int(self.position / self._shape.seconds * width)))

    def watch_position(self, old: float, new: float) -> None:
        """Repaint only when the head moves to another column, and then only up to it."""
        if self._shape is None or self._shape.seconds <= 0:
            return
        before, after = (int(at / self._shape.seconds * self.size.width) for at in (old, new))
        if before != after:
            wave = self._wave_height()
            self.refresh(Region(0, 0, min(self.size.width, max(before, after) + 1), wave))

    def render_line(self, y: int) -> Strip:
        """One row: the wave, or the names of the sections under it."""
        width = self.size.width
        if self._shape is None:
            text = clip(NOTHING, width) if y == 0 else ""
            return self._strip((text, "waveform--marks"))
        if y >= self._wave_height():
            return self._strip((self._mark_row(width), "waveform--marks"))
        row = self._wave()[y]
        head = self.head
        return self._strip((row[:head] + "┃", "waveform--played"), (row[head + 1 :], "waveform--rest"))

    def _wave_height(self) -> int:
        height = self.size.height
        return height - 1 if self._marks and height > 1 else height

    def _wave(self) -> tuple[str, ...]:
        if self._drawn_at != self.size or not self._rows:
            assert self._shape is not None
            levels = self._shape.columns(self.size.width * 2)
            self._rows, self._drawn_at = braille(levels, self._wave_height()), self.size
        return self._rows

    def _mark_row(self, width: int) -> str:
        assert self._shape is not None
        text = ""
        for index, (at, name) in enumerate(self._marks):
            start = self._column(at, width)
            end = self._column(self._marks[index + 1][0], width) if index + 1 < len(self._marks) else width
            room = min(end, width) - start
            if room > 0:
                text = set_cell_size(text, start) + clip("╵" + one_line(name), room)
        return text

    def _column(self, seconds: float, width: int) -> int:
        assert self._shape is not None
        return int(seconds / self._shape.seconds * width) if self._shape.seconds > 0 else 0

    def _strip(self, *runs: tuple[str, str]) -> Strip:
        segments = [Segment(text, self.get_component_rich_style(name)) for text, name in runs if text]
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)
