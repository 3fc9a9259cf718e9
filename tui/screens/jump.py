"""Jump mode: a letter over every place the keyboard can go to; typing it goes there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region
from textual.widget import Widget
from textual.widgets import Static

from tui.screens.modal import Modal

LETTERS = "asdfghjklqwertyuiopzxcvbnm1234567890"
"""In the order in which places get them, from the top of the screen down."""


@dataclass(frozen=True, slots=True)
class Target:
    """A place to go to: a widget, or an area that does not show now."""

    name: str
    """What comes back: the area's name, or the number of the widget."""
    at: Offset
    """Where its letter stands, in cells of the screen."""


def targets_of(screen: Widget) -> tuple[list[Widget], list[Target]]:
    """The widgets in view that take the keyboard, from the top down, and a target for each."""
    found: list[tuple[Region, Widget]] = []
    for widget in screen.query(Widget):
        if widget.focusable and widget.is_on_screen:
            seen = widget.screen.find_widget(widget).visible_region
            if seen.area:
                found.append((seen, widget))
    found.sort(key=lambda each: (each[0].y, each[0].x))
    widgets = [widget for _, widget in found]
    return widgets, [Target(str(index), seen.offset) for index, (seen, _) in enumerate(found)]


class Jump(Modal[str | None]):
    """Shows the letters; one of them gives its target's name, Escape None, any other key nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+j", "leave", "Stay", id="jump.leave", system=True, tooltip="Stay where you are"),
    ]

    def __init__(self, targets: Sequence[Target]) -> None:
        super().__init__()
        self.targets = dict(zip(LETTERS, targets, strict=False))
        """By their letters."""

    def compose(self) -> ComposeResult:
        """One letter over each target."""
        for letter, target in self.targets.items():
            label = Static(f" {letter} ", markup=False, classes="jump")
            label.absolute_offset = target.at
            yield label

    def on_key(self, event: events.Key) -> None:
        """Go where the letter says."""
        if event.key in self.targets:
            event.stop()
            self.dismiss(self.targets[event.key].name)

    def on_click(self) -> None:
        """Stay."""
        self.dismiss(None)

    def action_leave(self) -> None:
        """Stay."""
        self.dismiss(None)
