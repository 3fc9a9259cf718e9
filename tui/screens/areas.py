"""What the four areas have in common, their tabs, and the line that talks."""

from collections.abc import Mapping

from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from core.errors import SongdeskError
from tui.session import Session

AREAS = ("write", "style", "tune", "takes")
_TABS_NEED = 44
"""Columns from which there is room between the tabs."""


class Tabs(Static):
    """The four areas with their keys; the one that shows is marked with more than a colour."""

    chosen: reactive[str] = reactive("write")

    def __init__(self, keys: dict[str, str]) -> None:
        super().__init__(markup=False, id="tabs")
        self._keys = keys

    def render(self) -> Content:
        """The row of tabs."""
        parts = []
        between = " " if self.size.width >= _TABS_NEED else ""
        for area in AREAS:
            text = f"{self._keys[area].upper()} {area.capitalize()}"
            parts.append(
                Content.styled(f"[{text}]", "bold reverse") if area == self.chosen else Content(f" {text} ")
            )
        return Content(between).join(parts)


class Notice(Static):
    """The last thing the studio had to say, until it says another or there is nothing to say."""

    said: str = ""

    def say(self, text: str, *, kind: str = "note") -> None:
        """Show one line; `kind` is note, warning or error."""
        mark = {"error": "✗ ", "warning": "! "}.get(kind, "")
        line = mark + " ".join(text.split())
        if line == self.said:
            return
        self.said = line
        self.set_class(kind == "error", "-error")
        self.set_class(kind == "warning", "-warning")
        self.update(Content(line))


class Area(Vertical):
    """One of the four parts: shows its side of the open song and makes its changes in the session."""

    class Changed(Message):
        """The song, or a setting, was changed here."""

        def __init__(self, area: "Area") -> None:
            super().__init__()
            self.area = area

        @property
        def control(self) -> "Area":
            """The area it was changed in."""
            return self.area

    class Said(Message):
        """The area has a line to say."""

        def __init__(self, text: str, kind: str) -> None:
            super().__init__()
            self.text = text
            self.kind = kind

    def __init__(self, session: Session, keys: Mapping[str, str], *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.session = session
        self.keys = keys
        """The first key of every action."""

    def fill(self) -> None:
        """Show the open song."""
        raise NotImplementedError

    def changed(self) -> None:
        """Tell the studio that something is to be saved."""
        self.post_message(self.Changed(self))

    def say(self, text: str, *, kind: str = "note") -> None:
        """Have one line said; `kind` is note, warning or error."""
        self.post_message(self.Said(text, kind))

    def complain(self, error: SongdeskError) -> None:
        """Have said what went wrong and what to do about it."""
        self.say(str(error), kind="error")
