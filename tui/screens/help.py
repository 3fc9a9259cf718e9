"""Pages of text over the studio: every key, and what the model reads."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.keys import Key
from tui.widgets.lyric_editor import LyricEditor
from tui.widgets.settings_panel import SettingsPanel
from tui.widgets.style_picker import ChipLine, StylePicker
from tui.widgets.takes_list import TakesList

_PLACES = (
    ("In the lyrics", LyricEditor),
    ("In the style tags", StylePicker),
    ("On the chosen tags", ChipLine),
    ("In the settings", SettingsPanel),
    ("In the takes", TakesList),
)
_KEY_ROOM = 22


class Page(ModalScreen[None]):
    """Text to read and scroll; Escape closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f1", "dismiss", "Close", id="page.close", tooltip="Go back to the studio"),
    ]

    def __init__(self, title: str, content: Content) -> None:
        super().__init__()
        self._heading, self._content = title, content

    def compose(self) -> ComposeResult:
        """A heading and the text."""
        with VerticalScroll(classes="page") as page:
            page.border_title = Content(self._heading)
            page.border_subtitle = "Escape closes"
            yield Static(self._content)


def help_text(keys: Iterable[Key], own: Mapping[str, str]) -> Content:
    """Every key with its words: those of the studio as remapped, then those of each area."""
    parts = [Content.styled("Everywhere", "bold")]
    parts += [_line(own.get(key.id, key.key), key.tooltip, key.id) for key in keys]
    parts.append(_line("ctrl+p", "Find any action by words", ""))
    for heading, widget in _PLACES:
        bindings = [b for b in widget.BINDINGS if isinstance(b, Binding) and b.tooltip]
        if bindings:
            parts += [Content(""), Content.styled(heading, "bold")]
            parts += [_line(binding.key, binding.tooltip, "") for binding in bindings]
    note = "The names in brackets are for remapping, under studio: keys: in songdesk.yaml."
    return Content("\n").join([*parts, Content(""), Content.styled(note, "dim")])


def _line(keys: str, words: str, name: str) -> Content:
    shown = " or ".join(keys.split(","))
    line = Content.assemble((f"{shown:<{_KEY_ROOM}}", "bold"), words)
    return line + Content.styled(f"  ({name})", "dim") if name else line
