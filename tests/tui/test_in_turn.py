"""Keys that come in one burst do what they would have done one by one."""

from typing import ClassVar

from textual._xterm_parser import XTermParser
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key, Paste
from textual.screen import ModalScreen
from textual.widgets import Input, Label, TextArea

from tests.tui.conftest import Until
from tui.in_turn import KeysInTurn


class Question(ModalScreen[None]):
    """Goes away with Enter."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "dismiss", "Close", id="q", tooltip="Close")]

    def compose(self) -> ComposeResult:
        yield Label("Well?")


class Desk(KeysInTurn[object]):
    """Two fields, a key that goes before and moves the focus late, and one that asks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "field", "Field", id="f", tooltip="Go to the field", priority=True),
        Binding("f3", "ask", "Ask", id="a", tooltip="Ask"),
    ]

    def compose(self) -> ComposeResult:
        yield TextArea()
        yield Input()

    def action_field(self) -> None:
        self.screen.call_after_refresh(self.query_one(Input).focus)

    def action_ask(self) -> None:
        self.push_screen(Question())

    def burst(self, *keys: str) -> None:
        for key in keys:
            named = {"space": " "}.get(key, key if len(key) == 1 else None)
            self.post_message(Key(key, named))

    @property
    def written(self) -> str:
        return self.query_one(TextArea).text


async def test_typing_and_mending_come_in_order(until: Until) -> None:
    app = Desk()
    async with app.run_test() as pilot:
        app.burst(*"teh", "backspace", "backspace", *"he", "enter", *"end", "up", "home", "A", "down", "B")
        await until(pilot, lambda: app.written == "Athe\neBnd", saying=f"it became {app.written!r}")


async def test_what_is_pasted_keeps_its_place(until: Until) -> None:
    app = Desk()
    async with app.run_test() as pilot:
        app.burst("a", "left")
        app.post_message(Paste("b"))
        app.burst("right", "c")
        await until(pilot, lambda: app.written == "bac", saying=f"it became {app.written!r}")


async def test_letters_follow_a_key_that_moves_the_focus(until: Until) -> None:
    app = Desk()
    async with app.run_test() as pilot:
        app.burst("a", "b", "f2", "c", "d", "backspace", "e")
        await until(pilot, lambda: app.query_one(Input).value == "ce")
        assert app.written == "ab"


async def test_a_screen_that_comes_and_goes_loses_no_key(until: Until) -> None:
    app = Desk()
    async with app.run_test() as pilot:
        app.burst("a", "f3")
        await until(pilot, lambda: isinstance(app.screen, Question))
        app.burst("x", "enter")
        await until(pilot, lambda: not isinstance(app.screen, Question))
        app.burst("b", "left", "c")
        await until(pilot, lambda: app.written == "acb", saying=f"it became {app.written!r}")


async def test_a_widget_that_goes_away_with_its_keys_holds_nobody_up(until: Until) -> None:
    app = Desk()
    async with app.run_test() as pilot:
        app.burst("f2")
        await until(pilot, lambda: isinstance(app.focused, Input))
        app.burst("a")
        removal = app.query_one(Input).remove()
        app.burst("left", "x")
        await removal
        app.query_one(TextArea).focus()
        await pilot.pause()
        app.burst("b", "left", "c")
        await until(pilot, lambda: "cb" in app.written)


async def test_a_long_burst_is_whole(until: Until) -> None:
    count = 100
    app = Desk()
    async with app.run_test() as pilot:
        app.burst(*("a", "b", "backspace") * count)
        await until(pilot, lambda: app.written == "a" * count, timeout=20)


def test_alt_and_a_letter_held_down_is_that_key_each_time() -> None:
    heard = list(XTermParser().feed("\x1bn\x1bn\x1b[A\x1bkx"))
    assert [each.key for each in heard if isinstance(each, Key)] == ["alt+n", "alt+n", "up", "alt+k", "x"]
