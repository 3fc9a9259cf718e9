"""The description of a song as tags: search the vocabulary, toggle, put in order, see the exact string."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from core.style import StyleTag, bpm_of, bpm_tag, check_style, join, search, split
from tui.widgets.bars import clip, one_line

LONGEST_QUERY = 40
MOST_HITS = 50
_SLOWEST, _FASTEST = 40, 220
_NO_CHIPS = "no tags chosen"
_MARKS = {"error": "✗", "warning": "!", "hint": "·"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list: its option and the tag it toggles; a heading toggles nothing."""

    option: Option
    tag: str | None


class ChipLine(Widget, can_focus=True):
    """The chosen tags in order; the one in hand stands between ▸ and ◂."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"chips--current"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "left",
            "step(-1)",
            "Left",
            id="chips.left",
            system=True,
            tooltip="Go to the tag before",
            show=False,
        ),
        Binding(
            "right",
            "step(1)",
            "Right",
            id="chips.right",
            system=True,
            tooltip="Go to the next tag",
            show=False,
        ),
        Binding("alt+left", "move(-1)", "Earlier", id="chips.earlier", tooltip="Move this tag forward"),
        Binding("alt+right", "move(1)", "Later", id="chips.later", tooltip="Move this tag back"),
        Binding("delete,backspace", "remove", "Remove", id="chips.remove", tooltip="Take this tag away"),
    ]

    tags: reactive[tuple[str, ...]] = reactive((), layout=True)
    """The chosen tags, in order."""
    at: reactive[int] = reactive(0)
    """Which one is in hand."""

    class Rearranged(Message):
        """Tags were moved or taken away."""

        def __init__(self, chips: "ChipLine", tags: tuple[str, ...]) -> None:
            super().__init__()
            self.chips = chips
            self.tags = tags

        @property
        def control(self) -> "ChipLine":
            """The chips it came from."""
            return self.chips

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without tags there is nothing to move or take away."""
        return bool(self.tags) if action in {"move", "remove"} else super().check_action(action, parameters)

    def validate_at(self, at: int) -> int:
        """Stay on a tag."""
        return max(0, min(len(self.tags) - 1, at))

    def watch_tags(self, old: tuple[str, ...], new: tuple[str, ...]) -> None:
        """Stay on a tag when there are fewer."""
        self.at = self.validate_at(self.at)
        if bool(old) is not bool(new):
            self.refresh_bindings()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many rows as the chips need."""
        return max(1, len(self._lay_out(width)))

    def render_line(self, y: int) -> Strip:
        """One row of chips."""
        width, plain = self.size.width, self.rich_style
        if not self.tags:
            return Strip([Segment(_NO_CHIPS if y == 0 else "", plain)]).adjust_cell_length(width, plain)
        rows = self._lay_out(width)
        current = self.get_component_rich_style("chips--current")
        segments = [
            Segment(self._chip(index, width), current if self._is_current(index) else plain)
            for index in (rows[y] if y < len(rows) else [])
        ]
        return Strip(segments).adjust_cell_length(width, plain)

    def action_step(self, step: int) -> None:
        """Go to the tag before or after."""
        self.at += step

    def action_move(self, step: int) -> None:
        """Move the tag in hand one place."""
        to = self.at + step
        if 0 <= to < len(self.tags):
            tags = list(self.tags)
            tags.insert(to, tags.pop(self.at))
            self.tags, self.at = tuple(tags), to
            self.post_message(self.Rearranged(self, self.tags))

    def action_remove(self) -> None:
        """Take the tag in hand away."""
        if self.tags:
            self.tags = self.tags[: self.at] + self.tags[self.at + 1 :]
            self.post_message(self.Rearranged(self, self.tags))

    def _is_current(self, index: int) -> bool:
        return self.has_focus and index == self.at

    def _chip(self, index: int, width: int) -> str:
        left, right = "▸◂" if self._is_current(index) else "‹›"
        return clip(f"{left}{one_line(self.tags[index])}{right}", max(1, width - 1)) + " "

    def _lay_out(self, width: int) -> list[list[int]]:
        rows: list[list[int]] = []
        used = width
        for index in range(len(self.tags)):
            size = cell_len(self._chip(index, width))
            if used + size > width or not rows:
                rows.append([])
                used = 0
            rows[-1].append(index)
            used += size
        return rows


class StylePicker(Vertical):
    """Builds a description from the vocabulary, a tempo and tags of one's own."""

    BINDINGS: ClassVar[list[BindingType]] = [
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
            "escape", "clear", "Clear", id="style.clear", system=True, tooltip="Clear the search", show=False
        ),
    ]

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
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.chosen: tuple[str, ...] = split(description)
        self._vocabulary = tuple(vocabulary)
        self._known = {tag.name.casefold() for tag in self._vocabulary}
        self._options: dict[StyleTag, Option] = {}
        """Options of the whole list, made once and remade only for a tag that was toggled."""
        self._headings: dict[str, Option] = {}
        self._entries: list[Entry] = []

    def compose(self) -> ComposeResult:
        """Search, list, chips, the string itself and one line of advice."""
        yield Input(placeholder="find a tag, or type a tempo", max_length=LONGEST_QUERY, compact=True)
        tags = OptionList(markup=False, compact=True)
        tags.can_focus = False
        yield tags
        yield ChipLine()
        yield Static(classes="exact", markup=False)
        yield Static(classes="advice", markup=False)

    def on_mount(self) -> None:
        """Fill the list and write the words."""
        self._fill()
        self._write()

    @property
    def description(self) -> str:
        """The exact string the engine reads."""
        return join(self.chosen)

    def load(self, description: str) -> None:
        """Show another song's description; nothing is posted."""
        self._choose(split(description))

    def toggle(self, tag: str) -> None:
        """Choose a tag, or take it away; one tempo takes the place of another."""
        wanted = tag.casefold()
        if self._is_chosen(tag):
            tags = tuple(chosen for chosen in self.chosen if chosen.casefold() != wanted)
        elif bpm_of([tag]) is not None and bpm_of(self.chosen) is not None:
            tags = tuple(tag if bpm_of([chosen]) is not None else chosen for chosen in self.chosen)
        else:
            tags = (*self.chosen, tag)
        self._choose(tags)
        self.post_message(self.Changed(self, self.description))

    def action_highlight(self, step: int) -> None:
        """Go to the tag above or below."""
        tags = self.query_one(OptionList)
        if step < 0:
            tags.action_cursor_up()
        else:
            tags.action_cursor_down()

    async def action_page(self, step: int) -> None:
        """Go a page up or down."""
        await self.query_one(OptionList).run_action("page_up" if step < 0 else "page_down")

    def action_clear(self) -> None:
        """Clear the search."""
        self.query_one(Input).value = ""

    @on(Input.Changed)
    def _searched(self, event: Input.Changed) -> None:
        event.stop()
        self._fill()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(OptionList).action_select()

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        entry = self._entries[event.option_index]
        if entry.option is not event.option or entry.tag is None:
            return
        for tag in split(entry.tag):
            self.toggle(tag)
        self.query_one(Input).value = ""

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()

    @on(ChipLine.Rearranged)
    def _rearranged(self, event: ChipLine.Rearranged) -> None:
        event.stop()
        self._choose(event.tags)
        self.post_message(self.Changed(self, self.description))

    def _is_chosen(self, tag: str) -> bool:
        return tag.casefold() in (chosen.casefold() for chosen in self.chosen)

    def _choose(self, tags: tuple[str, ...]) -> None:
        touched = {tag.casefold() for tag in set(self.chosen) ^ set(tags)}
        self.chosen = tags
        for tag in [tag for tag in self._options if tag.name.casefold() in touched]:
            del self._options[tag]
        if self.is_mounted:
            self._fill(stay=True)
            self._write()

    def _write(self) -> None:
        self.query_one(ChipLine).tags = self.chosen
        self.query_one(".exact", Static).update(Content(f"sent: {one_line(self.description) or 'nothing'}"))
        notes = check_style(self.description)
        advice = ""
        if notes:
            worst = min(notes, key=lambda note: list(_MARKS).index(note.severity))
            more = f" (+{len(notes) - 1} more)" if len(notes) > 1 else ""
            advice = f"{_MARKS[worst.severity]} {worst.message}{more} → {worst.hint}"
        line = self.query_one(".advice", Static)
        line.update(Content(one_line(advice)))
        line.display = bool(advice)

    def _fill(self, *, stay: bool = False) -> None:
        query = self.query_one(Input).value.strip()
        tags = self.query_one(OptionList)
        before = tags.highlighted
        self._entries = self._found(query) if query else self._everything()
        tags.set_options(entry.option for entry in self._entries)
        first = next((i for i, entry in enumerate(self._entries) if entry.tag is not None), None)
        tags.highlighted = before if stay and before is not None and before < len(self._entries) else first

    def _everything(self) -> list[Entry]:
        entries: list[Entry] = []
        heading = ""
        for tag in self._vocabulary:
            over = tag.dimension if tag.group == tag.dimension else f"{tag.dimension}: {tag.group}"
            if over != heading:
                heading = over
                option = self._headings.setdefault(over, Option(Content(f"── {over}"), disabled=True))
                entries.append(Entry(option, None))
            entries.append(Entry(self._option(tag), tag.name))
        return entries

    def _found(self, query: str) -> list[Entry]:
        entries = []
        if query.isdecimal() and _SLOWEST <= int(query) <= _FASTEST:
            entries.append(self._offer(bpm_tag(int(query)), "tempo"))
        for hit in search(query, limit=MOST_HITS):
            prompt = self._prompt(hit.tag.name, f"{hit.tag.dimension}: {hit.tag.group}")
            for position in hit.positions:
                prompt = prompt.stylize("underline", position + 2, position + 3)
            entries.append(Entry(Option(prompt), hit.tag.name))
        words = one_line(query)
        if self._is_chosen(query) and query.casefold() not in self._known:
            entries.append(self._offer(words, "outside the vocabulary"))
        elif query.casefold() not in self._known:
            entries.append(Entry(Option(Content(f'  add "{words}" (outside the vocabulary)')), query))
        return entries

    def _offer(self, tag: str, about: str) -> Entry:
        return Entry(Option(self._prompt(tag, about)), tag)

    def _option(self, tag: StyleTag) -> Option:
        if tag not in self._options:
            self._options[tag] = Option(self._prompt(tag.name, ""))
        return self._options[tag]

    def _prompt(self, name: str, about: str) -> Content:
        mark = "●" if self._is_chosen(name) else " "
        return Content.assemble(f"{mark} {name}", (f"  {about}", "dim") if about else "")
