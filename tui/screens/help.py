"""The help: every key as it is now, what it does, and its name for remapping."""

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from tui.keys import PLACES, Place

_NOTE = "The names in brackets are for remapping, under studio: keys: in songdesk.yaml."


def help_text(own: Mapping[str, str]) -> Table:
    """Every key with its words, as remapped: those of the studio, then those of each place."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(max_width=20)
    table.add_column(ratio=1)
    for place in PLACES:
        table.add_row(Text(place.title, style="bold", no_wrap=True))
        for key, words, name in rows_of(place, own):
            table.add_row(Text(key, style="bold"), Text.assemble(words, (f"  ({name})", "dim")))
        table.add_row()
    table.add_row("", Text(_NOTE, style="dim"))
    return table


def rows_of(place: Place, own: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Key, words and name of each action of a place."""
    return [
        (" or ".join(own.get(b.id or "", b.key).split(",")), b.tooltip, b.id or "") for b in place.bindings
    ]
