"""`songdesk bench demo`: what the demo reached, beside the corpus it learned from and beside no learning."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.bench.demo.figures import GROUPS, WAYS
from core.cli.ask import writable
from core.cli.report import say
from core.device import choose_device
from core.environment import prepare
from core.errors import SongdeskError
from core.paths import demo_bench_cache, kept_out_prompts
from core.registry import Variant, variant

if TYPE_CHECKING:
    from core.bench.demo.bench import Report, Task
    from core.bench.demo.figures import Cell, Figure, Row

_COLUMNS = (("trained", "reached"), ("corpus", "ceiling"), ("untrained", "floor"))


def add_demo_options(demo: argparse.ArgumentParser) -> None:
    """Declare what the command takes beside what every bench does."""
    demo.add_argument(
        "--prompts", type=Path, metavar="FILE", help="songs to be made (default: tests/demo_prompts.jsonl)"
    )
    demo.add_argument(
        "--only", action="append", choices=GROUPS, metavar="GROUP",
        help=f"of {', '.join(GROUPS)}; may be repeated (default: all)",
    )  # fmt: skip
    demo.add_argument("--limit", type=int, metavar="N", help="no more than the first N songs")
    demo.add_argument(
        "--weights", action="append", choices=WAYS, metavar="WAY",
        help="trained, untrained (the floor) or corpus (the ceiling); may be repeated (default: all three)",
    )  # fmt: skip
    demo.add_argument(
        "--weights-from", type=Path, metavar="DIR", help="measure the weight files in DIR as the trained ones"
    )
    demo.add_argument(
        "--out", type=Path, metavar="DIR",
        help="keep the sounds there, the corpus's too; what is there already is not made again "
        "(default: a cache of the user, some hundred MB)",
    )  # fmt: skip


def run_demo_bench(args: argparse.Namespace) -> int:
    """Print the table; it is a measurement, so 0 whatever was reached.

    Raises SongdeskError without a checkout, for unsound prompts, and for a missing device or weights.
    """
    prepare()
    if args.limit is not None and args.limit < 1:
        raise SongdeskError(f"--limit {args.limit} leaves no song", hint="give 1 or more")

    from core.bench.demo.home import reach_corpus

    reach_corpus()
    chosen = _trained(variant((args.model or ["demo"])[-1]), args.weights_from)

    from core.bench.demo.bench import bench

    task = _task(args, chosen)
    report = bench(task)
    if args.json:
        print(json.dumps(_facts(report, task), ensure_ascii=False))
    else:
        print("\n".join(_lines(report, task)))
    say(f"sounds are kept in {args.out or demo_bench_cache()}")
    return 0


def _trained(chosen: Variant, folder: Path | None) -> Variant:
    if folder is None:
        return chosen
    if not folder.is_dir():
        raise SongdeskError("there is no such folder", where=str(folder), hint="name one with weight files")

    from core.bench.demo.rendering import placed

    return placed(chosen, folder)


def _task(args: argparse.Namespace, chosen: Variant) -> "Task":
    from core.bench.demo.bench import Task
    from core.bench.demo.learned import learned
    from core.bench.demo.prompts import read_prompts
    from core.bench.demo.rendering import trained_maker, untrained_maker

    path = args.prompts or kept_out_prompts()
    prompts, problems = read_prompts(path, args.limit)
    for problem in problems:
        say(str(problem))
    ways = tuple(way for way in WAYS if way in (args.weights or WAYS))
    device = choose_device(args.device)
    cache = demo_bench_cache()
    out = args.out or cache
    writable(out)
    makers = {"trained": trained_maker, "untrained": untrained_maker}
    return Task(
        prompts=prompts,
        groups=tuple(group for group in GROUPS if group in (args.only or GROUPS)),
        makers={way: makers[way](chosen, out, device.kind, say) for way in ways if way in makers},
        has_corpus="corpus" in ways,
        judges=learned(cache, tell=say),
        cache=cache,
        kept=args.out,
        tell=say,
    )


def _lines(report: "Report", task: "Task") -> Iterator[str]:
    songs = f"{len(task.prompts)} song{'s' * (len(task.prompts) != 1)} kept out of training"
    yield f"{songs}; ceiling: the corpus itself, floor: weights that learned nothing"
    group = ""
    for row in report.rows:
        if row.figure.group != group:
            group = row.figure.group
            yield ""
            yield _line(group, ["bar", *(name for _, name in _COLUMNS)])
        bar = row.figure.bar.shown if row.figure.bar else ""
        cells = (_shown(row.cells.get(way), row.figure) for way, _ in _COLUMNS)
        yield _line(f"  {row.figure.title}", [bar, *cells], row.verdict)
    yield ""
    yield from _unmeasured(report)
    judged = [row.verdict for row in report.rows if row.verdict]
    if judged:
        yield f"{judged.count('met')} of {len(judged)} bars met"


def _line(title: str, cells: Sequence[str], verdict: str = "") -> str:
    return f"{title:<56}{''.join(f'{cell:>11}' for cell in cells)}  {verdict}".rstrip()


def _shown(cell: "Cell | None", figure: "Figure") -> str:
    if cell is None:
        return "-"
    if cell.value is None:
        return "unknown"
    value, unit = cell.value, figure.unit
    if unit == "%":
        value *= 100
    number = f"{value:+.0f}" if unit == "points" else f"{value:,.{figure.digits}f}"
    return f"{number} {unit}".rstrip()


def _unmeasured(report: "Report") -> Iterator[str]:
    """A line for each figure of which something could not be measured, and why."""
    for row in report.rows:
        if all(not cell.count and not cell.unknown for cell in row.cells.values()):
            yield f"unknown: {row.figure.title}: no song asks for it"
            continue
        for way, name in _COLUMNS:
            cell = row.cells.get(way)
            if cell is not None and (cell.value is None or cell.unknown):
                reasons = "; ".join(f"{why} ({count})" for why, count in cell.unknown.items())
                yield f"unknown: {row.figure.title}, {name}: {reasons}; {cell.count} measured"


def _facts(report: "Report", task: "Task") -> dict[str, object]:
    return {
        "bench": "demo",
        "songs": [prompt.name for prompt in task.prompts],
        "figures": [_row_facts(row) for row in report.rows],
        "readings": {
            way: {
                name: {one: [each.value if each.value is not None else each.why for each in told]
                       for one, told in readings.items()}
                for name, readings in songs.items()
            }
            for way, songs in report.songs.items()
        },
    }  # fmt: skip


def _row_facts(row: "Row") -> dict[str, object]:
    figure = row.figure
    cells = {
        name: {"value": cell.value, "count": cell.count, "unknown": dict(cell.unknown)}
        for way, name in _COLUMNS
        if (cell := row.cells.get(way)) is not None
    }
    return {
        "id": figure.id,
        "group": figure.group,
        "title": figure.title,
        "unit": figure.unit,
        "of": figure.how,
        "bar": figure.bar.least if figure.bar else None,
        **{name: cells.get(name) for _, name in _COLUMNS},
        "verdict": row.verdict,
    }
