"""Text onto the clipboard of whoever sits at the terminal."""

from collections.abc import Callable

from core.osc import copy
from core.passing import Takes
from core.tmux import load_buffer


def put_on_clipboard(text: str, takes: Takes, write: Callable[[str], object]) -> str:
    """Put text there by the way that leads there, where one does; gives in words how that went.

    `write` writes to the terminal. Under tmux it takes a few milliseconds.
    """
    if takes.copying == "no":
        why = f"{takes.terminal} takes nothing for it" if takes.terminal else "nothing here passes it"
        return f"not copied: {why}"
    if takes.copying == "tmux":
        return "copied" if load_buffer(text) else "not copied: tmux does not take it"
    write(copy(text))
    return "copied" if takes.copying == "osc52" else "copied, if the terminal lets itself be told so"
