"""Terminals by name: which is meant, and what each is known to take beyond drawing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.osc import Notice

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Terminal:
    """What a terminal is known to take; what is not known counts as not taken."""

    name: str
    notice: Notice | None = None
    progress_since: Version | None = None
    """The first version that shows progress (OSC 9;4); empty where older ones pass over it in silence."""
    link: bool = True
    clipboard: bool = True


KNOWN = {
    "kitty": Terminal("kitty", "osc99"),
    "foot": Terminal("foot", "osc777"),
    # Versions before 20250210 show the progress as notifications, one for each step.
    "wezterm": Terminal("WezTerm", "osc777", (20250210,)),
    "ghostty": Terminal("Ghostty", "osc9", ()),
    # Before 3.6.6 progress came as notifications there too.
    "iterm2": Terminal("iTerm2", "osc9", (3, 6, 6)),
    "warp": Terminal("Warp", "osc777"),
    # Newer ones show notifications; older ones pass over them in silence.
    "windows terminal": Terminal("Windows Terminal", "osc777", ()),
    "conemu": Terminal("ConEmu", None, (), link=False, clipboard=False),
    "konsole": Terminal("Konsole", None, (26, 4)),
    # Distributions that patch notifications in cannot be told from the others.
    "vte": Terminal("VTE", None, (0, 80), clipboard=False),
    "vscode": Terminal("VS Code", None, ()),
    "alacritty": Terminal("Alacritty"),
    "xterm": Terminal("xterm", link=False, clipboard=False),
    "apple": Terminal("Terminal.app", link=False, clipboard=False),
    "linux": Terminal("Linux console", link=False, clipboard=False),
}
"""By what they are called here. What is said of kitty and foot holds for every version in use: neither shows
progress."""
_TERMS = {
    "xterm-kitty": "kitty", "xterm-ghostty": "ghostty", "ghostty": "ghostty", "foot": "foot",
    "wezterm": "wezterm", "alacritty": "alacritty", "linux": "linux",
}  # fmt: skip
"""By TERM, or what stands before a `-` in it."""
_PROGRAMS = {
    "kitty": "kitty", "foot": "foot", "wezterm": "wezterm", "ghostty": "ghostty", "iterm.app": "iterm2",
    "iterm2": "iterm2", "warpterminal": "warp", "warp": "warp", "windows terminal": "windows terminal",
    "windowsterminal": "windows terminal", "windows-terminal": "windows terminal", "konsole": "konsole",
    "vte": "vte", "vscode": "vscode", "alacritty": "alacritty", "xterm": "xterm", "apple_terminal": "apple",
}  # fmt: skip
"""By TERM_PROGRAM, LC_TERMINAL, and the terminal's own answer (XTVERSION), in small letters."""
_MARKS = {"WT_SESSION": "windows terminal", "KITTY_WINDOW_ID": "kitty"}
"""By a variable that is there."""
_PACKED = {"KONSOLE_VERSION": "konsole", "VTE_VERSION": "vte"}
"""By a variable with the version in one number, two digits a part."""


def by_variables(variables: Mapping[str, str]) -> tuple[Terminal | None, Version]:
    """The terminal that set these variables, with its version as far as it is told; None where unknown."""
    term = variables.get("TERM", "")
    named = next((key for word, key in _TERMS.items() if term == word or term.startswith(f"{word}-")), "")
    for name in ("TERM_PROGRAM", "LC_TERMINAL"):
        if program := variables.get(name, ""):
            key = _PROGRAMS.get(program.lower(), "")
            if not named or named == key:
                return KNOWN.get(key), _version(key, variables.get(f"{name}_VERSION", ""))
    if named:
        return KNOWN[named], ()
    for name, key in _MARKS.items():
        if name in variables:
            return KNOWN[key], ()
    if variables.get("ConEmuANSI") == "ON":
        return KNOWN["conemu"], ()
    for name, key in _PACKED.items():
        if name in variables:
            return KNOWN[key], _version(key, variables[name])
    return None, ()


def by_answer(answer: str) -> tuple[Terminal | None, Version]:
    """The terminal that answered with this name and version, such as `WezTerm 20240203` or `foot(1.18.1)`."""
    name, _, version = re.sub(r"[ (]+(?=\d)", "\n", answer, count=1).partition("\n")
    key = _PROGRAMS.get(name.strip().lower(), "")
    return KNOWN.get(key), _version(key, version)


def version_of(told: str) -> Version:
    """The numbers of a version, three at most, without the letters behind them."""
    return tuple(int(part) for part in re.findall(r"\d+", told, re.ASCII)[:3])


def _version(key: str, told: str) -> Version:
    parts = version_of(told)
    if key in _PACKED.values() and len(parts) == 1:
        return parts[0] // 10000, parts[0] // 100 % 100, parts[0] % 100
    return parts
