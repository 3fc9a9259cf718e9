"""The description of a song as tags: search them, toggle, roll, put in order, see the exact string."""

from collections.abc import Collection, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input, OptionList, Static

from core.style import StyleTag, bpm_of, check_style, join, split
from core.style_dice import DIMENSIONS, Dice, dimension_of, fresh_dice, put, roll, roll_all, turn_tempo
from tui.widgets.bars import one_line
from tui.widgets.chips import ChipLine
from tui.widgets.still_input import StillInput
from tui.widgets.style_keys import STYLE_KEYS
from tui.widgets.tag_list import TagList

LONGEST_QUERY = 40
MOST_UNDONE = 100
_MARKS = {"error": "✗", "warning": "!", "hint": "·"}
_FILTERS = ("", *DIMENSIONS)
_FILTERS_NEED = 84
"""Columns from which all the dimensions are named beside the search."""
_HINT_NEEDS = 12
"""Rows from which a line of keys takes nothing away."""


class StylePicker(Vertical):
    """Builds a description from the vocabulary, a tempo and tags of one's own."""

    BINDINGS: ClassVar[list[BindingType]] = STYLE_KEYS

    dimension: reactive[str] = reactive("")
    """The one whose tags are listed; empty for all."""
    has_reference: reactive[bool] = reactive(False)
    """Whether the song is led by a reference too."""

    class Changed(Message):
        """Another description is chosen."""

        def __init__(self, picker: "StylePicker", description: str) -> None:
            super().__init__()
            self.picker = picker
            self.description = description

        @property
        def control(self) -> "StylePicker":
            """The picker it came from."""
            return self.picker

    def __init__(
        self,
        vocabulary: Sequence[StyleTag],
        description: str = "",
        *,
        dice: Dice | None = None,
        filter_key: str = "alt+d",
        hint: str = "",
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """`dice` are fresh ones unless given; `filter_key` and `hint` are what is said of the keys."""
        super().__init__(id=id, classes=classes)
        self.chosen: tuple[str, ...] = split(description)
        self._vocabulary = tuple(vocabulary)
        self._dice = dice or fresh_dice()
        self._filter_key, self._hint = filter_key, hint
        self._thrown: frozenset[str] = frozenset()
        """The chosen tags that the dice chose."""
        self._past: list[tuple[tuple[str, ...], frozenset[str]]] = []
        """What was chosen, and thrown, before each change."""

    def compose(self) -> ComposeResult:
        """Search and filter, list, chips, the string itself and one line of advice."""
        with Horizontal(classes="search"):
            yield StillInput(
                placeholder="find a tag, or type a tempo", max_length=LONGEST_QUERY, compact=True
            )
            yield Static(classes="filter", markup=False)
        yield TagList(self._vocabulary)
        yield ChipLine()
        yield Static(classes="exact", markup=False)
        yield Static(classes="advice", markup=False)
        yield Static(Content(self._hint), classes="hint", markup=False)

    def on_mount(self) -> None:
        """Fill the list and write the words."""
        self._list.choose(self.chosen)
        self._fill()
        self._write()

    def on_resize(self) -> None:
        """All the dimensions, and the keys, are named where there is room."""
        self._name_filter()
        self.query_one(".hint").display = bool(self._hint) and self.size.height >= _HINT_NEEDS

    @property
    def description(self) -> str:
        """The exact string the engine reads."""
        return join(self.chosen)

    def load(self, description: str) -> None:
        """Show another song's description; nothing is posted."""
        if split(description) != self.chosen:
            self._past, self._thrown = [], frozenset()
            self._choose(split(description))

    def know(self, tags: Collection[str]) -> None:
        """Let a search find these before others that match alike."""
        for shown in self.query(TagList):  # gone where the studio is being taken down
            shown.known = tags

    def take(self, description: str) -> None:
        """Choose these tags in place of all others, as a person's own act."""
        self._change(split(description))

    def toggle(self, tag: str) -> None:
        """Choose a tag, or take it away; one tempo takes the place of another."""
        wanted = tag.casefold()
        if self._is_chosen(tag):
            tags = tuple(chosen for chosen in self.chosen if chosen.casefold() != wanted)
        elif bpm_of([tag]) is not None and bpm_of(self.chosen) is not None:
            tags = tuple(tag if bpm_of([chosen]) is not None else chosen for chosen in self.chosen)
        else:
            tags = (*self.chosen, tag)
        self._change(tags)

    def watch_dimension(self) -> None:
        """List its tags."""
        if self.is_mounted:
            self._fill()
            self._name_filter()

    def watch_has_reference(self) -> None:
        """Say what there is to say of both together."""
        if self.is_mounted:
            self._advise()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be taken back before something was changed."""
        return bool(self._past) if action == "undo" else super().check_action(action, parameters)

    def action_highlight(self, step: int) -> None:
        """Go to the tag above or below."""
        if step < 0:
            self._list.action_cursor_up()
        else:
            self._list.action_cursor_down()

    async def action_page(self, step: int) -> None:
        """Go a page up or down."""
        await self._list.run_action("page_up" if step < 0 else "page_down")

    def action_group(self, step: int) -> None:
        """Go to the group above or below."""
        self._list.step_group(step)

    def action_clear(self) -> None:
        """Clear the search; without one, list all dimensions again."""
        if self.query_one(Input).value:
            self.query_one(Input).value = ""
        else:
            self.dimension = ""

    def action_filter(self) -> None:
        """List the tags of the next dimension."""
        self.dimension = _FILTERS[(_FILTERS.index(self.dimension) + 1) % len(_FILTERS)]

    def action_roll(self) -> None:
        """Throw the dice: anew for the chip in hand, else for the dimension of the highlighted tag."""
        chips = self.query_one(ChipLine)
        in_hand = chips.tags[chips.at] if chips.has_focus and chips.tags else ""
        dimension = dimension_of(in_hand) or self._list.dimension or self.dimension or "genre"
        self._dice = self._dice.next()
        tag = roll(self._dice, dimension, without=self.chosen)
        if in_hand and dimension_of(in_hand) == dimension:
            tags = (*chips.tags[: chips.at], tag, *chips.tags[chips.at + 1 :])
        else:
            tags = put(self.chosen, tag, dimension, thrown=self._thrown)
        self._change(tags, thrown=self._thrown | {tag})
        chips.at = self.chosen.index(tag)

    def action_roll_all(self) -> None:
        """Throw the dice for a whole description."""
        self._dice = self._dice.next()
        tags = roll_all(self._dice)
        self._change(tags, thrown=frozenset(tags))

    def action_undo(self) -> None:
        """Take back the last change."""
        if self._past:
            tags, self._thrown = self._past.pop()
            self._choose(tags)
            self.post_message(self.Changed(self, self.description))

    def action_tempo(self, by: int) -> None:
        """Turn the tempo (beats per minute); without one begin with a middling one."""
        self._change(turn_tempo(self.chosen, by))

    @on(Input.Changed)
    def _searched(self, event: Input.Changed) -> None:
        event.stop()
        self._fill()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._list.action_select()

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        for tag in split(self._list.tag_of(event.option) or ""):
            self.toggle(tag)
        self.query_one(Input).value = ""

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()

    @on(ChipLine.Rearranged)
    def _rearranged(self, event: ChipLine.Rearranged) -> None:
        event.stop()
        self._change(event.tags)

    @property
    def _list(self) -> TagList:
        return self.query_one(TagList)

    def _is_chosen(self, tag: str) -> bool:
        return tag.casefold() in (chosen.casefold() for chosen in self.chosen)

    def _change(self, tags: tuple[str, ...], *, thrown: frozenset[str] | None = None) -> None:
        """A person's own change: can be taken back, and is told."""
        if tags == self.chosen:
            return
        self._past = [*self._past[-MOST_UNDONE:], (self.chosen, self._thrown)]
        self._thrown = (self._thrown if thrown is None else thrown) & frozenset(tags)
        self._choose(tags)
        self.post_message(self.Changed(self, self.description))

    def _choose(self, tags: tuple[str, ...]) -> None:
        self.chosen = tags
        if self.is_mounted:
            self._list.choose(tags)
            self._fill(stay=True)
            self._write()

    def _write(self) -> None:
        self.query_one(ChipLine).tags = self.chosen
        self.query_one(".exact", Static).update(Content(f"sent: {one_line(self.description) or 'nothing'}"))
        self._advise()

    def _advise(self) -> None:
        notes = check_style(self.description, has_reference=self.has_reference)
        advice = ""
        if notes:
            worst = min(notes, key=lambda note: list(_MARKS).index(note.severity))
            more = f" (+{len(notes) - 1} more)" if len(notes) > 1 else ""
            advice = f"{_MARKS[worst.severity]} {worst.message}{more} → {worst.hint}"
        line = self.query_one(".advice", Static)
        line.update(Content(one_line(advice)))
        line.display = bool(advice)

    def _name_filter(self) -> None:
        """Say which dimension is listed, among the others where there is room."""
        if self.size.width >= _FILTERS_NEED:
            names = [f"[{d or 'all'}]" if d == self.dimension else f" {d or 'all'} " for d in _FILTERS]
            words = "".join(names)
        else:
            words = f"[{self.dimension or 'all'}]"
        self.query_one(".filter", Static).update(Content(f" {self._filter_key} {words}"))

    def _fill(self, *, stay: bool = False) -> None:
        self._list.fill(self.query_one(Input).value.strip(), self.dimension, stay=stay)
