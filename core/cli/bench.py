"""`songdesk bench`: how fast this machine is beside a straightforward way, and how well the demo listens."""

import argparse
import json
from collections.abc import Callable, Iterator

from core.cli.bench_audio import add_audio_options, audio_facts, audio_lines, audio_reports
from core.cli.bench_decode import add_decode_options, decode_facts, decode_lines, decode_reports
from core.cli.bench_demo import add_demo_options, run_demo_bench
from core.cli.report import say
from core.environment import prepare

_ALL = ("decode", "audio")
"""What `all` measures: what the demo sings takes an hour, and says nothing of a machine."""


def add_bench_options(bench: argparse.ArgumentParser) -> None:
    """Declare what the command takes, by what is measured; without a stage it is `all`."""
    _add_common(bench, is_stage=False)
    stages = bench.add_subparsers(metavar="STAGE", dest="stage")
    every = stages.add_parser("all", help="decode and audio (the default)")
    decode = stages.add_parser("decode", help="how fast: from words to tokens, and the machine itself")
    audio = stages.add_parser("audio", help="how fast: from tokens to sound")
    demo = stages.add_parser("demo", help="how well: what the demo makes of songs it never saw")
    for stage in (every, decode, audio, demo):
        _add_common(stage, is_stage=True)
    add_decode_options(decode)
    add_audio_options(audio)
    add_demo_options(demo)
    bench.set_defaults(command="bench")


def _add_common(parser: argparse.ArgumentParser, *, is_stage: bool) -> None:
    """Options that may stand before a stage or behind it: what is not said behind it is left alone there."""
    parser.add_argument(
        "--model", action="append", metavar="MODEL", default=argparse.SUPPRESS if is_stage else None,
        help="demo, published or a model of `songdesk models`; may be repeated (default: as suits)",
    )  # fmt: skip
    no = argparse.SUPPRESS if is_stage else False
    parser.add_argument("--small", action="store_true", default=no, help="what a processor does in a minute")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default=argparse.SUPPRESS if is_stage else "auto",
        help="default: auto",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", default=no, help="everything in one JSON object")


def run_bench(args: argparse.Namespace) -> int:
    """Print a table a model as it is done, or with --json one object at the end.

    Raises SongdeskError for an unknown model, what is out of range, a device that is not there, and for
    results that are wrong: these have no speed.
    """
    if args.stage == "demo":
        return run_demo_bench(args)
    prepare()
    found: dict[str, list[dict[str, object]]] = {}
    is_first = True
    for stage in _ALL if args.stage in (None, "all") else (args.stage,):
        found[stage] = []
        for facts, lines in _STAGES[stage](args):
            found[stage].append(facts)
            if not args.json:
                print("\n".join((*([] if is_first else [""]), *lines)), flush=True)
            is_first = False
    if args.json:
        print(json.dumps(_object(found)))
    elif args.stage in (None, "all"):
        say("not measured: what the demo sings (`songdesk bench demo`: it takes about an hour)")
    return 0


def _object(found: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    if len(found) > 1:
        return {"bench": "all", **found}
    ((stage, reports),) = found.items()
    return {"bench": stage, "reports": reports}


_Shown = Iterator[tuple[dict[str, object], Iterator[str]]]


def _decode(args: argparse.Namespace) -> _Shown:
    return ((decode_facts(report), decode_lines(report)) for report in decode_reports(args))


def _audio(args: argparse.Namespace) -> _Shown:
    return ((audio_facts(report), audio_lines(report)) for report in audio_reports(args))


_STAGES: dict[str, Callable[[argparse.Namespace], _Shown]] = {"decode": _decode, "audio": _audio}
