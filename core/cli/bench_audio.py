"""`songdesk bench audio`: how fast tokens become sound, and in how much memory."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from core.cli.bench_words import PUBLISHED, count, size
from core.cli.report import say
from core.device import choose_device
from core.registry import variant

if TYPE_CHECKING:
    from core.bench.audio import Measured, Report

_BOTH = ("demo", "published")
_UNSTEADY = 0.1
"""Difference of two laps of one way from which the times are worth a warning."""
_SMALL_SONG, _FEW_STEPS = 10.0, 4


def add_audio_options(audio: argparse.ArgumentParser) -> None:
    """Declare what the command takes beside what every bench does."""
    audio.add_argument("--seconds", type=float, metavar="S", help="of song (default: as the device allows)")
    audio.add_argument("--steps", type=int, metavar="N", help="Euler steps (default: as the device allows)")


def audio_reports(args: argparse.Namespace) -> Iterator["Report"]:
    """Measure each model asked for, or the demo and the published sizes; with --small the demo, briefly.

    Raises SongdeskError for an unknown model, a length or steps out of range, or a device that is not there.
    """
    models = args.model or (("demo",) if args.small else _BOTH)
    chosen = [variant(PUBLISHED.get(name, name)) for name in models]
    device = choose_device(args.device)

    import torch

    from core.bench.audio import bench_audio

    seconds, steps = getattr(args, "seconds", None), getattr(args, "steps", None)
    if args.small:
        seconds = _SMALL_SONG if seconds is None else seconds
        steps = _FEW_STEPS if steps is None else steps
    for model in chosen:

        def tell(what: str, name: str = model.id) -> None:
            say(f"{name}: {what}")

        yield bench_audio(
            model, torch.device(device.kind), device.name, seconds=seconds, steps=steps, tell=tell
        )


def audio_lines(report: "Report") -> Iterator[str]:
    """The table of one model."""
    task, agreement, flow = report.task, report.agreement, report.shapes.flow
    yield (
        f"{report.model}: flow {flow.blocks} × {flow.width}, VAE {report.shapes.vae.channels} channels; "
        f"weights {report.weights}"
    )
    yield (
        f"{report.device}, {count(report.threads, 'thread')}; torch {report.torch}; {task.precision}; "
        "laps in the order A-B-B-A"
    )
    yield f"our Euler steps are set off {report.launch}"
    yield (
        f"{task.song:g} s of song, {count(task.steps, 'Euler step')} a window, guidance {task.guidance:g}, "
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
        f"plan: {size(report.planned)} for B, {abs(report.plan_error):.1%} "
        f"{'above' if report.plan_error >= 0 else 'below'} what it took"
    )


def _row(name: str, way: "Measured") -> str:
    laps = " ".join(f"{lap.seconds:.1f}" for lap in way.laps)
    return f"{name:<18}{way.factor:>12.3f}{laps:>16}{way.first:>11.2f} s{size(way.memory):>13}"


def audio_facts(report: "Report") -> dict[str, object]:
    """Everything of one model."""
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
