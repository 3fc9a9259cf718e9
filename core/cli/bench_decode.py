"""`songdesk bench decode`: how fast words become tokens beside a straightforward way, and what it takes."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from core.cli.bench_pieces import piece_facts, piece_lines
from core.cli.bench_words import PUBLISHED, count, size
from core.cli.report import say
from core.device import choose_device
from core.errors import SongdeskError
from core.registry import variant

if TYPE_CHECKING:
    from core.bench.decode.machine import Machine
    from core.bench.decode.report import Compared, Measured, Report
    from core.bench.decode.sound import FirstSound
    from core.bench.decode.traffic import Form
    from core.bench.decode.whole import Delays, Room

_WEIGHTS, _CACHES = ("full", "int8", "int4"), ("fp32", "fp16", "int8", "mulaw8")
_UNSTEADY = 0.1
"""Difference of two laps of one way from which the times are worth a warning."""


def add_decode_options(decode: argparse.ArgumentParser) -> None:
    """Declare what the command takes beside what every bench does."""
    decode.add_argument(
        "--form", action="append", metavar="WEIGHTS+CACHE",
        help="such as int8+int8: weights full, int8 or int4 (experimental), cache fp32, fp16, int8 or "
        "mulaw8; may be repeated (default: three that suit the device)",
    )  # fmt: skip


def decode_reports(args: argparse.Namespace) -> Iterator["Report"]:
    """Measure each model asked for, or the published sizes; on a processor without a word small ones.

    Raises SongdeskError for an unknown model or form, a device that is not there, and for wrong results.
    """
    device = choose_device(args.device)
    is_small = args.small or (device.kind == "cpu" and not args.model)
    chosen = [variant(PUBLISHED.get(name, name)) for name in args.model or ("published",)]

    import torch

    from core.bench.decode.bench import bench_decode

    forms = [_form(words) for words in getattr(args, "form", None) or ()]
    if is_small and not args.small:
        say("small shapes, as a processor is slow with the published ones: see --model")
    for model in chosen:
        name = "small" if is_small and not args.model else model.id

        def tell(what: str, name: str = name) -> None:
            say(f"{name}: {what}")

        yield bench_decode(
            model, torch.device(device.kind), device.name, forms=forms, is_small=is_small, tell=tell
        )


def decode_lines(report: "Report") -> Iterator[str]:
    """The tables of one model."""
    shapes = report.shapes
    yield (
        f"{report.model}: main {shapes.main_layers}, sub {shapes.sub_layers} layers × {shapes.width}, "
        f"{shapes.codes} codes; weights {report.weights}"
    )
    yield from _machine(report.machine)
    yield f"kernels: {report.kernels}"
    yield f"static steps set off as {'; '.join(report.set_off) or 'none: not measured'}"
    if report.complaint:
        yield f"attention: {report.complaint}"
    yield f"here the product takes {report.steps_are} steps; laps there and back, medians of steps"
    yield from piece_lines(report)
    for compared in report.forms:
        yield ""
        yield from _compared(report, compared)
    if report.delays and report.sound:
        yield ""
        yield from _delays(report.delays)
        yield from _sound(report.sound)


def decode_facts(report: "Report") -> dict[str, object]:
    """Everything of one model."""
    facts = asdict(report)
    for told, piece in zip(facts["pieces"], report.pieces, strict=True):
        told |= piece_facts(piece, report.machine.read)
    for each, compared in zip(facts["forms"], report.forms, strict=True):
        for told, way in zip(each["ways"], compared.ways, strict=True):
            told |= {
                "rates": way.rates,
                "bandwidths": way.bandwidths,
                "of_read": [rate / report.machine.read for rate in way.bandwidths],
                "ratios": compared.ratios(way),
                "spread": way.spread,
            }
        if compared.room:
            each["room"]["plan_error"] = compared.room.plan_error
    return facts


def _form(words: str) -> "Form":
    from core.bench.decode.traffic import Form

    weights, _, cache = words.partition("+")
    if weights not in _WEIGHTS or cache not in _CACHES:
        raise SongdeskError(
            f"unknown form “{words}”",
            hint=f"write one of {', '.join(_WEIGHTS)}, a plus sign, and one of {', '.join(_CACHES)}",
        )
    return Form(weights, cache)


def _machine(machine: "Machine") -> Iterator[str]:
    versions = f"torch {machine.torch}, triton {machine.triton or 'not installed'}"
    yield f"{machine.device}, {count(machine.threads, 'thread')}; {versions}"
    products = ", ".join(f"{name} {_rate(rate)}" for name, rate in machine.products.items())
    gap = f", {machine.gap * 1e6:.2f} µs in a graph" if machine.gap is not None else ""
    of = f" ({machine.read / machine.specified:.0%} of what is specified)" if machine.specified else ""
    yield (
        f"machine: reads {machine.read / 1e9:.1f} GB/s{of}, copies {machine.copied / 1e9:.1f} GB/s (read and "
        f"written), of {size(machine.amount)}"
    )
    yield f"         products {products}; smallest operation {machine.issued * 1e6:.1f} µs{gap}"


def _compared(report: "Report", compared: "Compared") -> Iterator[str]:
    yield str(compared.form)
    if compared.left_out:
        yield f"  not measured: {compared.left_out}"
        return
    names = [f"{letter} {way.name}" for letter, way in zip("ABC", compared.ways, strict=False)]
    for name, way in zip(names, compared.ways, strict=True):
        near = way.nearness
        yield (
            f"  {name:<18} logits within {near.error:.1e} of {near.spread:.2g}, divergence {near.mean:.1e}, "
            f"at most {near.most:.1e}, same first {near.agreed:.1%}"
        )
    yield f"  {'steps a second at':<18}{_row(str(pace.position) for pace in compared.ways[0].paces)}" + (
        f"{f'{report.song:g} s song':>13}{'memory':>11}"
    )
    for name, way in zip(names, compared.ways, strict=True):
        rates = _row(f"{rate:.1f}" if rate >= 10 else f"{rate:.2f}" for rate in way.rates)
        yield f"  {name:<18}{rates}{f'{way.song:.0f} s':>13}{size(way.memory):>11}"
    base = compared.ways[0]
    for letter, way in zip("BC", compared.ways[1:], strict=False):
        ratios = _row(f"{ratio:.2f}" for ratio in compared.ratios(way))
        song, memory = f"{base.song / way.song:.2f}", f"{base.memory / way.memory:.2f}"
        yield f"  {f'A / {letter}':<18}{ratios}{song:>13}{memory:>11}"
    for name, way in zip(names, compared.ways, strict=True):
        yield f"  {f'{name[0]} reads, GB/s':<18}{_row(f'{rate / 1e9:.3g}' for rate in way.bandwidths)}" + (
            f"    {_of_read(report, way)} of what it can read"
        )
    yield from _unsteady(compared)
    if compared.room:
        yield _room(compared.room)


def _row(cells: Iterator[str]) -> str:
    return "".join(f"{cell:>9}" for cell in cells)


def _of_read(report: "Report", way: "Measured") -> str:
    shares = [rate / report.machine.read for rate in way.bandwidths]
    return f"{min(shares):.0%} to {max(shares):.0%}"


def _unsteady(compared: "Compared") -> Iterator[str]:
    spread = max(way.spread for way in compared.ways)
    if spread <= _UNSTEADY:
        return
    yield f"  laps differ by {spread:.0%}, as other work ran beside; by seconds of processor cores:"
    base = compared.ways[0]
    for letter, way in zip("BC", compared.ways[1:], strict=False):
        pairs = zip(base.paces, way.paces, strict=True)
        ratios = _row(f"{one.processor / mine.processor:.2f}" for one, mine in pairs)
        song = f"{base.song_processor / way.song_processor:.2f}"
        yield f"  {f'A / {letter}':<18}{ratios}{song:>13}"


def _room(room: "Room") -> str:
    side = "above" if room.plan_error >= 0 else "below"
    return (
        f"  plan: {size(room.planned)}, {abs(room.plan_error):.1%} {side} what a song took with "
        f"its prefill ({size(room.memory)})"
    )


def _delays(late: "Delays") -> Iterator[str]:
    yield (
        f"delays: first step done {late.begun:.2f} s after the start, given up within "
        f"{late.cancel * 1e3:.0f} ms, with {late.form}"
    )
    if late.knob is None:
        yield "        a turned knob showed no effect"
    else:
        steps = count(late.knob_steps or 0, "step")
        yield f"        a knob is obeyed {steps} after the one reported last, in {late.knob * 1e3:.0f} ms"


def _sound(sound: "FirstSound") -> Iterator[str]:
    if sound.rendered is None:
        yield (
            f"first sound: a draft of {sound.draft:g} s is composed in {sound.composed:.2f} s; it was not "
            f"rendered: {sound.left_out}"
        )
        return
    yield (
        f"first sound: {sound.composed + sound.rendered:.2f} s after the start without loading: a draft "
        f"of {sound.draft:g} s composed in {sound.composed:.2f} s, then {sound.rendered:.2f} s"
    )
    yield f"             with {sound.form}, through the flow and the decoder of {sound.sound_of}"


def _rate(operations: float) -> str:
    return f"{operations / 1e12:.1f} TFLOP/s" if operations >= 1e12 else f"{operations / 1e9:.0f} GFLOP/s"
