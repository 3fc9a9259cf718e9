"""The help: every key as it is now, what it does, and its name for remapping."""

from collections.abc import Collection, Iterator, Mapping

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text
from textual.widget import Widget

from tui.keys import PLACES, Place

_NOTE = "The names in brackets are for remapping, under studio: keys: in songdesk.yaml."
_ROOMY = 60
"""Columns from which keys stand in one row each."""
_SIGNS = {
    "question_mark": "?",
    "slash": "/",
    "plus": "+",
    "minus": "-",
    "comma": ",",
    "full_stop": ".",
    "equals_sign": "=",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


class HelpText:
    """Every key with its words, as remapped: those of where the keyboard is, of the studio, of all places."""

    def __init__(self, own: Mapping[str, str], here: Collection[type[Widget]] = ()) -> None:
        """`own` are remapped keys by action id; `here` are the widgets that hear the keyboard now."""
        self._own = own
        self.places = sorted(PLACES, key=lambda place: place.widget not in here)
        """In the order in which they are told."""

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        for place in self.places:
            yield Text(place.title, style="bold underline")
            yield self._table(place, 20 if options.max_width >= _ROOMY else 12)
            yield Text()
        yield Text(_NOTE, style="dim")

    def _table(self, place: Place, width: int) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=width)
        table.add_column(ratio=1)
        for key, words, name in rows_of(place, self._own):
            table.add_row(Text(key, style="bold"), Text.assemble(words, (f"  ({name})", "dim")))
        return table


def rows_of(place: Place, own: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Key, words and name of each action of a place."""
    return [(shown(own.get(b.id or "", b.key)), b.tooltip, b.id or "") for b in place.bindings]


def shown(keys: str) -> str:
    """Keys as a person knows them."""
    return " or ".join(_SIGNS.get(key, key) for key in keys.split(","))
