"""Two rows of words: the tabs of a narrow terminal, and the line that talks."""

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

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
        self.display = bool(text)
        self.update(Content(line))
