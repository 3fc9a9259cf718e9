"""Presets beside the settings as they stand: a line for each, and all that the one in hand would change."""

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.presets import Comparison
from tui.widgets.bars import clip, one_line

_MOST_LINES = 8
_WIDEST_NAME = 24


class PresetList(Vertical):
    """Enter takes the preset under the cursor."""

    class Chosen(Message):
        """Somebody wants a preset."""

        def __init__(self, source: "PresetList", name: str) -> None:
            super().__init__()
            self.source = source
            self.name = name

        @property
        def control(self) -> "PresetList":
            """The list it came from."""
            return self.source

    def __init__(self, comparisons: Sequence[Comparison], *, at: str = "") -> None:
        """`at` is the name of the preset under the cursor at first."""
        super().__init__()
        self._comparisons = tuple(comparisons)
        self._at = next((n for n, one in enumerate(self._comparisons) if one.preset.name == at), 0)

    def compose(self) -> ComposeResult:
        """The lines over what is to be said of one of them."""
        lines = OptionList(
            *(Option(self._line(one)) for one in self._comparisons), markup=False, compact=True
        )
        lines.styles.max_height = _MOST_LINES
        yield lines
        with VerticalScroll(can_focus=False, classes="compared"):
            yield Static(id="compared", markup=False)

    def on_mount(self) -> None:
        """Put the cursor where it belongs."""
        lines = self.query_one(OptionList)
        if self._comparisons:
            lines.highlighted = self._at
        lines.focus()

    @property
    def in_hand(self) -> Comparison | None:
        """The preset under the cursor."""
        at = self.query_one(OptionList).highlighted
        return None if at is None else self._comparisons[at]

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        one = self._comparisons[event.option_index]
        self.query_one("#compared", Static).update(Content("\n".join(told(one))))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Chosen(self, self._comparisons[event.option_index].preset.name))

    def _line(self, one: Comparison) -> Content:
        room = min(_WIDEST_NAME, max(len(other.preset.name) for other in self._comparisons))
        name = clip(one_line(one.preset.name), room).ljust(room)
        mark = "✗" if one.trouble else " " if one.differences else "="
        if one.trouble:
            said = one_line(one.trouble)
        else:
            said = ", ".join(map(str, one.differences)) or "as it stands"
        return Content.assemble(f"{mark} {name}  ", (said, "dim"))


def told(one: Comparison) -> list[str]:
    """What is to be said of a preset, line by line."""
    preset = one.preset
    whose = f"yours: {preset.where}" if preset.is_own else "shipped with songdesk"
    head = [one_line(part) for part in (preset.about, whose) if part]
    if one.trouble:
        return [*head, f"✗ {one_line(one.trouble)}"]
    if not one.differences:
        return [*head, "It would change nothing: the settings are as it says."]
    widest = max(len(difference.key) for difference in one.differences)
    return [*head, *(f"{d.key:<{widest}}  {d.now} → {d.then}" for d in one.differences)]
