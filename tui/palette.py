"""What the palette finds beside the actions: songs of the library, and themes, by their names."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.command import Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import FuzzySearch

from core.fuzzy import LONGEST_QUERY, rank
from core.library.shelf import Shelved, songs
from tui.widgets.bars import one_line

if TYPE_CHECKING:
    from tui.app import Studio

_SEARCH = FuzzySearch()
_LOOKED_AT = 40
"""Characters of a title by which its place among the actions is found."""
_SCATTERED = 0.1
"""The score of what matches further on."""


class SongProvider(Provider):
    """The songs of the library."""

    async def startup(self) -> None:
        """Read the library."""
        self._songs: Sequence[Shelved] = await asyncio.to_thread(songs)

    async def search(self, query: str) -> Hits:
        """Songs whose titles match."""
        studio = _studio(self).studio
        found = rank(query, [(song.title, "") for song in self._songs])
        for index, letters in found:
            song = self._songs[index]
            yield Hit(
                _score(query, song.title),
                _marked(f"Open {one_line(song.title)}", [at + 5 for at in letters]),
                partial(studio.open_home, song.home),
                text=song.title,
                help=song.trouble or "A song of the library",
            )


class ThemeProvider(Provider):
    """The colours."""

    async def search(self, query: str) -> Hits:
        """Themes whose names match, or all for a word that means them."""
        app = _studio(self)
        names = sorted(app.available_themes)
        for index, letters in rank(query, [(f"Theme {name}", "colours") for name in names]):
            name = names[index]
            yield Hit(
                _score(query, f"Theme {name}"),
                _marked(f"Theme {name}", letters),
                partial(setattr, app, "theme", name),
                text=f"Theme {name}",
                help="Colours",
            )


def _studio(provider: Provider) -> "Studio":
    app: Studio = provider.app  # type: ignore[assignment]
    return app


def _score(query: str, words: str) -> float:
    """How well it matches, on the scale of the actions; never by a search that grows without end."""
    return _SEARCH.match(query[:LONGEST_QUERY], words[:_LOOKED_AT])[0] or _SCATTERED


def _marked(words: str, letters: Sequence[int]) -> Content:
    shown = Content(words)
    for at in letters:
        shown = shown.stylize("underline", at, at + 1)
    return shown
