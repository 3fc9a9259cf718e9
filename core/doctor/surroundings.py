"""Checks of what is around songdesk: speakers and the terminal."""

import codecs
import locale
import shutil
import sys

import psutil

from core.device import over_ssh
from core.doctor.child import Told, ask
from core.doctor.finding import Finding
from core.doctor.scene import Scene
from core.doctor.width import cells_drawn
from core.environment import terminal_variables

_PATIENCE = 15.0
_SMALLEST = (80, 24)
_WIDE = "漢"
_BETWEEN = {
    "tmux": "tmux", "screen": "screen", "zellij": "zellij", "mosh-server": "mosh", "sshd": "ssh",
    "sshd-session": "ssh",
}  # fmt: skip
"""By the name of a program above us what it is called."""


def audio(_: Scene) -> Finding:
    """What would play sound, and why that."""
    return heard(ask("core.doctor.hearing", patience=_PATIENCE), is_far=over_ssh())


def heard(told: Told, *, is_far: bool) -> Finding:
    """What a child told of sound, as a line."""
    facts = told.steps.get("sound")
    if facts is None:
        said = told.errors.get("sound") or told.trouble or "it told nothing"
        fix = "songs are made all the same; install libportaudio2, or pipewire, pulseaudio or alsa tools"
        return Finding("audio", "Sound", "warn", f"asking for it failed: {said}", fix)
    backend, reason = str(facts["backend"]), str(facts["reason"])
    more = {"backend": backend, "ssh": is_far}
    if backend == "none":
        fix = "install libportaudio2, pw-play, paplay, aplay or ffplay to hear songs; files are made anyway"
        return Finding("audio", "Sound", "warn", reason, fix, more)
    what = reason if backend in reason else f"{backend}: {reason}"
    if is_far:
        return Finding("audio", "Sound", "ok", f"{what}; over SSH these speakers are not yours", facts=more)
    return Finding("audio", "Sound", "ok", what, facts=more)


def terminal(_: Scene) -> Finding:
    """What the terminal can do, and what lies between it and us."""
    known = terminal_variables()
    size = shutil.get_terminal_size((0, 0)) if sys.stderr.isatty() or sys.stdout.isatty() else None
    between = _between(dict(known))
    encoding = locale.getencoding()
    facts: dict[str, object] = {
        "term": known.get("TERM", ""), "colours": colours(dict(known)), "between": between,
        "encoding": encoding, "size": [size.columns, size.lines] if size else None,
    }  # fmt: skip
    if size is None:
        return Finding(
            "terminal", "Terminal", "unknown", "unknown: the output goes to no terminal", "", facts
        )
    wide = cells_drawn(_WIDE)
    facts["wide_letter_cells"] = wide
    return judged(facts)


def judged(facts: dict[str, object]) -> Finding:
    """What was found of a terminal, as a line."""
    size, wide = facts["size"], facts.get("wide_letter_cells")
    assert isinstance(size, list)
    columns, lines = size
    between = facts["between"] if isinstance(facts["between"], list) else []
    through = f", through {' and '.join(between)}" if between else ""
    cells = "wide letters unknown" if wide is None else f"wide letters take {wide} cells"
    what = f"{facts['term'] or 'TERM unset'}, {columns}×{lines}, {facts['colours']}, {cells}{through}"
    troubles, fixes = [], []
    if facts["term"] in ("", "dumb"):
        troubles.append("the studio cannot draw here")
        fixes.append("set TERM, such as xterm-256color")
    if columns < _SMALLEST[0] or lines < _SMALLEST[1]:
        troubles.append("small")
        fixes.append("the studio wants 80×24 or more")
    if not _is_utf8(str(facts["encoding"])):
        troubles.append(f"letters are {facts['encoding']}")
        fixes.append("set LANG to a UTF-8 locale, such as C.UTF-8")
    if wide not in (None, 2):
        troubles.append("Chinese lyrics would be drawn askew")
        fixes.append("use a terminal, tmux or mosh that knows Unicode's widths")
    if not troubles:
        return Finding("terminal", "Terminal", "ok", what, facts=facts)
    return Finding("terminal", "Terminal", "warn", f"{what}: {'; '.join(troubles)}", "; ".join(fixes), facts)


def colours(known: dict[str, str]) -> str:
    """How many colours the terminal says it has, in words."""
    term = known.get("TERM", "")
    if "NO_COLOR" in known:
        return "no colours (NO_COLOR)"
    if known.get("COLORTERM", "").lower() in ("truecolor", "24bit") or "WT_SESSION" in known:
        return "16 million colours"
    if term.endswith(("256color", "kitty", "direct")):
        return "256 colours"
    return "no colours" if term in ("", "dumb") else "16 colours"


def _between(known: dict[str, str]) -> list[str]:
    """What is between the person's terminal and us, from the outside in."""
    found = [name for variable, name in (("TMUX", "tmux"), ("STY", "screen")) if variable in known]
    found += ["ssh"] if over_ssh() else []
    try:
        above = [parent.name() for parent in psutil.Process().parents()]
    except psutil.Error:
        above = []
    found += [word for name in above for begin, word in _BETWEEN.items() if name.split(":")[0] == begin]
    order = ("ssh", "mosh", "tmux", "screen", "zellij")
    return [word for word in order if word in found]


def _is_utf8(name: str) -> bool:
    try:
        return codecs.lookup(name).name == "utf-8"
    except LookupError:
        return False
