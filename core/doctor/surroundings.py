"""Checks of what is around songdesk: speakers and the terminal."""

import codecs
import locale
import shutil
import sys
from collections.abc import Iterator, Mapping

from core.device import over_ssh
from core.doctor.child import Told, ask
from core.doctor.finding import Finding, Status
from core.doctor.scene import Scene
from core.doctor.width import cells_drawn
from core.environment import terminal_variables
from core.errors import SongdeskError
from core.passing import ask_what_passes

_PATIENCE = 15.0
_BROWSER = "`songdesk listen`, or “listen” in the studio, plays it in the browser where you sit"
_BRING = (
    "or, where you sit: `ssh -R /tmp/my-pulse:$XDG_RUNTIME_DIR/pulse/native you@this-host` (from WSL: "
    "/mnt/wslg/PulseServer), then here: `export PULSE_SERVER=unix:/tmp/my-pulse`"
)
"""The way that needs no browser: the sound server of the person's own machine, brought here."""
_MEND = "start the sound server that PULSE_SERVER names, or unset it"
_SMALLEST = (80, 24)
_WIDE = "漢"


def audio(_: Scene) -> Finding:
    """What would play sound, and why that."""
    return heard(ask("core.doctor.hearing", _asked(), patience=_PATIENCE), is_far=over_ssh())


def heard(told: Told, *, is_far: bool) -> Finding:
    """What a child told of sound, as a line: what plays it, what else would, and how to hear it over SSH."""
    facts = told.steps.get("sound")
    if facts is None:
        said = told.errors.get("sound") or told.trouble or "it told nothing"
        fix = "songs are made all the same; install libportaudio2, or pipewire, pulseaudio or alsa tools"
        return Finding("audio", "Sound", "warn", f"asking for it failed: {said}", fix)
    backend, reason = str(facts["backend"]), str(facts["reason"])
    brought, trouble = bool(facts.get("brought")), str(facts.get("trouble") or "")
    ways = facts.get("backends")
    others = [each for each in ways if each["name"] != backend] if isinstance(ways, list) else []
    more = {"backend": backend, "ssh": is_far, "brought": brought, "backends": ways or []}
    if backend == "none":
        fix = "install libportaudio2, pw-play, paplay, aplay or ffplay to hear songs; files are made anyway"
        fixes = [_MEND if trouble else "", fix, _BRING if is_far else ""]
        return Finding("audio", "Sound", "warn", reason, "; ".join(filter(None, fixes)), more)
    what = "; ".join([reason if backend in reason else f"{backend}: {reason}", *_beside(others, reason)])
    if trouble and trouble not in what:
        what = f"{what}; {trouble}"
    if is_far and not brought and "over SSH" not in what:
        what += "; over SSH these speakers are not yours"
    fixes = [_MEND if trouble else "", f"{_BROWSER}; {_BRING}" if is_far and not brought else ""]
    verdict: Status = "warn" if trouble else "ok"
    return Finding("audio", "Sound", verdict, what, "; ".join(filter(None, fixes)), more)


def _beside(others: list[Mapping[str, object]], reason: str) -> Iterator[str]:
    """The other ways of making sound, and whether they would work."""
    words = {"True": "would work", "None": "may work", "False": "would not"}
    absent = [str(each["name"]) for each in others if each["why"] == "not installed"]
    for each in others:
        if each["why"] != "not installed" and str(each["why"]) not in reason:
            yield f"{each['name']} {words[str(each['works'])]}: {each['why']}"
    if absent:
        yield f"not installed: {', '.join(absent)}"


def terminal(_: Scene) -> Finding:
    """What the terminal can do, and what lies between it and us."""
    known = terminal_variables()
    size = shutil.get_terminal_size((0, 0)) if _has_terminal() else None
    between = list(ask_what_passes().through)
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


def _asked() -> str:
    """The backend that the configuration asks for; where it cannot be read, a check of its own says so."""
    from core.config import load_config

    try:
        return load_config().studio.sound
    except SongdeskError:
        return "auto"


def _has_terminal() -> bool:
    return sys.stderr.isatty() or sys.stdout.isatty()


def _is_utf8(name: str) -> bool:
    try:
        return codecs.lookup(name).name == "utf-8"
    except LookupError:
        return False
