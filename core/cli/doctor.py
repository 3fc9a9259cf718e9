"""`songdesk doctor`: what is wrong with this machine, and how to mend it, as a report that can be pasted."""

import argparse
import json
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING

from core.cli.report import say, visible
from core.environment import secrets, wants_colour

if TYPE_CHECKING:
    from core.doctor.finding import Finding, Status

EXIT_FAIL = 1
_MARKS: "dict[Status, str]" = {"ok": "ok", "warn": "warn", "fail": "FAIL", "unknown": "?"}
_COLOURS: "dict[Status, str]" = {"ok": "32", "warn": "33", "fail": "31;1", "unknown": "36"}
_MARK, _TITLE, _WIDEST = 6, 17, 100
_PLAIN = str.maketrans(
    {"→": "->", "…": "...", "×": "x", "≤": "<=", "≥": ">=", "·": "-", "µ": "u", "“": '"', "”": '"', "–": "-"}
)
"""For terminals whose encoding has not these letters."""


def add_doctor_options(doctor: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    doctor.add_argument(
        "--quick", action="store_true", help="without timings and golden vectors: a few seconds"
    )
    doctor.add_argument(
        "--device", choices=("auto", "cpu", "cuda", "rocm"), help="default: as the configuration says"
    )
    doctor.add_argument("--json", action="store_true", help="everything in one JSON object")
    doctor.set_defaults(command="doctor")


def run_doctor(args: argparse.Namespace) -> int:
    """Print a line a check, then a total; 1 when one of them fails. Nothing is changed by it."""
    from core.doctor.examine import examine
    from core.doctor.masking import mask_of
    from core.doctor.scene import look_around

    if sys.stderr.isatty():
        say("asking torch and its device…")
    scene = look_around(args.device or _configured(), is_quick=args.quick)
    found = []
    for finding in examine(scene, mask_of(secrets())):
        found.append(finding)
        if not args.json:
            for line in lines_of(finding, width=_width(), coloured=wants_colour(sys.stdout)):
                print(_spelt(line), flush=True)
    counts = Counter(finding.status for finding in found)
    if args.json:
        print(json.dumps(_object(found, counts), ensure_ascii=False))
    else:
        for line in _wrapped(_total(counts), _width()):
            print(_spelt(line))
    return EXIT_FAIL if counts["fail"] else 0


def lines_of(finding: "Finding", *, width: int, coloured: bool) -> Iterator[str]:
    """A finding in lines of at most `width` columns: mark, title, what, and the fix below it."""
    begin = " " * (_MARK + _TITLE)
    room = max(width - len(begin), 20)
    told = _wrapped(visible(finding.what), room)
    mark = _MARKS[finding.status].ljust(_MARK)
    if coloured:
        mark = f"\x1b[{_COLOURS[finding.status]}m{mark}\x1b[0m"
    yield f"{mark}{finding.title.ljust(_TITLE)}{told[0]}"
    yield from (f"{begin}{line}" for line in told[1:])
    if finding.fix:
        first, *rest = _wrapped(visible(finding.fix), room - 2)
        yield f"{begin}→ {first}"
        yield from (f"{begin}  {line}" for line in rest)


def _wrapped(text: str, room: int) -> list[str]:
    return textwrap.wrap(text, room, break_on_hyphens=False) or [""]


def _configured() -> str:
    """The device of the configuration; where that cannot be read a check says so."""
    from core.config import load_config
    from core.errors import SongdeskError

    try:
        asked = load_config().device
    except SongdeskError:
        return "auto"
    return asked if asked in ("auto", "cpu", "cuda", "rocm") else "auto"


def _width() -> int:
    if not sys.stdout.isatty():
        return 80
    return max(40, min(shutil.get_terminal_size((80, 24)).columns, _WIDEST))


def _spelt(line: str) -> str:
    """A line in letters that the output has."""
    try:
        line.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return line.translate(_PLAIN)
    return line


def _object(found: "list[Finding]", counts: "Counter[Status]") -> dict[str, object]:
    return {
        "songdesk": version("songdesk"),
        "findings": [asdict(finding) for finding in found],
        "total": {status: counts[status] for status in _MARKS},
    }


def _total(counts: "Counter[Status]") -> str:
    parts = [f"{counts['ok']} ok", f"{counts['warn']} to look at", f"{counts['fail']} failed"]
    parts += [f"{counts['unknown']} unknown"] if counts["unknown"] else []
    return f"{', '.join(parts)}. Names, folders and secrets are masked: this can be pasted."
