"""Asked once when the studio is left while a song is being made: what is to become of it."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button, Static

from tui.screens.modal import Modal

Way = Literal["pause", "background", "keep"]
_WORDS = {
    "pause": "Pause it: F7 in the next studio goes on with it",
    "background": "Go on in the background, until the queue is empty",
    "keep": "Stop it here, keep what is made, and leave then",
    "stay": "Stay",
}


class Leave(Modal[Way | None]):
    """Three ways to leave, and one to stay; the first one has the keyboard, Escape stays."""

    DEFAULT_CSS = """
    Leave Button { width: 1fr; content-align: left middle; text-align: left; }
    Leave Button.-first { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "leave('pause')", "Pause", id="leave.pause", system=True, tooltip="Pause it and leave"),
        Binding(
            "b",
            "leave('background')",
            "Background",
            id="leave.background",
            system=True,
            tooltip="Let it go on in the background and leave",
        ),
        Binding(
            "s", "leave('keep')", "Stop", id="leave.keep", system=True, tooltip="Stop and keep it, leave"
        ),
        Binding("n,escape", "leave('stay')", "Stay", id="leave.stay", system=True, tooltip="Go back"),
        Binding(
            "up",
            "app.focus_previous",
            "Up",
            id="leave.up",
            system=True,
            tooltip="The answer above",
            show=False,
        ),
        Binding(
            "down",
            "app.focus_next",
            "Down",
            id="leave.down",
            system=True,
            tooltip="The answer below",
            show=False,
        ),
    ]

    def __init__(self, what: str, keys: Mapping[str, str]) -> None:
        """`what` says which song is being made, and how far it is; `keys` names the key of each answer."""
        super().__init__()
        self._what, self._keys = what, keys

    def compose(self) -> ComposeResult:
        """What is being made, and the answers with their keys."""
        with Vertical(classes="dialog"):
            yield Static(self._what, markup=False)
            for way, words in _WORDS.items():
                text = words.replace("F7", self._keys["pause"].upper())
                first = "-first" if way == "pause" else ""
                key = self._keys[f"leave.{way}"]
                yield Button(Content(f"{text} ({key})"), id=way, compact=True, classes=first)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.action_leave(str(event.button.id))

    def action_leave(self, way: str) -> None:
        """Answer."""
        ways: tuple[Way, ...] = ("pause", "background", "keep")
        self.dismiss(next((known for known in ways if known == way), None))
