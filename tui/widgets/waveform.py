"""The shape of a take: braille drawn from peaks at any width, the played part, a loop, and section marks."""

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

    loop: reactive[tuple[float, float] | None] = reactive(None)
    """The stretch that goes round (s): it stands between brackets."""
    label: reactive[str] = reactive("")
    """A letter or so for the take, in the corner; empty for none."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._shape: Shape | None = None
        self._whole = 0.0
        self._marks: Marks = ()
        self._rows: tuple[str, ...] = ()
        self._drawn_at = Size()

    def show(self, shape: Shape | None, marks: Marks = (), *, whole: float = 0.0) -> None:
        """Draw this sound and its sections; None clears the drawing.

        The width stands for `whole` seconds, of which the last may not be there yet and are blank.
        """
        whole = max(whole, shape.seconds) if shape is not None else 0.0
        if (shape, marks, whole) == (self._shape, self._marks, self._whole):
            return
        if shape is None:
            self.set_reactive(Waveform.position, 0.0)
        self._shape, self._marks, self._whole, self._rows = shape, marks, whole, ()
        self.refresh()

    @property
    def head(self) -> int:
        """The column where the player stands."""
        return max(0, min(self.size.width - 1, self._column(self.position, self.size.width)))

    def watch_position(self, old: float, new: float) -> None:
        """Repaint only when the head moves to another column, and then only up to it."""
        before, after = (self._column(at, self.size.width) for at in (old, new))
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
        row, head = self._marked(self._wave()[y], y), self.head
        return self._strip((row[:head] + "┃", "waveform--played"), (row[head + 1 :], "waveform--rest"))

    def _wave_height(self) -> int:
        height = self.size.height
        return height - 1 if self._marks and height > 1 else height

    def _wave(self) -> tuple[str, ...]:
        if self._drawn_at != self.size or not self._rows:
            assert self._shape is not None
            cells = self._column(self._shape.seconds, self.size.width)
            rows = braille(self._shape.columns(cells * 2), self._wave_height())
            self._rows = tuple(row + " " * (self.size.width - cells) for row in rows)
            self._drawn_at = self.size
        return self._rows

    def _marked(self, row: str, y: int) -> str:
        """A row of the wave with the ends of the loop, and in the first one the label."""
        width = len(row)
        if self.loop is not None and width:
            first = min(width - 1, self._column(self.loop[0], width))
            last = max(first, self._column(self.loop[1], width) - 1)
            for at, bracket in ((first, "["), (last, "]")):
                row = row[:at] + bracket + row[at + 1 :]
        if y == 0 and self.label:
            corner = clip(f"{one_line(self.label)} ", width)
            row = corner + row[len(corner) :]
        return row

    def _mark_row(self, width: int) -> str:
        text = ""
        for index, (at, name) in enumerate(self._marks):
            start = self._column(at, width)
            end = self._column(self._marks[index + 1][0], width) if index + 1 < len(self._marks) else width
            room = min(end, width) - start
            if room > 0:
                text = set_cell_size(text, start) + clip("╵" + one_line(name), room)
        return text

    def _column(self, seconds: float, width: int) -> int:
        if self._whole <= 0:
            return 0
        return int(min(1.0, max(0.0, seconds / self._whole)) * width)

    def _strip(self, *runs: tuple[str, str]) -> Strip:
        segments = [Segment(text, self.get_component_rich_style(name)) for text, name in runs if text]
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)
