"""Live settings as they were turned along the song: a row for each, on the time axis of the waveform."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from core.settings import Value, shown
from core.takes.automation import Lane
from tui.widgets.bars import REST, clip

MOST_ROWS = 3
_LEVELS = "▁▂▃▄▅▆▇"


class Automation(Widget):
    """At most three rows; what the run has not reached yet is drawn as dots. No rows, no height."""

    DEFAULT_CSS = """
    Automation { height: 0; display: none; }
    Automation.-shown { display: block; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"automation--done", "automation--rest"}

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._lanes: tuple[Lane, ...] = ()
        self._seconds = 0.0
        self._reached: float | None = None
        self._drawn: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The rows as text, those of what is to come with dots."""
        head = self._head()
        return tuple(row[:head] + _dotted(row[head:]) for row in self._drawn)

    def show(self, lanes: Sequence[Lane], seconds: float, *, reached: float | None = None) -> None:
        """Draw these lanes over a song of so many seconds.

        `reached` is how far the run has come (s); None when the song is whole.
        """
        before = self._head()
        self._lanes, self._seconds, self._reached = tuple(lanes), seconds, reached
        rows = self._rows()
        if rows == self._drawn:
            self._refresh_between(before, self._head())
            return
        if len(rows) != len(self._drawn):
            self.styles.height = len(rows)
            self.set_class(bool(rows), "-shown")
        for y, row in enumerate(rows):
            if y >= len(self._drawn) or row != self._drawn[y]:
                self.refresh(Region(0, y, self.size.width, 1))
        self._drawn = rows

    def on_resize(self) -> None:
        """Draw for the new width."""
        self._drawn = self._rows()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row in two runs."""
        text = self._drawn[y] if y < len(self._drawn) else ""
        head = self._head()
        done, rest = (self.get_component_rich_style(f"automation--{name}") for name in ("done", "rest"))
        strip = Strip([Segment(text[:head], done), Segment(_dotted(text[head:]), rest)])
        return strip.adjust_cell_length(self.size.width, self.rich_style)

    def _head(self) -> int:
        """The first column that the run has not come to."""
        if self._reached is None:
            return self.size.width
        return column(self._reached, self._seconds, self.size.width)

    def _refresh_between(self, one: int, other: int) -> None:
        if one != other and self._drawn:
            self.refresh(Region(min(one, other), 0, abs(other - one), len(self._drawn)))

    def _rows(self) -> tuple[str, ...]:
        width = self.size.width or self.app.size.width
        lanes = self._lanes
        if len(lanes) <= MOST_ROWS:
            return tuple(lane_row(lane, self._seconds, width) for lane in lanes)
        # The latest turns matter most; the others are named.
        newest = sorted(lanes, key=lambda lane: lane.turned_at)[1 - MOST_ROWS :]
        kept = [lane for lane in lanes if lane in newest]
        others = ", ".join(f"{lane.key} {shown(lane.last)}" for lane in lanes if lane not in newest)
        return (
            *(lane_row(lane, self._seconds, width) for lane in kept),
            clip(f"also turned: {others}", width),
        )


def column(at: float, seconds: float, width: int) -> int:
    """The column of a moment, as the waveform counts them."""
    return max(0, min(width, int(at / seconds * width))) if seconds > 0 else 0


def lane_row(lane: Lane, seconds: float, width: int) -> str:
    """One setting along `width` columns: its height, and in each stretch with room for it its value.

    Heights are relative to the smallest and the largest value of the lane; words go in the order they came.
    """
    stretches = _stretches(lane, seconds, width)
    level = _Levels([lane.start, *(value for _, value in lane.turns)])
    row = "".join(level(value) * (end - start) for start, end, value in stretches)
    named = False
    for start, end, value in stretches:
        text = shown(value)
        if not named:
            began = f"{shown(lane.start)} → " if value != lane.start else ""
            text = f"{lane.key} {began}{text}"
        at = start + (1 if start else 0)
        if at + len(text) + 2 <= end:
            row = f"{row[:at]}{' ' if start else ''}{text} {row[at + len(text) + 1 + bool(start) :]}"
            named = True
    if not named:  # no stretch is long enough: the name matters more than the first columns
        text = clip(f"{lane.key} {shown(lane.start)} → {shown(lane.last)} ", width)
        row = text + row[len(text) :]
    return row


def _stretches(lane: Lane, seconds: float, width: int) -> list[tuple[int, int, Value]]:
    """Columns from, columns up to, and the value between; a column belongs to the last turn in it."""
    begins: dict[int, Value] = {0: lane.start}
    for at, value in lane.turns:
        begins[min(width - 1, column(at, seconds, width))] = value
    starts = list(begins)
    ends = [*starts[1:], width]
    return [(start, end, begins[start]) for start, end in zip(starts, ends, strict=True)]


class _Levels:
    """The glyph of a value among all that its lane has."""

    def __init__(self, values: Sequence[Value]) -> None:
        self._places: dict[Value, float]
        if any(isinstance(value, str) for value in values):
            self._places = {value: float(n) for n, value in enumerate(dict.fromkeys(values))}
        else:
            self._places = {value: float(value) for value in values}
        self._low = min(self._places.values())
        self._room = max(self._places.values()) - self._low or 1.0

    def __call__(self, value: Value) -> str:
        return _LEVELS[round((self._places[value] - self._low) / self._room * (len(_LEVELS) - 1))]


def _dotted(text: str) -> str:
    return "".join(REST if character in _LEVELS else character for character in text)
