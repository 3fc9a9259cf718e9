"""`songdesk models convert`: a fetched checkpoint into the file songdesk loads."""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

from core.cli.departure import Departure
from core.cli.report import say
from core.errors import Cancelled
from core.levo.convert import Report, convert
from core.paths import qwen2

_SAY_EVERY = 5.0
"""Seconds between lines of progress."""


def run_convert(args: argparse.Namespace) -> int:
    """Convert one checkpoint; prints the path of the result, or with --json all that became of it."""
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
            say("stopped; nothing is left of it, and the same command starts anew")
            return departure.code
    _tell(report, as_json=args.json)
    return 0


def _tell(report: Report, *, as_json: bool) -> None:
    for line in _talk(report):
        say(line)
    if as_json:
        print(json.dumps({**asdict(report), "file": str(report.file), "qwen2": str(qwen2())}), flush=True)
    else:
        print(report.file, flush=True)


def _talk(report: Report) -> list[str]:
    model = f"{report.variant} (version {report.version[1:]})"
    if not report.kept.tensors:
        return [f"already converted: {model}; to use it, put it at {report.variant}/{report.file.name}"]
    if not report.made:
        return [f"already there, made of this checkpoint: {model}; nothing to do", *_words()]
    kept, dropped, written = report.kept, report.dropped, report.written
    lines = [
        f"{model}: {report.parameters:,} parameters",
        f"kept {kept.tensors} tensors ({_size(kept.bytes)}), "
        f"written as {written.tensors} in fp16 ({_size(written.bytes)})",
        *(f"cast {each.tensors} from {kind} ({_size(each.bytes)})" for kind, each in report.cast.items()),
        f"dropped {dropped.tensors} that are never read ({_size(dropped.bytes)})",
    ]
    if report.unknown:
        lines.append(f"left out {len(report.unknown)} unknown: {', '.join(report.unknown[:3])}")
    if report.flushed or report.clamped:
        lines.append(f"fp16 made {report.flushed:,} values 0 and held {report.clamped:,} at ±65504")
    if not report.listed:
        lines.append(f"to render with it, describe {report.variant} in models.yaml: it is not listed yet")
    return [*lines, *_words()]


def _words() -> list[str]:
    missing = [name for name in ("vocab.json", "merges.txt") if not Path(qwen2(), name).is_file()]
    return [f"still needed: Qwen2's {' and '.join(missing)}, in {qwen2()}"] if missing else []


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 10**9 else f"{count / 1e6:.1f} MB"
