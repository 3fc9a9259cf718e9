"""Escape strings beyond drawing, made of clean text: links, the clipboard, notifications, progress, the bell.

Which terminal takes which is told by `core.passing`; nothing here writes. Each is to be written in one piece.
Inside widgets none of them can stand: a link there is a style's.
"""

import base64
import unicodedata
from typing import Literal
from urllib.parse import quote

BELL = "\a"
"""Heard or shown by every terminal, and by tmux and screen where they are told to."""
_BEGIN, _END = "\x1b]", "\x1b\\"
_LONGEST = 120
"""Characters of a title or body that are shown."""
_NAME = "songdesk"
_IN_A_URL = "%:/?#[]@!$&'()*+,;=-._~"

Notice = Literal["osc9", "osc777", "osc99"]
"""Ways to notify: iTerm2's, which has no title, urxvt's, and kitty's."""
Progress = Literal["none", "normal", "error", "unsure", "paused"]
"""States of a progress bar: taken away, so far, failed, at work, put down."""
_STATES: tuple[Progress, ...] = ("none", "normal", "error", "unsure", "paused")


def link(url: str, text: str) -> str:
    """Text that leads to a URL when it is clicked (OSC 8)."""
    return f"{_BEGIN}8;;{quote(url, safe=_IN_A_URL)}{_END}{clean(text, longest=None)}{_BEGIN}8;;{_END}"


def copy(text: str) -> str:
    """Put text on the clipboard of whoever sits at the terminal (OSC 52)."""
    return f"{_BEGIN}52;c;{base64.b64encode(text.encode()).decode()}{_END}"


def notification(way: Notice, title: str, body: str) -> str:
    """Show a notification of the desktop."""
    title, body = clean(title), clean(body)
    if way == "osc99":
        more = f"{_BEGIN}99;i={_NAME}:d=1:p=body;{body}{_END}"
        return f"{_BEGIN}99;i={_NAME}:d=0;{title}{_END}{more}"
    # Both separate by semicolons and know no way to write one.
    title, body = title.replace(";", ","), body.replace(";", ",")
    if way == "osc777":
        return f"{_BEGIN}777;notify;{title};{body}{_END}"
    # The name also keeps a title that begins with a number from being one of ConEmu's commands.
    return f"{_BEGIN}9;{_NAME}: {' - '.join(part for part in (title, body) if part)}{_END}"


def progress(state: Progress, percent: int = 0) -> str:
    """Show progress in the taskbar or tab (OSC 9;4); the percentage is kept within 0 to 100."""
    far = 0 if state in ("none", "unsure") else max(0, min(100, percent))
    return f"{_BEGIN}9;4;{_STATES.index(state)};{far}{_END}"


def through_tmux(sequence: str) -> str:
    """The same, for tmux to hand to the terminal as it is; it does so with `allow-passthrough` only."""
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + _END if sequence else ""


def clean(text: str, *, longest: int | None = _LONGEST) -> str:
    """Text on one line without anything that a terminal would obey or that turns the order of letters."""
    kept = (_kept(letter) for letter in text)
    line = " ".join("".join(kept).split())
    return line if longest is None or len(line) <= longest else f"{line[: longest - 1]}…"


def _kept(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind in ("Cc", "Zl", "Zp"):
        return " "
    turns = unicodedata.bidirectional(letter) in {
        "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
    }  # fmt: skip
    return "" if kind == "Cs" or turns else letter
