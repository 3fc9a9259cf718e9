"""`songdesk models convert`: a fetched checkpoint into the files songdesk loads."""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

from core.cli.departure import Departure
from core.cli.report import say
from core.errors import Cancelled
from core.levo.convert import Report, convert
from core.levo.published import FAMILY, few
from core.paths import qwen2

_SAY_EVERY = 5.0
"""Seconds between lines of progress."""


def run_convert(args: argparse.Namespace) -> int:
    """Convert one checkpoint; prints a path a file, or with --json all that became of it."""
    with Departure() as departure:
        told = time.monotonic()

        def step(done: int, total: int) -> None:
            nonlocal told
            if departure.code:
                raise Cancelled
            if time.monotonic() - told >= _SAY_EVERY:
                told = time.monotonic()
                say(f"converting: {done / total:.0%} of {_size(total)}")

        try:
            report = convert(args.file, args.out, step=step)
        except Cancelled:
            say("stopped; no unfinished file is left, and the same command makes what is missing")
            return departure.code
    _tell(report, as_json=args.json)
    return 0


def _tell(report: Report, *, as_json: bool) -> None:
    for line in _talk(report):
        say(line)
    if as_json:
        more = {"file": report.file, "made": report.made, "qwen2": qwen2()}
        print(json.dumps({**asdict(report), **more}, default=str), flush=True)
    else:
        for path in report.files:
            print(path, flush=True)


def _talk(report: Report) -> list[str]:
    if not report.kept.tensors:
        place = f"{report.variant or FAMILY}/{report.roles[0]}.safetensors"
        return [f"already converted: {_subject(report)}; to use it, put it at {place}"]
    words = _words() if report.variant else []
    if not report.made:
        return [f"already there, made of this checkpoint: {_subject(report)}; nothing to do", *words]
    return [*_account(report), *words]


def _subject(report: Report) -> str:
    if report.variant:
        return f"{report.variant} (version {report.version[1:]})"
    roles = " and ".join(role.replace("_", " ") for role in report.roles)
    return f"{roles} of {', '.join(report.models)}" if report.models else roles


def _account(report: Report) -> list[str]:
    kept, dropped, written = report.kept, report.dropped, report.written
    counted = f"{report.parameters:,} parameters" if report.parameters else f"{kept.tensors:,} references"
    form = " in fp16" if report.variant else ""
    lines = [
        f"{_subject(report)}: {counted}",
        *(f"already there, made of this checkpoint: {path.name}" for path in report.there),
        f"kept {kept.tensors} tensors ({_size(kept.bytes)}), "
        f"written as {written.tensors}{form} ({_size(written.bytes)})",
        *(f"cast {each.tensors} from {kind} ({_size(each.bytes)})" for kind, each in report.cast.items()),
    ]
    if dropped.tensors or report.variant:
        lines.append(f"dropped {dropped.tensors} that are never read ({_size(dropped.bytes)})")
    if report.unknown:
        lines.append(f"left out {len(report.unknown)} unknown: {few(list(report.unknown))}")
    if report.flushed or report.clamped:
        lines.append(f"fp16 made {report.flushed:,} values 0 and held {report.clamped:,} at ±65504")
    lines += [f"warning: {warning}" for warning in report.warnings]
    return lines


def _words() -> list[str]:
    missing = [name for name in ("vocab.json", "merges.txt") if not Path(qwen2(), name).is_file()]
    return [f"still needed: Qwen2's {' and '.join(missing)}, in {qwen2()}"] if missing else []


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 10**9 else f"{count / 1e6:.1f} MB"
