"""The chosen tags as chips in a row: gone along, put in order and taken away by key."""

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.bars import clip, one_line

_NO_CHIPS = "no tags chosen"


class ChipLine(Widget, can_focus=True):
    """The chosen tags in order; the one in hand stands between ▸ and ◂."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"chips--current"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "left",
            "step(-1)",
            "Left",
            id="chips.left",
            system=True,
            tooltip="Go to the tag before",
            show=False,
        ),
        Binding(
            "right",
            "step(1)",
            "Right",
            id="chips.right",
            system=True,
            tooltip="Go to the next tag",
            show=False,
        ),
        Binding("alt+left", "move(-1)", "Earlier", id="chips.earlier", tooltip="Move this tag forward"),
        Binding("alt+right", "move(1)", "Later", id="chips.later", tooltip="Move this tag back"),
        Binding("delete,backspace", "remove", "Remove", id="chips.remove", tooltip="Take this tag away"),
    ]

    tags: reactive[tuple[str, ...]] = reactive((), layout=True)
    """The chosen tags, in order."""
    at: reactive[int] = reactive(0)
    """Which one is in hand."""

    class Rearranged(Message):
        """Tags were moved or taken away."""

        def __init__(self, chips: "ChipLine", tags: tuple[str, ...]) -> None:
            super().__init__()
            self.chips = chips
            self.tags = tags

        @property
        def control(self) -> "ChipLine":
            """The chips it came from."""
            return self.chips

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without tags there is nothing to move or take away."""
        return bool(self.tags) if action in {"move", "remove"} else super().check_action(action, parameters)

    def validate_at(self, at: int) -> int:
        """Stay on a tag."""
        return max(0, min(len(self.tags) - 1, at))

    def watch_tags(self, old: tuple[str, ...], new: tuple[str, ...]) -> None:
        """Stay on a tag when there are fewer."""
        self.at = self.validate_at(self.at)
        if bool(old) is not bool(new):
            self.refresh_bindings()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many rows as the chips need."""
        return max(1, len(self._lay_out(width)))

    def render_line(self, y: int) -> Strip:
        """One row of chips."""
        width, plain = self.size.width, self.rich_style
        if not self.tags:
            return Strip([Segment(_NO_CHIPS if y == 0 else "", plain)]).adjust_cell_length(width, plain)
        rows = self._lay_out(width)
        current = self.get_component_rich_style("chips--current")
        segments = [
            Segment(self._chip(index, width), current if self._is_current(index) else plain)
            for index in (rows[y] if y < len(rows) else [])
        ]
        return Strip(segments).adjust_cell_length(width, plain)

    def action_step(self, step: int) -> None:
        """Go to the tag before or after."""
        self.at += step

    def action_move(self, step: int) -> None:
        """Move the tag in hand one place."""
        to = self.at + step
        if 0 <= to < len(self.tags):
            tags = list(self.tags)
            tags.insert(to, tags.pop(self.at))
            self.tags, self.at = tuple(tags), to
            self.post_message(self.Rearranged(self, self.tags))

    def action_remove(self) -> None:
        """Take the tag in hand away."""
        if self.tags:
            self.tags = self.tags[: self.at] + self.tags[self.at + 1 :]
            self.post_message(self.Rearranged(self, self.tags))

    def _is_current(self, index: int) -> bool:
        return self.has_focus and index == self.at

    def _chip(self, index: int, width: int) -> str:
        left, right = "▸◂" if self._is_current(index) else "‹›"
        return clip(f"{left}{one_line(self.tags[index])}{right}", max(1, width - 1)) + " "

    def _lay_out(self, width: int) -> list[list[int]]:
        rows: list[list[int]] = []
        used = width
        for index in range(len(self.tags)):
            size = cell_len(self._chip(index, width))
            if used + size > width or not rows:
                rows.append([])
                used = 0
            rows[-1].append(index)
            used += size
        return rows
