"""A field with a few values to turn through."""

from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static


class ChoiceField(Static, can_focus=True):
    """One of a few values, turned with the arrow keys or the space bar."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "right,space,enter",
            "turn(1)",
            "Next",
            id="choice.next",
            system=True,
            tooltip="Take the next value",
            show=False,
        ),
        Binding(
            "left",
            "turn(-1)",
            "Previous",
            id="choice.previous",
            system=True,
            tooltip="Take the value before",
            show=False,
        ),
    ]

    class Turned(Message):
        """Another value stands in the field."""

        def __init__(self, field: "ChoiceField", value: str) -> None:
            super().__init__()
            self.field = field
            self.value = value

        @property
        def control(self) -> "ChoiceField":
            """The field it came from."""
            return self.field

    def __init__(self, choices: tuple[str, ...], value: str) -> None:
        super().__init__(_between_arrows(value), markup=False, classes="field")
        self._choices = choices
        self.value = value

    @property
    def cells(self) -> int:
        """How wide it is."""
        return cell_len(_between_arrows(self.value).plain)

    def put(self, value: str) -> None:
        """Show a value without saying so."""
        self.value = value
        self.update(_between_arrows(value))

    def action_turn(self, step: int) -> None:
        """Go to the next or the previous value, around the ends."""
        at = self._choices.index(self.value) if self.value in self._choices else -step
        self.put(self._choices[(at + step) % len(self._choices)])
        self.post_message(self.Turned(self, self.value))


def _between_arrows(value: str) -> Content:
    return Content(f"‹ {value} ›")
