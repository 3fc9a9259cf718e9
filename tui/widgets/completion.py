"""The list that floats at the cursor: tags after `[`, or lines of the song that were used before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.content import Content
from textual.fuzzy import FuzzySearch
from textual.geometry import Offset
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from core.lyrics.tags import Dialect, Tag

_LONGEST_QUERY = 24
"""Characters; the fuzzy search takes far too long above it."""


@dataclass(frozen=True, slots=True)
class Words:
    """Words that can be written at the cursor."""

    text: str
    """One line or several."""
    rest: tuple[str, ...] = ()
    """Lines that followed them where they stood."""
    note: str = ""
    """What they are, if that is not plain."""


class CompletionPopup(OptionList):
    """Things to choose from; the editor keeps the focus and steers it."""

    can_focus = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"completion--match"}

    def __init__(self, dialect: Dialect, accept: Callable[[], None]) -> None:
        """`accept` is called when an option is clicked."""
        super().__init__(markup=False, compact=True)
        self._tags = dialect.tags
        self._accept = accept
        self._search = FuzzySearch()
        self._offered: tuple[Tag | Words, ...] = ()
        self.display = False

    @property
    def is_open(self) -> bool:
        """Whether it is shown and keys are for it."""
        return bool(self.display)

    @property
    def in_hand(self) -> Tag | Words | None:
        """What is highlighted; None while it is closed."""
        return self._offered[self.highlighted] if self.is_open and self.highlighted is not None else None

    @property
    def chosen(self) -> Tag | None:
        """The highlighted tag; None while it is closed, or where words are offered."""
        return self.in_hand if isinstance(self.in_hand, Tag) else None

    @property
    def words(self) -> Words | None:
        """The highlighted words; None while it is closed, or where tags are offered."""
        return self.in_hand if isinstance(self.in_hand, Words) else None

    @property
    def offered(self) -> tuple[str, ...]:
        """Tags by name, or words, as they are listed; empty while it is closed."""
        names = (thing.name if isinstance(thing, Tag) else thing.text for thing in self._offered)
        return tuple(names) if self.is_open else ()

    def offer(self, query: str, cursor: Offset) -> bool:
        """Show the tags that match beside the cursor (in screen cells); False if none does and it closed."""
        matches = self._matches(query) if len(query) <= _LONGEST_QUERY else []
        if not matches:
            self.close()
            return False
        self._show(
            [tag for tag, _ in matches], [self._prompt(tag, positions) for tag, positions in matches], cursor
        )
        return True

    def offer_words(self, words: Sequence[Words], cursor: Offset, *, typed: int = 0) -> None:
        """Show words beside the cursor (in screen cells), of which so many characters are there already."""
        self._show(words, [self._words(one, typed) for one in words], cursor)

    def move(self, cursor: Offset) -> None:
        """Stand beside the cursor (in screen cells)."""
        if self.is_open and self.absolute_offset != cursor:
            self.absolute_offset = cursor
            self.refresh(layout=True)

    def close(self) -> None:
        """Hide the list."""
        self.display = False

    def step(self, by: int) -> None:
        """Move the highlight, round the ends."""
        if self._offered:
            self.highlighted = ((self.highlighted or 0) + by) % len(self._offered)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take a click for the accepting key."""
        event.stop()
        self._accept()

    def _show(self, offered: Sequence[Tag | Words], prompts: Sequence[Content], cursor: Offset) -> None:
        self._offered = tuple(offered)
        self.set_options(Option(prompt) for prompt in prompts)
        self.highlighted = 0
        self.set_class(isinstance(offered[0], Words), "-words")
        self.display = True
        self.move(cursor)

    def _matches(self, query: str) -> list[tuple[Tag, Sequence[int]]]:
        if not query:
            return [(tag, ()) for tag in self._tags]
        scored = [(tag, *self._search.match(query, tag.name)) for tag in self._tags]
        found = sorted((hit for hit in scored if hit[1] > 0), key=lambda hit: -hit[1])
        return [(tag, positions) for tag, _, positions in found]

    def _prompt(self, tag: Tag, positions: Sequence[int]) -> Content:
        name = Content(f"[{tag.name}]")
        for position in positions:
            name = self._matched(name, position + 1, position + 2)
        note = "sung" if tag.sung else f"no words, {tag.seconds[0]:g}–{tag.seconds[1]:g} s"
        return Content.assemble(name, " " * (16 - name.cell_length), note)

    def _words(self, words: Words, typed: int) -> Content:
        shown = Content(f"{words.note}: " if words.note else "")
        line = self._matched(Content(words.text.strip().split("\n", 1)[0]), 0, typed)
        return shown + line

    def _matched(self, content: Content, start: int, end: int) -> Content:
        return content.stylize(self.get_visual_style("completion--match", partial=True), start, end)
