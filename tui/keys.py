"""Every key of the studio and of its parts: bindings, palette, help and remapping are made from here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from textual.binding import Binding, BindingType
from textual.widget import Widget

from core.errors import SongdeskError
from tui.screens.confirm import Confirm, Prompt
from tui.screens.page import Page
from tui.widgets.lyric_editor import LyricEditor
from tui.widgets.settings_panel import ChoiceField, SettingsPanel
from tui.widgets.style_picker import ChipLine, StylePicker
from tui.widgets.takes_list import TakesList

_WHERE = "songdesk.yaml: studio.keys"


@dataclass(frozen=True, slots=True)
class Key:
    """One action: its id for remapping, its key, and its words."""

    id: str
    key: str
    action: str
    label: str
    tooltip: str
    in_footer: bool = False
    is_first: bool = False
    """Goes before the keys of the widget in focus."""

    @property
    def binding(self) -> Binding:
        """The key as Textual takes it."""
        return Binding(
            self.key,
            self.action,
            self.label,
            id=self.id,
            tooltip=self.tooltip,
            show=self.in_footer,
            priority=self.is_first,
        )


KEYS = (
    Key("compose", "ctrl+g", "compose", "Compose", "Make the song that stands here", in_footer=True),
    Key(
        "stop",
        "ctrl+t",
        "stop",
        "Stop",
        "End the song here and keep it; once more abandons it",
        in_footer=True,
    ),
    Key(
        "play",
        "ctrl+r,space",
        "play",
        "Play",
        "Play or pause the take, where no text is edited",
        in_footer=True,
    ),
    Key("back", "ctrl+left,left", "seek(-5)", "Back 5 s", "Go back 5 s in the take, where no text is edited"),
    Key("forward", "ctrl+right,right", "seek(5)", "On 5 s", "Go on 5 s in the take, where no text is edited"),
    Key("write", "f2", "area('write')", "Write", "Go to the lyrics", is_first=True),
    Key("style", "f3", "area('style')", "Style", "Go to the style tags", is_first=True),
    Key("tune", "f5", "area('tune')", "Tune", "Go to the settings", is_first=True),
    Key("takes", "f6", "area('takes')", "Takes", "Go to the takes", is_first=True),
    Key("engine-text", "ctrl+l", "engine_text", "Engine text", "Show exactly what the model will read"),
    Key("save", "ctrl+s", "save", "Save", "Write the song as a JSONL file"),
    Key("open", "ctrl+o", "open", "Open", "Open the first song of a JSONL file"),
    Key("new", "ctrl+n", "new", "New", "Begin a new song"),
    Key("palette", "ctrl+p", "app.command_palette", "Find", "Find any action by words", in_footer=True),
    Key("help", "f1", "help", "Help", "Show every key", in_footer=True),
    Key("quit", "ctrl+q", "app.quit", "Quit", "Leave the studio", in_footer=True),
)
"""In the order of the help and the footer."""
OF_THE_APP = ("palette", "quit")
"""What the app does itself, over any screen."""


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the studio with keys of its own."""

    title: str
    bindings: tuple[Binding, ...]
    widget: type[Widget] | None = None
    """Where the keyboard must be; None for everywhere."""
    area: str = ""

    @property
    def commands(self) -> tuple[Binding, ...]:
        """What makes sense in the palette: all but moving about."""
        return tuple(binding for binding in self.bindings if not binding.system)


def _place(title: str, widget: type[Widget], area: str = "") -> Place:
    bindings: Iterable[BindingType] = widget.BINDINGS
    return Place(title, tuple(b for b in bindings if isinstance(b, Binding)), widget, area)


PLACES = (
    Place("Everywhere", tuple(key.binding for key in KEYS)),
    _place("In the lyrics", LyricEditor, "write"),
    _place("In the style tags", StylePicker, "style"),
    _place("On the chosen tags", ChipLine, "style"),
    _place("In the settings", SettingsPanel, "tune"),
    _place("On a setting with a few values", ChoiceField),
    _place("In the takes", TakesList, "takes"),
    _place("On a page of text", Page),
    _place("In a question", Confirm),
    _place("Where a line is asked for", Prompt),
)
"""All the places, in the order of the help."""


def keys_in_force(own: Mapping[str, str]) -> dict[str, str]:
    """The keys of every action by its id, as a person has remapped them."""
    return {str(b.id): own.get(str(b.id), b.key) for place in PLACES for b in place.bindings}


def keymap(own: Mapping[str, str]) -> dict[str, str]:
    """A person's keys by action id; SongdeskError names an id that does not exist or a key given twice."""
    known = keys_in_force({})
    for name, key in own.items():
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else "the help (F1) shows every name in brackets"
            raise SongdeskError(f"no action is called {name!r}", where=_WHERE, hint=hint)
        if not key.strip():
            raise SongdeskError(f"{name} has no key", where=_WHERE, hint="name one: f5")
    merged = keys_in_force(own)
    for name, keys in own.items():
        given = _split(keys) - _split(known[name])
        for other in _heard_with(name):
            if twice := given & _split(merged[other]):
                raise SongdeskError(
                    f"{name} and {other} both have the key {min(twice)}",
                    where=_WHERE,
                    hint="give one of them another key",
                )
    return dict(own)


def _heard_with(name: str) -> set[str]:
    """The actions that a key of this one would meet: those of its place, and those of everywhere."""
    everywhere, *parts = [{str(binding.id) for binding in place.bindings} for place in PLACES]
    together = set.union(everywhere, *(part for part in parts if name in part or name in everywhere))
    return together - {name}


def _split(keys: str) -> set[str]:
    return {key.strip() for key in keys.split(",") if key.strip()}
