"""Every key of the studio and of its parts: bindings, palette, help and remapping are made from here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from textual.binding import Binding, BindingType
from textual.widget import Widget

from core.errors import SongdeskError
from tui.screens.chooser import Chooser
from tui.screens.confirm import Confirm, Prompt
from tui.screens.jump import Jump
from tui.screens.leave import Leave
from tui.screens.listen import TakesArea
from tui.screens.listen_page import ListenPage
from tui.screens.models_page import ModelsPage
from tui.screens.page import Page
from tui.screens.presets import PresetsPage
from tui.screens.queue_page import QueuePage
from tui.screens.style import StyleArea
from tui.screens.style_sets import SetChooser
from tui.widgets.chips import ChipLine
from tui.widgets.choice_field import ChoiceField
from tui.widgets.find_bar import FindBar
from tui.widgets.fuzzy_list import FuzzyList
from tui.widgets.list_panel import ListPanel, ProblemPanel
from tui.widgets.lyric_editor import LyricEditor
from tui.widgets.model_list import ModelList
from tui.widgets.path_prompt import PathPrompt
from tui.widgets.queue_list import QueueList
from tui.widgets.reference_panel import ReferencePanel
from tui.widgets.search_line import SearchLine
from tui.widgets.settings_panel import SettingsPanel
from tui.widgets.style_picker import StylePicker
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
        "pause",
        "f7",
        "pause",
        "Pause or go on",
        "Put the song down and give its memory back; go on with the one put down or broken off last",
        in_footer=True,
        is_first=True,
    ),
    Key(
        "play",
        "ctrl+r,space",
        "play",
        "Play",
        "Play or pause the take, where no text is edited",
        in_footer=True,
    ),
    Key(
        "listen",
        "alt+h",
        "listen",
        "Listen",
        "Hear it in the browser where you sit, with its address; there the same key ends that",
    ),
    Key("back", "ctrl+left,left", "seek(-5)", "Back 5 s", "Go back 5 s in the take, where no text is edited"),
    Key("forward", "ctrl+right,right", "seek(5)", "On 5 s", "Go on 5 s in the take, where no text is edited"),
    Key("write", "f2", "area('write')", "Write", "Go to the lyrics", is_first=True),
    Key("style", "f3", "area('style')", "Style", "Go to the style tags", is_first=True),
    Key("tune", "f5", "area('tune')", "Tune", "Go to the settings", is_first=True),
    Key("takes", "f6", "area('takes')", "Takes", "Go to the takes", is_first=True),
    Key("engine-text", "ctrl+l", "engine_text", "Engine text", "Show exactly what the model will read"),
    Key("save", "ctrl+s", "save", "Save", "Write the song now; it is saved by itself too"),
    Key("open", "ctrl+o", "open", "Open", "Open a song of the library, or one from a file"),
    Key("new", "ctrl+n", "new", "New", "Begin a new song"),
    Key("song", "alt+l", "song_menu", "Song …", "Save as, rename, duplicate, import, export"),
    Key("queue", "alt+q", "queue", "Queue", "Show all that waits to be made, and change its order"),
    Key("models", "alt+u", "models", "Models", "Use another model, fetch one, see what fits this machine"),
    Key("message", "alt+m", "message", "Messages", "Read in full what was said last"),
    Key("jump", "ctrl+j", "app.jump", "Jump", "A letter over every place; typing it goes there"),
    Key("palette", "ctrl+p", "app.command_palette", "Find", "Find any action by words", in_footer=True),
    Key("help", "f1", "app.keys", "Help", "Show every key", in_footer=True, is_first=True),
    Key("keys", "question_mark", "app.keys", "Keys", "Show every key, where no text is edited"),
    Key("quit", "ctrl+q", "app.quit", "Quit", "Leave the studio", in_footer=True, is_first=True),
)
"""In the order of the help and the footer."""
OF_THE_APP = ("jump", "palette", "help", "quit")
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
    _place("In the search", FindBar, "write"),
    _place("In the lists of problems and sections", ListPanel, "write"),
    _place("In the list of problems", ProblemPanel, "write"),
    _place("In the style", StyleArea, "style"),
    _place("In the style tags", StylePicker, "style"),
    _place("On the chosen tags", ChipLine, "style"),
    _place("On the reference", ReferencePanel, "style"),
    _place("Where a file is asked for", PathPrompt),
    _place("In the settings", SettingsPanel, "tune"),
    _place("On a setting with a few values", ChoiceField),
    _place("In the presets", PresetsPage),
    _place("In the takes", TakesList, "takes"),
    _place("Where takes are searched", SearchLine, "takes"),
    _place("On the take in hand, in the takes", TakesArea, "takes"),
    _place("In the queue", QueueList),
    _place("On the page of the queue", QueuePage),
    _place("In the list of models", ModelList),
    _place("On the page of the models", ModelsPage),
    _place("Where listening in a browser is shown", ListenPage),
    _place("In a list to choose from", FuzzyList),
    _place("In a choice", Chooser),
    _place("In the sets of tags", SetChooser),
    _place("In jump mode", Jump),
    _place("On a page of text", Page),
    _place("In a question", Confirm),
    _place("When a song is left that is being made", Leave),
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
