"""`songdesk parity`: whether this machine computes what the published networks expect."""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from core.device import choose_device, cores, processor_threads
from core.environment import prepare
from core.errors import SongdeskError
from core.paths import qwen2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.parity.compare import Case
    from core.parity.folder import Golden

EXIT_WRONG = 1
_SHIPPED = Path(__file__).parents[2] / "tests" / "golden"
"""The vectors of a checkout; a wheel has none."""


def add_parity_options(parity: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parity.add_argument(
        "folders", nargs="*", type=Path, metavar="DIR", help="golden vectors (default: tests/golden)"
    )
    parity.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    parity.add_argument("--only", choices=("lm", "audio"), help="folders of this kind alone")
    parity.add_argument("--json", action="store_true", help="one JSON object a case, and one for the total")
    parity.set_defaults(command="parity")


def run_parity(args: argparse.Namespace) -> int:
    """Print a line a case as it is done, and a total; 1 when one of them fails.

    Raises SongdeskError when a folder is missing, damaged or of another form.
    """
    prepare()
    goldens = _open(args.folders, args.only)
    counts: Counter[str] = Counter()
    for case in _cases(goldens, args.device):
        counts[case.state] += 1
        print(json.dumps(_object(case)) if args.json else _line(case), flush=True)
    print(json.dumps({"total": dict(counts)}) if args.json else _total(counts))
    return EXIT_WRONG if counts["FAIL"] else 0


def _open(folders: list[Path], only: str | None) -> "list[Golden]":
    from core.parity.folder import folders_in, open_folder

    if not folders and not _SHIPPED.is_dir():
        raise SongdeskError("no golden vectors here", hint="name their folders: songdesk parity DIR …")
    found = [open_folder(path) for folder in folders or [_SHIPPED] for path in folders_in(folder)]
    wanted = [golden for golden in found if only in (None, golden.kind)]
    if not wanted:
        raise SongdeskError(f"no {only} vectors in these folders", hint="leave out --only, or name others")
    return wanted


def _cases(goldens: "list[Golden]", device: str) -> "Iterator[Case]":
    import torch

    from core.parity.check import check_folder

    chosen = torch.device(choose_device(device).kind)
    for golden in goldens:
        # Token models this small are done before a second thread has woken up.
        with processor_threads(1 if golden.kind == "lm" else cores()):
            yield from check_folder(golden, chosen, vocabulary=qwen2())


def _line(case: "Case") -> str:
    if case.worst is None:
        return f"skipped  {case.name}: {case.note}"
    worst = case.worst
    sign = "≤" if worst.passed else ">"
    error = f"{worst.error:.3g} {sign} {worst.tolerance:.3g} {worst.unit}".rstrip()
    note = f"; {case.note}" if case.note else ""
    return f"{case.state:<8} {case.name:<40} {error} ({worst.part}, worst of {case.checks}){note}"


def _object(case: "Case") -> dict[str, object]:
    about: dict[str, object] = {"name": case.name, "state": case.state, "note": case.note}
    if case.worst is not None:
        # JSON has no infinity: an error without bound is null.
        error = case.worst.error if case.worst.error < float("inf") else None
        about |= {
            "error": error, "tolerance": case.worst.tolerance, "unit": case.worst.unit,
            "part": case.worst.part, "checks": case.checks,
        }  # fmt: skip
    return about


def _total(counts: Counter[str]) -> str:
    done = counts["ok"] + counts["FAIL"]
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    return f"{counts['ok']} of {done} cases ok, {counts['FAIL']} failed{skipped}"
