"""The keys of the style picker."""

from textual.binding import Binding, BindingType

STYLE_KEYS: list[BindingType] = [
    Binding("up", "highlight(-1)", "Up", id="style.up", system=True, tooltip="The tag above", show=False),
    Binding(
        "down", "highlight(1)", "Down", id="style.down", system=True, tooltip="The tag below", show=False
    ),
    Binding(
        "pageup", "page(-1)", "Page up", id="style.page_up", system=True, tooltip="A page up", show=False
    ),
    Binding(
        "pagedown",
        "page(1)",
        "Page down",
        id="style.page_down",
        system=True,
        tooltip="A page down",
        show=False,
    ),
    Binding(
        "ctrl+up",
        "group(-1)",
        "Group above",
        id="style.group_up",
        system=True,
        tooltip="The group of tags above",
        show=False,
    ),
    Binding(
        "ctrl+down",
        "group(1)",
        "Group below",
        id="style.group_down",
        system=True,
        tooltip="The group of tags below",
        show=False,
    ),
    Binding(
        "escape",
        "clear",
        "Clear",
        id="style.clear",
        system=True,
        tooltip="Clear the search, then the filter",
        show=False,
    ),
    Binding(
        "alt+d",
        "filter",
        "Dimension",
        id="style.dimension",
        tooltip="List the next dimension alone: gender, genre, emotion, instrument, tempo; then all",
        show=False,
    ),
    Binding(
        "alt+r",
        "roll",
        "Roll a tag",
        id="style.roll",
        tooltip="Throw the dice for a tag of the dimension in hand",
        show=False,
    ),
    Binding(
        "alt+e",
        "roll_all",
        "Roll everything",
        id="style.roll_all",
        tooltip="Throw the dice for a whole description",
        show=False,
    ),
    Binding(
        "alt+z",
        "undo",
        "Undo tags",
        id="style.undo",
        tooltip="Take back the last change of the tags",
        show=False,
    ),
    Binding("alt+up", "tempo(1)", "Faster", id="style.faster", tooltip="Tempo up by 1 bpm", show=False),
    Binding("alt+down", "tempo(-1)", "Slower", id="style.slower", tooltip="Tempo down by 1 bpm", show=False),
    Binding(
        "shift+up",
        "tempo(5)",
        "Much faster",
        id="style.faster5",
        tooltip="Tempo up by 5 bpm",
        show=False,
    ),
    Binding(
        "shift+down",
        "tempo(-5)",
        "Much slower",
        id="style.slower5",
        tooltip="Tempo down by 5 bpm",
        show=False,
    ),
]
