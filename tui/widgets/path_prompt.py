"""Asking for a sound file: a path that is typed, with what lies there to choose from."""

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from core.browse import Offer, Offers, completed, offers, whole_path
from tui.widgets.bars import one_line
from tui.widgets.still_input import StillInput


class PathPrompt(Vertical):
    """Tab completes, Enter goes into a folder or takes a file, Escape goes back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(-1)", "Up", id="path.up", system=True, tooltip="The name above", show=False),
        Binding("down", "step(1)", "Down", id="path.down", system=True, tooltip="The name below", show=False),
        Binding(
            "pageup", "page(-1)", "Page up", id="path.page_up", system=True, tooltip="A page up", show=False
        ),
        Binding(
            "pagedown",
            "page(1)",
            "Page down",
            id="path.page_down",
            system=True,
            tooltip="A page down",
            show=False,
        ),
        Binding(
            "tab",
            "complete",
            "Complete",
            id="path.complete",
            system=True,
            tooltip="Complete the path as far as it is clear",
            show=False,
        ),
        Binding(
            "escape",
            "cancel",
            "Cancel",
            id="path.cancel",
            system=True,
            tooltip="Go back without a file",
            show=False,
        ),
    ]

    class Chosen(Message):
        """A file was named, by its absolute path; it may not be there."""

        def __init__(self, prompt: "PathPrompt", path: str) -> None:
            super().__init__()
            self.prompt = prompt
            self.path = path

        @property
        def control(self) -> "PathPrompt":
            """The prompt it came from."""
            return self.prompt

    class Cancelled(Message):
        """No file is wanted after all."""

    def __init__(self) -> None:
        super().__init__()
        self._offers: tuple[Offer, ...] = ()
        self._about: str | None = None
        """What was typed when these were looked up."""

    def compose(self) -> ComposeResult:
        """Where one types, the names, and what is wrong."""
        yield StillInput(placeholder="path of a sound file; ~ is your home folder", compact=True)
        names = OptionList(markup=False, compact=True)
        names.can_focus = False
        yield names
        yield Static(classes="trouble", markup=False)
        yield Static(" tab completes · enter takes · escape goes back", classes="hint", markup=False)

    def ask(self, typed: str) -> None:
        """Begin with a path, at its end."""
        field = self.query_one(Input)
        if field.value == typed:
            self._look(typed)
        field.value = typed
        field.cursor_position = len(typed)
        field.focus()

    def refuse(self, why: str) -> None:
        """Say in one line what is wrong with the file that was named."""
        line = self.query_one(".trouble", Static)
        line.update(Content(one_line(f"✗ {why}" if why else "")))
        line.display = bool(why)

    def action_step(self, step: int) -> None:
        """Go to the name above or below."""
        names = self.query_one(OptionList)
        if step < 0:
            names.action_cursor_up()
        else:
            names.action_cursor_down()

    async def action_page(self, step: int) -> None:
        """Go a page up or down."""
        await self.query_one(OptionList).run_action("page_up" if step < 0 else "page_down")

    @work(group="path", exclusive=True)
    async def action_complete(self) -> None:
        """Type what all the names that fit have in common; where they part, take the one in hand."""
        typed = await self._up_to_date()
        longer = completed(typed, self._offers)
        if longer == typed and (in_hand := self._in_hand) is not None:
            longer = in_hand.path
        self._type(longer)

    def action_cancel(self) -> None:
        """Go back."""
        self.post_message(self.Cancelled())

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.refuse("")
        self._look(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._take()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._take()

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()

    @work(group="path", exclusive=True)
    async def _look(self, typed: str) -> None:
        self._show(typed, await asyncio.to_thread(offers, typed))

    @work(group="path", exclusive=True)
    async def _take(self) -> None:
        """Go into the folder in hand, or name the file; without a name that fits what is typed is meant."""
        typed = await self._up_to_date()
        in_hand = self._in_hand
        if in_hand is None:
            if typed.strip():
                self.post_message(self.Chosen(self, await asyncio.to_thread(whole_path, typed)))
        elif in_hand.is_folder:
            self._type(in_hand.path)
        else:
            self.post_message(self.Chosen(self, await asyncio.to_thread(whole_path, in_hand.path)))

    async def _up_to_date(self) -> str:
        """What is typed, once the names are those of it."""
        typed = self.query_one(Input).value
        if self._about != typed:
            self._show(typed, await asyncio.to_thread(offers, typed))
        return typed

    def _show(self, typed: str, found: Offers) -> None:
        self._offers, self._about = found.offers, typed
        names = self.query_one(OptionList)
        names.set_options(Option(Content(_shown(offer))) for offer in found.offers)
        names.highlighted = 0 if found.offers else None
        names.display = bool(found.offers)
        if found.trouble:
            self.refuse(found.trouble)

    def _type(self, path: str) -> None:
        field = self.query_one(Input)
        field.value = path
        field.cursor_position = len(path)

    @property
    def _in_hand(self) -> Offer | None:
        at = self.query_one(OptionList).highlighted
        return None if at is None or at >= len(self._offers) else self._offers[at]


def _shown(offer: Offer) -> str:
    return f"{one_line(offer.name)}/" if offer.is_folder else one_line(offer.name)
