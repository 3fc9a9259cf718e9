"""The walk through the studio, step by step, the same in every terminal."""

import re
from functools import partial

from core.family import family_of
from tests.walk.terminals import Terminal, until, until_shown, until_still

TITLE = "Night walk"
LINES = ("Lamps along the river", "Hold the line until morning", "Nobody else is awake")
TAGS = ("folk", "piano")
_SLOW = 120.0
"""Seconds for what loads a model, on a busy machine, the first time weights are made."""


def enter(terminal: Terminal) -> None:
    """Wait for the studio, and pass its welcome."""
    shown = until(terminal, lambda text: "any key" in text or "Compose" in text, "the studio opens", _SLOW)
    if "any key" in shown:
        terminal.press("escape")
    until_shown(terminal, "Compose")


def begin_song(terminal: Terminal) -> None:
    """Begin a song of that title."""
    terminal.press("ctrl+n")
    until_shown(terminal, "new song")
    terminal.type(TITLE)
    until_shown(terminal, TITLE)
    terminal.press("enter")
    until(terminal, lambda text: TITLE in text.split("\n")[0] and "[verse]" in text, "the new song opens")
    until_still(terminal, 1.0)


def go_down(terminal: Terminal, rows: int) -> None:
    """Move the cursor down, and see it arrive: what is typed must not come before it."""
    for _ in range(rows):
        row = terminal.cursor()[1]
        terminal.press("down")
        until(terminal, partial(_is_at, terminal, row + 1), "the cursor goes down")


def _is_at(terminal: Terminal, row: int, _: str) -> bool:
    return terminal.cursor()[1] == row


def _is_found(tag: str, shown: str) -> bool:
    """Whether a tag stands in the field and in the list."""
    return shown.count(tag) > 1


def write_lines(terminal: Terminal) -> None:
    """A line under each of the two tags of a new song, and a third section by way of the completion list."""
    verse, chorus, bridge = LINES
    go_down(terminal, 1)
    terminal.type(verse)
    until_shown(terminal, verse)
    go_down(terminal, 3)
    terminal.type(chorus)
    until_shown(terminal, chorus)
    terminal.press("alt+i")
    until_shown(terminal, "[bridge]")
    terminal.type("bri")
    until(terminal, lambda text: "[inst" not in text and "[bridge]" in text, "the list narrows")
    terminal.press("enter")
    until_still(terminal)
    terminal.type(bridge)
    until(terminal, lambda text: bridge in text and "[bridge]" in text, "the third section stands there")
    until_shown(terminal, "no problems")


def choose_tags(terminal: Terminal) -> None:
    """Two style tags, by their letters."""
    terminal.press("f3")
    # The editor's own key leaves the foot when the keyboard leaves the editor.
    until(terminal, lambda text: "Fix" not in text.rstrip().split("\n")[-1], "the keyboard is at the tags")
    until_still(terminal)
    for tag in TAGS:
        terminal.type(tag)
        until(terminal, partial(_is_found, tag), f"{tag} is found")
        terminal.press("enter")
        until_still(terminal)
    until_shown(terminal, ", ".join(TAGS))


def set_length(terminal: Terminal, seconds: int | None = None) -> int:
    """Let the song become no longer than this, or the least that is allowed; gives that length (s)."""
    kind, chosen = family_of("demo")
    setting = next(setting for setting in kind.settings(chosen) if setting.key == "length")
    wanted = seconds or round(setting.lo or 1)
    terminal.press("f5")
    until_shown(terminal, setting.help[:20])
    for _ in range(6):
        terminal.press("backspace")
    until(terminal, lambda text: re.search(r"\blength {18,}", text), "the old length is gone")
    terminal.type(str(wanted))
    terminal.press("enter")
    until(terminal, lambda text: re.search(rf"\blength +{wanted}\b", text), f"length is {wanted}")
    return wanted


def compose(terminal: Terminal) -> None:
    """Start the engine and see that it works."""
    terminal.press("ctrl+g")
    until(terminal, lambda text: re.search(r"\d/\d ", text), "composing begins", _SLOW)


def until_ready(terminal: Terminal) -> None:
    """Wait until the take is there."""
    until(terminal, lambda text: "is ready" in text or "failed" in text, "the take is ready", _SLOW)
    assert "failed" not in terminal.text(), terminal.text()


def go_round(terminal: Terminal) -> None:
    """Through all four areas, the help and the palette, and back to the lyrics."""
    for key, words in (("f2", LINES[0]), ("f3", ", ".join(TAGS)), ("f5", "temperature"), ("f6", "ready")):
        terminal.press(key)
        until_shown(terminal, words)
        before = until_still(terminal, 0.5)
    terminal.press("f1")
    until(terminal, lambda text: text != before and " Keys " in text, "the help opens")
    terminal.press("escape")
    until(terminal, lambda text: " Keys " not in text and "Compose" in text, "the help closes")
    terminal.press("ctrl+p")
    until_shown(terminal, "earch")
    terminal.type("engine text")
    until_shown(terminal, "Engine text")
    terminal.press("escape")
    until(terminal, lambda text: "engine text" not in text, "the palette closes")
    terminal.press("f2")
    until_shown(terminal, LINES[0])
