"""The presets over the studio: compare each with the present settings, load, save, delete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from core.presets import Comparison
from tui.screens.modal import Modal
from tui.widgets.preset_list import PresetList

Verb = Literal["load", "load_alone", "save", "delete"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done with which preset; to save needs no name yet."""

    verb: Verb
    name: str = ""


class PresetsPage(Modal[Wish | None]):
    """Gives what is to be done; Escape gives None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "o",
            "wish('load_alone')",
            "Load alone",
            id="presets.alone",
            system=True,
            tooltip="Load the preset and give all that it does not name its default, but for seed and length",
        ),
        Binding(
            "s",
            "wish('save')",
            "Save",
            id="presets.save",
            system=True,
            tooltip="Keep the present settings under a name",
        ),
        Binding(
            "d,delete",
            "wish('delete')",
            "Delete",
            id="presets.delete",
            system=True,
            tooltip="Delete the preset, if it is your own",
        ),
        Binding(
            "escape,q,f4", "close", "Close", id="presets.close", system=True, tooltip="Go back to the studio"
        ),
    ]

    def __init__(self, comparisons: Sequence[Comparison], keys: Mapping[str, str], *, at: str = "") -> None:
        """`keys` are those of every action by its id; `at` names the preset under the cursor at first."""
        super().__init__()
        self._comparisons, self._keys, self._at = comparisons, keys, at

    def compose(self) -> ComposeResult:
        """The list, and what the keys do."""
        names = {"alone": "loads alone", "save": "saves", "delete": "deletes", "close": "closes"}
        keys = " · ".join(f"{self._keys[f'presets.{name}']} {does}" for name, does in names.items())
        with Vertical(classes="dialog presets") as dialog:
            dialog.border_title = Content("Presets, and what each would change now")
            yield PresetList(self._comparisons, at=self._at)
            yield Static(Content(f"enter loads · {keys}"), classes="faint", markup=False)

    def action_wish(self, verb: Verb) -> None:
        """Ask for something to be done with the preset under the cursor."""
        in_hand = self.query_one(PresetList).in_hand
        if verb == "save":
            self.dismiss(Wish("save"))
        elif in_hand is not None:
            self.dismiss(Wish(verb, in_hand.preset.name))

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    @on(PresetList.Chosen)
    def _chosen(self, event: PresetList.Chosen) -> None:
        self.dismiss(Wish("load", event.name))
