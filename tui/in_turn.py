"""Keys in the order they were pressed, however many arrive at once."""

from enum import Enum
from functools import partial
from string import ascii_lowercase
from typing import Any, TypeVar, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.app import App
from textual.events import Event, Key, Paste
from textual.message_pump import MessagePump

Result = TypeVar("Result")
_PATIENCE = 1.0
"""Seconds after which a key that got lost on its way keeps the others waiting no longer."""
_ALT = Enum("_ALT", {letter: f"alt+{letter}" for letter in ascii_lowercase})  # type: ignore[misc]


def know_alt() -> None:
    """Let Textual read Escape and a letter as one key at once.

    By itself it waits whether the two are all there is: of `alt+n` held down, whose repeats come sooner, it
    makes the letters `^n^n^n`.
    """
    known = cast("dict[str, Any]", ANSI_SEQUENCES_KEYS)
    for key in _ALT:
        known.setdefault(f"\x1b{key.name}", (key,))


know_alt()


class KeysInTurn(App[Result]):
    """Has done with one key before it looks at the next.

    Textual's own order holds only for keys that arrive one by one: a letter is typed by the widget in focus
    at once, but a key with a binding goes all the way up first, and one with `priority` is heard before the
    letters in front of it. Over a link that stutters, keys come in bursts: `teh`, two backspaces and `he`
    would become `teh`. Here a key waits until the one before it has passed through every queue.
    """

    _key_in_hand: Event | None = None
    _keys_in_line: tuple[Event, ...] = ()

    async def on_event(self, event: Event) -> None:
        """Take a key or a paste up, or put it in line; everything else goes its way."""
        if not isinstance(event, Key | Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._key_in_hand is None:
            await self._take_up(event)
        else:
            if not self._keys_in_line:
                self.set_timer(_PATIENCE, partial(self._let_go, self._key_in_hand))
            self._keys_in_line = (*self._keys_in_line, event)

    async def _take_up(self, event: Event) -> None:
        self._key_in_hand = event
        target: MessagePump = self.focused or self.screen
        await super().on_event(event)
        if event.is_forwarded:
            self._walk_behind(event, target)
        else:
            # A key that goes before may have moved the focus, which arrives with the next refresh.
            self.screen.call_after_refresh(self._let_go, event)

    def _walk_behind(self, event: Event, node: MessagePump) -> None:
        """Get in line behind the event where it waits now."""
        if not node.call_later(self._passed, event, node):
            self._let_go(event)

    def _passed(self, event: Event, node: MessagePump) -> None:
        above = node._parent
        if event._stop_propagation or above is None:
            self._let_go(event)
        else:
            self._walk_behind(event, above)

    def _let_go(self, event: Event) -> None:
        if event is self._key_in_hand:
            self.call_later(self._next, event)

    async def _next(self, event: Event) -> None:
        if event is not self._key_in_hand:
            return
        self._key_in_hand = None
        if self._keys_in_line:
            first, *rest = self._keys_in_line
            self._keys_in_line = tuple(rest)
            if rest:
                self.set_timer(_PATIENCE, partial(self._let_go, first))
            await self._take_up(first)
