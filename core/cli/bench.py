"""`songdesk bench`: how fast this machine is beside a straightforward way, and how well the demo listens."""

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from core.cli.bench_demo import add_demo_options, run_demo_bench
from core.cli.report import say
from core.device import choose_device
from core.environment import prepare
from core.registry import variant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.bench.audio import Measured, Report

_PUBLISHED = {"published": "v2-large"}
"""Names for sizes: a model of them on its own weights where these are here, else on random ones."""
_BOTH = ("demo", "published")
_UNSTEADY = 0.1
"""Difference of two laps of one way from which the times are worth a warning."""


def add_bench_options(bench: argparse.ArgumentParser) -> None:
    """Declare what the command takes, by what is measured."""
    stages = bench.add_subparsers(metavar="STAGE", dest="stage", required=True)
    _add_audio_options(stages.add_parser("audio", help="how fast: from tokens to sound"))
    add_demo_options(stages.add_parser("demo", help="how well: what the demo makes of songs it never saw"))
    bench.set_defaults(command="bench")


def _add_audio_options(bench: argparse.ArgumentParser) -> None:
    bench.add_argument(
        "--model", action="append", metavar="MODEL",
        help="demo, published or a model of `songdesk models`; may be repeated (default: demo and published)",
    )  # fmt: skip
    bench.add_argument("--seconds", type=float, metavar="S", help="of song (default: as the device allows)")
    bench.add_argument("--steps", type=int, metavar="N", help="Euler steps (default: as the device allows)")
    bench.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    bench.add_argument("--json", action="store_true", help="everything in one JSON object")


def run_bench(args: argparse.Namespace) -> int:
    """Print a table a model as it is done, or with --json one object at the end.

    Raises SongdeskError for an unknown model, a length or steps out of range, or a device that is not there.
    """
    if args.stage == "demo":
        return run_demo_bench(args)
    prepare()
    reports = []
    for report in _reports(args):
        reports.append(report)
        if not args.json:
            print("\n".join((*([""] if reports[1:] else []), *_lines(report))), flush=True)
    if args.json:
        print(json.dumps({"bench": args.stage, "reports": [_facts(report) for report in reports]}))
    return 0


def _reports(args: argparse.Namespace) -> "Iterator[Report]":
    chosen = [variant(_PUBLISHED.get(name, name)) for name in args.model or _BOTH]
    device = choose_device(args.device)

    import torch

    from core.bench.audio import bench_audio

    for model in chosen:

        def tell(what: str, name: str = model.id) -> None:
            say(f"{name}: {what}")

        yield bench_audio(
            model, torch.device(device.kind), device.name, seconds=args.seconds, steps=args.steps, tell=tell
        )


def _lines(report: "Report") -> "Iterator[str]":
    task, agreement, flow = report.task, report.agreement, report.shapes.flow
    yield (
        f"{report.model}: flow {flow.blocks} × {flow.width}, VAE {report.shapes.vae.channels} channels; "
        f"weights {report.weights}"
    )
    yield (
        f"{report.device}, {_count(report.threads, 'thread')}; torch {report.torch}; {task.precision}; "
        "laps in the order A-B-B-A"
    )
    yield (
        f"{task.song:g} s of song, {_count(task.steps, 'Euler step')} a window, guidance {task.guidance:g}, "
        "no reference"
    )
    if task.cut_down:
        yield "song and steps are cut down for a processor: see --seconds and --steps"
    yield (
        f"agreement on {agreement.frames} frames: latents {agreement.latents:.1e}, "
        f"sound {agreement.sound:.1e} of the largest value"
    )
    yield ""
    yield f"{'':<18}{'time / song':>12}{'laps (s)':>16}{'first sound':>13}{'peak memory':>13}"
    yield _row("A straightforward", report.baseline)
    yield _row("B ours", report.ours)
    time, first, memory = (f"{ratio:.2f}" for ratio in report.ratios)
    yield f"{'A / B':<18}{time:>12}{'':>16}{first:>13}{memory:>13}"
    yield ""
    yield (
        f"work: for {task.frames} frames of song A solves {report.baseline.frames}, all windows full, and B "
        f"{report.ours.frames}; A decodes {report.baseline.chunk} latents at once, B {report.ours.chunk}"
    )
    spread = max(report.baseline.spread, report.ours.spread)
    if spread > _UNSTEADY:
        other, ours = report.baseline.processor, report.ours.processor
        yield f"times: laps differ by {spread:.0%}, as other work ran beside; the faster one counts"
        yield f"processor: {other:.1f} s for A and {ours:.1f} s for B, A / B {other / ours:.2f}"
    yield f"memory: {report.memory_is}"
    yield (
        f"plan: {_size(report.planned)} for B, {abs(report.plan_error):.1%} "
        f"{'above' if report.plan_error >= 0 else 'below'} what it took"
    )


def _row(name: str, way: "Measured") -> str:
    laps = " ".join(f"{lap.seconds:.1f}" for lap in way.laps)
    return f"{name:<18}{way.factor:>12.3f}{laps:>16}{way.first:>11.2f} s{_size(way.memory):>13}"


def _facts(report: "Report") -> dict[str, object]:
    time, first, memory = report.ratios
    facts = asdict(report)
    facts["shapes"] = {part: facts["shapes"][part] for part in ("quantizer", "flow", "vae")}
    for name, way in (("baseline", report.baseline), ("ours", report.ours)):
        facts[name] |= {
            "seconds": way.seconds,
            "factor": way.factor,
            "first": way.first,
            "processor": way.processor,
            "spread": way.spread,
            "memory": way.memory,
        }
    return {
        **facts,
        "ratios": {"time": time, "first": first, "memory": memory},
        "plan_error": report.plan_error,
    }


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + "s" * (number != 1)


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 10**9 else f"{count / 1e6:.1f} MB"
