"""What gets from here to the terminal that the person sits at, beyond drawing, and how it is to be sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import psutil

from core.environment import terminal_variables
from core.osc import Notice, through_tmux
from core.terminals import Terminal, Version, by_answer, by_variables
from core.tmux import Client, Tmux, ask_tmux

_BETWEEN = {
    "tmux": "tmux", "screen": "screen", "zellij": "zellij", "mosh-server": "mosh", "sshd": "ssh",
    "sshd-session": "ssh",
}  # fmt: skip
"""By the name of a program above us what it is called."""
_MARKS = {"TMUX": "tmux", "STY": "screen", "ZELLIJ": "zellij", "SSH_CONNECTION": "ssh", "SSH_TTY": "ssh"}
_FROM_OUTSIDE_IN = ("ssh", "mosh", "tmux", "screen", "zellij")
_SWALLOW = ("mosh", "screen", "zellij")
"""What hands on none of this."""
_HERE = "in ~/.tmux.conf has tmux"
_LINKS_SINCE = (3, 4)
_LOADS_SINCE = (3, 2)

Copying = Literal["osc52", "tmux", "unknown", "no"]
"""The clipboard is reached by OSC 52, by tmux's own `load-buffer -w`, perhaps by OSC 52, or not at all."""


@dataclass(frozen=True, slots=True)
class Takes:
    """What is known to be taken at the other end; the bell always is."""

    terminal: str = ""
    """Its name; empty where it is not known."""
    through: tuple[str, ...] = ()
    """What is between it and us, from the outside in."""
    notice: Notice | None = None
    progress: bool = False
    link: bool = False
    """Links (OSC 8), which go as they are: tmux knows them or does not."""
    copying: Copying = "unknown"
    is_wrapped: bool = False
    """Whether notices and progress have to be wrapped for tmux."""
    hint: str = ""
    """What the person could do to have more taken."""

    def wrapped(self, sequence: str) -> str:
        """A notice or progress as it is to be sent."""
        return through_tmux(sequence) if self.is_wrapped else sequence


def ask_what_passes() -> Takes:
    """What is taken at the other end now; takes a few milliseconds under tmux, which is asked.

    Under tmux the answer changes when somebody attaches from another terminal.
    """
    variables = terminal_variables()
    try:
        above = [parent.name() for parent in psutil.Process().parents()]
    except psutil.Error:
        above = []
    tmux = ask_tmux(variables.get("TMUX_PANE", "")) if "TMUX" in variables else None
    return what_passes(variables, above, tmux)


def what_passes(variables: Mapping[str, str], above: Sequence[str], tmux: Tmux | None = None) -> Takes:
    """What is taken, by variables of the terminal, names of the programs above us, and tmux's answer."""
    through = between(variables, above)
    if "TMUX" in variables:
        return _through_tmux(through, tmux)
    if _is_swallowed(variables, through):
        return Takes(through=through)
    return _of(*by_variables(variables), through)


def between(variables: Mapping[str, str], above: Sequence[str]) -> tuple[str, ...]:
    """What is between the person's terminal and us, from the outside in."""
    found = {word for name, word in _MARKS.items() if name in variables}
    found |= {_BETWEEN[name.split(":")[0]] for name in above if name.split(":")[0] in _BETWEEN}
    return tuple(word for word in _FROM_OUTSIDE_IN if word in found)


def told(takes: Takes) -> str:
    """The same in words, such as `kitty through tmux: notifications (OSC 99), links, the clipboard`."""
    through = [word for word in takes.through if word != "ssh"]
    way = f" through {' and '.join(through)}" if through else ""
    kinds = {
        f"notifications ({(takes.notice or 'osc').replace('osc', 'OSC ')})": takes.notice is not None,
        "progress in the taskbar or tab": takes.progress,
        "links": takes.link,
        "the clipboard": takes.copying in ("osc52", "tmux"),
    }
    known = [kind for kind, is_taken in kinds.items() if is_taken]
    name = takes.terminal or "a terminal that is not known"
    return f"{name}{way}: {', '.join(['the bell', *known])}"


def _of(terminal: Terminal | None, version: Version, through: tuple[str, ...] = ()) -> Takes:
    if terminal is None:
        return Takes(through=through)
    since = terminal.progress_since
    return Takes(
        terminal.name,
        through,
        terminal.notice,
        progress=since is not None and version >= since,
        link=terminal.link,
        copying="osc52" if terminal.clipboard else "no",
    )


def _is_swallowed(variables: Mapping[str, str], through: Sequence[str]) -> bool:
    """Whether something in between takes it all for itself, here or at the far end of the link."""
    is_inside_another = variables.get("TERM", "").startswith(("screen", "tmux"))
    return is_inside_another or any(word in _SWALLOW for word in through)


def _through_tmux(through: tuple[str, ...], tmux: Tmux | None) -> Takes:
    """What all terminals take that the session is shown on, as far as tmux passes it."""
    if tmux is None:
        return Takes(through=through, hint="tmux does not answer")
    ends = [_of_client(client) for client in tmux.clients]
    names = {end.terminal for end in ends}
    notices = {end.notice for end in ends}
    around = tuple(dict.fromkeys(word for end in ends for word in end.through))
    takes = Takes(
        names.pop() if len(names) == 1 else "",
        tuple(dict.fromkeys((*around, *through))),
        notices.pop() if len(notices) == 1 else None,
        progress=bool(ends) and all(end.progress for end in ends),
        link=bool(ends)
        and not any(word in _SWALLOW for word in around)
        and tmux.version >= _LINKS_SINCE
        and all("hyperlinks" in client.features for client in tmux.clients),
        copying=_copying(tmux, ends),
        is_wrapped=True,
    )
    if tmux.passes:
        rare = tmux.passthrough == "on" and (takes.notice is not None or takes.progress)
        rest = f"“set -g allow-passthrough all” {_HERE} pass them from a window that is not shown, too"
        return replace(takes, hint=rest if rare else "")
    more = takes.notice is not None or takes.progress
    hint = f"“set -g allow-passthrough on” {_HERE} pass notifications and progress" if more else ""
    return replace(takes, notice=None, progress=False, hint=hint)


def _of_client(client: Client) -> Takes:
    through = between(client.variables, client.above)
    if _is_swallowed(client.variables, through):
        return Takes(through=through)
    answered = by_answer(client.answer)
    return _of(*(answered if answered[0] is not None else by_variables(client.variables)), through)


def _copying(tmux: Tmux, ends: Sequence[Takes]) -> Copying:
    # Mosh wants to know which clipboard is meant, and tmux does not tell.
    if not tmux.clients or any(end.copying == "no" or "mosh" in end.through for end in ends):
        return "no"
    if tmux.clipboard in ("on", "external") and tmux.version >= _LOADS_SINCE:
        return "tmux" if all("clipboard" in client.features for client in tmux.clients) else "no"
    return "osc52" if tmux.clipboard == "on" else "no"
