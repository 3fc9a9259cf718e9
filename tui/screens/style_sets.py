"""The sets of tags a person may take: favourites by name, and what the last takes were made with."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.screens.chooser import Chooser
from tui.widgets.fuzzy_list import FuzzyList, Row

_KEPT, _USED, _GONE = "kept ", "used ", "gone "
"""What an id in the list begins with; what follows is a name, or the place in the list."""


class SetChooser(Chooser):
    """Enter takes a set, a key has a favourite forgotten."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "alt+x", "forget", "Forget set", id="sets.forget", system=True, tooltip="Forget this favourite"
        ),
    ]

    def __init__(self, favourites: Mapping[str, str], recent: Sequence[str], *, forget_key: str) -> None:
        """Descriptions by name, and descriptions without one."""
        rows: list[Row] = [(_KEPT + name, name, description) for name, description in favourites.items()]
        rows += [(f"{_USED}{at}", description, "used") for at, description in enumerate(recent)]
        foot = f"Enter takes it, {forget_key} forgets a favourite, Escape goes back"
        super().__init__("Sets of tags", rows, foot=foot)

    def action_forget(self) -> None:
        """Answer with the favourite in hand as one that is to go."""
        in_hand = self.query_one(FuzzyList).in_hand or ""
        if in_hand.startswith(_KEPT):
            self.dismiss(_GONE + in_hand.removeprefix(_KEPT))


def meant(answer: str, favourites: Mapping[str, str], recent: Sequence[str]) -> tuple[str, str]:
    """The description that was taken, or else the name that is to be forgotten."""
    kind, what = answer[: len(_KEPT)], answer[len(_KEPT) :]
    if kind == _GONE:
        return "", what
    return (favourites[what] if kind == _KEPT else recent[int(what)]), ""
