"""The tags to choose from: all of them under headings, those of one dimension, or what a search finds."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from core.style import Hit, StyleTag, bpm_tag, search
from core.style_dice import FASTEST, SLOWEST, TEMPO, dimension_of
from tui.widgets.bars import one_line

MOST_HITS = 50
_PACES = (
    ("slow", range(50, 76, 2)), ("walking", range(76, 108, 2)), ("brisk", range(108, 132, 2)),
    ("fast", range(132, 182, 2)),
)  # fmt: skip
"""Tempos that are offered without being typed (beats per minute)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list: its option and the tag it toggles; a heading toggles nothing."""

    option: Option
    tag: str | None


class TagList(OptionList):
    """Shows what there is; the search beside it keeps the keyboard and steers it."""

    can_focus = False

    def __init__(self, vocabulary: Sequence[StyleTag]) -> None:
        super().__init__(markup=False, compact=True)
        self.known: Collection[str] = ()
        """Tags of the person's own sets: of those that match alike they come first."""
        self._vocabulary = tuple(vocabulary)
        self._names = {tag.name.casefold() for tag in self._vocabulary}
        self._marked: dict[tuple[str, str], Option] = {}
        """Options of the whole list by tag and heading, remade only for a tag that was toggled."""
        self._headings: dict[str, Option] = {}
        self._entries: list[Entry] = []
        self._chosen: frozenset[str] = frozenset()

    def choose(self, chosen: Sequence[str]) -> None:
        """Know which tags are chosen; `fill` shows it."""
        now = frozenset(tag.casefold() for tag in chosen)
        for place in [place for place in self._marked if place[0].casefold() in now ^ self._chosen]:
            del self._marked[place]
        self._chosen = now

    def fill(self, query: str, dimension: str, *, stay: bool = False) -> None:
        """List what is found in a dimension, empty for all; `stay` keeps the place of the highlight."""
        before = self.highlighted
        self._entries = list(self._found(query, dimension) if query else self._everything(dimension))
        self.set_options(entry.option for entry in self._entries)
        first = next((i for i, entry in enumerate(self._entries) if entry.tag is not None), None)
        self.highlighted = before if stay and before is not None and before < len(self._entries) else first

    def tag_of(self, option: Option) -> str | None:
        """The tag an option that is on show toggles."""
        return next((entry.tag for entry in self._entries if entry.option is option), None)

    @property
    def dimension(self) -> str:
        """The dimension of the highlighted tag; empty for a tag of one's own, and where there is none."""
        tag = None if self.highlighted is None else self._entries[self.highlighted].tag
        return "" if tag is None else dimension_of(tag)

    def step_group(self, step: int) -> None:
        """Go to the first tag of the group after (1) or before (-1), round the ends."""
        firsts = [at + 1 for at, entry in enumerate(self._entries) if entry.tag is None]
        if not firsts or self.highlighted is None:
            return
        at = max((i for i, first in enumerate(firsts) if first <= self.highlighted), default=0)
        self.highlighted = firsts[(at + step) % len(firsts)]
        # The heading is worth seeing too.
        self.scroll_to(y=self.highlighted - 1, animate=False)

    def _everything(self, dimension: str) -> Iterator[Entry]:
        heading = ""
        for name, over in self._all_of(dimension):
            if over != heading:
                heading = over
                option = self._headings.setdefault(over, Option(Content(f"── {over}"), disabled=True))
                yield Entry(option, None)
            yield Entry(self._option(name, over), name)

    def _all_of(self, dimension: str) -> Iterator[tuple[str, str]]:
        """The tags of a dimension, each with the heading it stands under."""
        if dimension == TEMPO:
            for pace, tempos in _PACES:
                for bpm in tempos:
                    yield bpm_tag(bpm), f"{TEMPO}: {pace}"
            return
        for tag in self._vocabulary:
            if dimension in ("", tag.dimension):
                yield tag.name, f"{tag.dimension}: {tag.group}"

    def _found(self, query: str, dimension: str) -> Iterator[Entry]:
        if query.isdecimal() and SLOWEST <= int(query) <= FASTEST and dimension in ("", TEMPO):
            yield self._offer(bpm_tag(int(query)), TEMPO)
        for hit in self._hits(query, dimension):
            prompt = self._prompt(hit.tag.name, f"{hit.tag.dimension}: {hit.tag.group}")
            for position in hit.positions:
                prompt = prompt.stylize("underline", position + 2, position + 3)
            yield Entry(Option(prompt), hit.tag.name)
        if query.casefold() in self._names:
            return
        words = one_line(query)
        if query.casefold() in self._chosen:
            yield self._offer(words, "outside the vocabulary")
        else:
            yield Entry(Option(Content(f'  add "{words}" (outside the vocabulary)')), query)

    def _hits(self, query: str, dimension: str) -> tuple[Hit, ...]:
        """What is found in a dimension, or anywhere when nothing is: better than a tag that seems unknown."""
        if dimension == TEMPO and query.isdecimal():
            return ()
        inside = search(query, limit=MOST_HITS, dimension=dimension or None, known=self.known)
        return inside or search(query, limit=MOST_HITS, known=self.known)

    def _offer(self, tag: str, about: str) -> Entry:
        return Entry(Option(self._prompt(tag, about)), tag)

    def _option(self, name: str, over: str) -> Option:
        if (name, over) not in self._marked:
            self._marked[name, over] = Option(self._prompt(name, ""))
        return self._marked[name, over]

    def _prompt(self, name: str, about: str) -> Content:
        mark = "●" if name.casefold() in self._chosen else " "
        return Content.assemble(f"{mark} {name}", (f"  {about}", "dim") if about else "")
