"""A list of lines that typing narrows: what is typed stands above, the best match is in hand."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from core.fuzzy import LONGEST_QUERY, rank
from tui.widgets.bars import one_line
from tui.widgets.still_input import StillInput

Row = tuple[str, str, str]
"""The id of a line, its words, and what stands beside them."""
_WIDEST_WORDS = 44
"""Cells up to which the words are filled up, so that what stands beside them is a column."""


class FuzzyList(Vertical):
    """Lines to choose one from; the keyboard stays where one types."""

    DEFAULT_CSS = """
    FuzzyList { height: auto; }
    FuzzyList > Input { height: 1; width: 1fr; }
    FuzzyList > OptionList {
        height: auto; max-height: 12; border: none; padding: 0;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(-1)", "Up", id="list.up", system=True, tooltip="The line above", show=False),
        Binding("down", "step(1)", "Down", id="list.down", system=True, tooltip="The line below", show=False),
        Binding(
            "pageup", "page(-1)", "Page up", id="list.page_up", system=True, tooltip="A page up", show=False
        ),
        Binding(
            "pagedown",
            "page(1)",
            "Page down",
            id="list.page_down",
            system=True,
            tooltip="A page down",
            show=False,
        ),
    ]

    class Chosen(Message):
        """A line was chosen."""

        def __init__(self, source: "FuzzyList", chosen: str) -> None:
            super().__init__()
            self.source = source
            self.chosen = chosen
            """The line's id."""

        @property
        def control(self) -> "FuzzyList":
            """The list it came from."""
            return self.source

    class Pointed(Message):
        """Another line is in hand."""

        def __init__(self, source: "FuzzyList", pointed: str) -> None:
            super().__init__()
            self.source = source
            self.pointed = pointed
            """The line's id."""

        @property
        def control(self) -> "FuzzyList":
            """The list it came from."""
            return self.source

    def __init__(
        self,
        rows: Sequence[Row] = (),
        *,
        at: str = "",
        placeholder: str = "type to find",
        id: str | None = None,  # noqa: A002
    ) -> None:
        """`at` is the id of the line in hand at first."""
        super().__init__(id=id)
        self._placeholder = placeholder
        self._at = at
        self._take(rows)

    def compose(self) -> ComposeResult:
        """Where one types, and the lines."""
        yield StillInput(placeholder=self._placeholder, compact=True)
        lines = OptionList(markup=False, compact=True)
        lines.can_focus = False
        yield lines

    def on_mount(self) -> None:
        """Show every line."""
        self._fill(at=self._at)

    @property
    def shown(self) -> tuple[str, ...]:
        """The ids of the lines on show, best first."""
        return tuple(self._rows[index][0] for index in self._found)

    @property
    def in_hand(self) -> str | None:
        """The id of the line in hand."""
        at = self.query_one(OptionList).highlighted
        return None if at is None else self.shown[at]

    @property
    def query_text(self) -> str:
        """What is typed."""
        return self.query_one(Input).value

    def show(self, rows: Sequence[Row], *, at: str = "") -> None:
        """Take other lines; the one in hand stays in hand unless `at` names another."""
        before = at or (self.in_hand or "")
        self._take(rows)
        self._fill(at=before)

    def action_step(self, step: int) -> None:
        """Go to the line above or below."""
        lines = self.query_one(OptionList)
        if step < 0:
            lines.action_cursor_up()
        else:
            lines.action_cursor_down()

    async def action_page(self, step: int) -> None:
        """Go a page up or down."""
        await self.query_one(OptionList).run_action("page_up" if step < 0 else "page_down")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._fill()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(OptionList).action_select()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.post_message(self.Chosen(self, self._rows[int(event.option_id)][0]))

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_id is not None:
            self.post_message(self.Pointed(self, self._rows[int(event.option_id)][0]))

    def _take(self, rows: Sequence[Row]) -> None:
        self._rows = tuple((name, one_line(words), one_line(aside)) for name, words, aside in rows)
        self._found: list[int] = list(range(len(self._rows)))
        self._column = min(_WIDEST_WORDS, max((cell_len(words) for _, words, _ in self._rows), default=0))
        self._plain: dict[int, Option] = {}
        """Options without a mark, made once."""

    def _fill(self, *, at: str = "") -> None:
        hits = rank(self.query_text[:LONGEST_QUERY], [(words, aside) for _, words, aside in self._rows])
        self._found = [index for index, _ in hits]
        lines = self.query_one(OptionList)
        lines.set_options(self._option(index, places) for index, places in hits)
        shown = self.shown
        lines.highlighted = shown.index(at) if at in shown else (0 if shown else None)

    def _option(self, index: int, places: Sequence[int]) -> Option:
        if not places:
            if index not in self._plain:
                self._plain[index] = Option(self._prompt(index, ()), id=str(index))
            return self._plain[index]
        return Option(self._prompt(index, places), id=str(index))

    def _prompt(self, index: int, places: Sequence[int]) -> Content:
        _, words, aside = self._rows[index]
        found = Content(words)
        for place in places:
            found = found.stylize("underline", place, place + 1)
        if not aside:
            return found
        return Content.assemble(found, " " * max(2, self._column + 2 - cell_len(words)), (aside, "dim"))
