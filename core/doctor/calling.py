"""The check of what gets from here to whoever sits at the terminal, beyond drawing."""

import sys
from dataclasses import asdict

from core.doctor.finding import Finding
from core.doctor.scene import Scene
from core.passing import Takes, ask_what_passes, told

_NAME_IT = (
    "to have it known: ssh -o SetEnv=LC_TERMINAL=NAME, such as WezTerm or Windows-Terminal, if the server "
    "accepts LC_*"
)


def calling(_: Scene) -> Finding:
    """How the terminal can call the person back, and whether links and the clipboard reach it."""
    if not (sys.stderr.isatty() or sys.stdout.isatty()):
        return Finding("calling", "Calling back", "unknown", "unknown: the output goes to no terminal")
    return judged(ask_what_passes())


def judged(takes: Takes) -> Finding:
    """What passes, as a line: that less does is no fault."""
    is_unnamed = not takes.terminal and takes.through == ("ssh",)
    fix = takes.hint or (_NAME_IT if is_unnamed else "")
    return Finding("calling", "Calling back", "ok", told(takes), fix, asdict(takes))
