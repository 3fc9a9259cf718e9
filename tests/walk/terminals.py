"""What a walk needs of a terminal, and how its keys are called and sent."""

import time
from collections.abc import Callable
from typing import Protocol

KEYS = {
    "enter": ("Enter", b"\r"),
    "tab": ("Tab", b"\t"),
    "escape": ("Escape", b"\x1b"),
    "up": ("Up", b"\x1b[A"),
    "down": ("Down", b"\x1b[B"),
    "end": ("End", b"\x1b[F"),
    "pagedown": ("NPage", b"\x1b[6~"),
    "backspace": ("BSpace", b"\x7f"),
    "ctrl+a": ("C-a", b"\x01"),
    "ctrl+end": ("C-End", b"\x1b[1;5F"),
    "ctrl+g": ("C-g", b"\x07"),
    "ctrl+n": ("C-n", b"\x0e"),
    "ctrl+p": ("C-p", b"\x10"),
    "ctrl+q": ("C-q", b"\x11"),
    "ctrl+r": ("C-r", b"\x12"),
    "ctrl+s": ("C-s", b"\x13"),
    "ctrl+t": ("C-t", b"\x14"),
    "f1": ("F1", b"\x1bOP"),
    "f2": ("F2", b"\x1bOQ"),
    "f3": ("F3", b"\x1bOR"),
    "f5": ("F5", b"\x1b[15~"),
    "f6": ("F6", b"\x1b[17~"),
    "alt+i": ("M-i", b"\x1bi"),
}
"""Each key as tmux calls it and as a terminal sends it."""


class Terminal(Protocol):
    """A terminal with a shell in it."""

    def press(self, key: str) -> None:
        """One key of KEYS."""

    def type(self, text: str) -> None:
        """Characters as they are."""

    def text(self) -> str:
        """What stands on the screen, one line a row."""

    def cursor(self) -> tuple[int, int]:
        """Column and row of the cursor, shown or not."""

    def is_alive(self) -> bool:
        """Whether there is still somebody at the other end."""


def until(terminal: Terminal, condition: Callable[[str], object], saying: str, timeout: float = 30.0) -> str:
    """Wait until the screen fulfils a condition; fails with the screen after the timeout (s)."""
    deadline = time.monotonic() + timeout
    while not condition(shown := terminal.text()):
        assert terminal.is_alive(), f"the terminal ended before {saying}:\n{shown}"
        assert time.monotonic() < deadline, f"not within {timeout:g} s: {saying}\n{shown}"
        time.sleep(0.05)
    return shown


def until_shown(terminal: Terminal, words: str, timeout: float = 30.0) -> str:
    """Wait until words stand on the screen."""
    return until(terminal, lambda shown: words in shown, f"{words!r} is shown", timeout)


def until_still(terminal: Terminal, pause: float = 0.4) -> str:
    """Wait until the screen has not changed for a while (s)."""
    shown, since = terminal.text(), time.monotonic()
    while time.monotonic() - since < pause:
        time.sleep(0.05)
        if (now := terminal.text()) != shown:
            shown, since = now, time.monotonic()
    return shown
