"""Golden greedy songs: composed by the product from the stored conditions, in every cache format stored."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import Tensor

from core.errors import SongdeskError
from core.levo.artifacts import Conditions
from core.levo.shapes import FRAME_RATE
from core.levo.tokens.compose import compose
from core.levo.tokens.model import TokenModel
from core.parity.bench import Bench
from core.parity.compare import Case, Check, case_of, same
from core.parity.folder import Entry, by_case, codes
from core.parity.lm_codes import agreeing, end_of
from core.parity.quiet import QuietRun, greedy
from core.settings import Values

_OVERRIDE = "override/"
_UPSTREAM = "upstream_fp32"
_PATHS = {_UPSTREAM: "fp32", "fork_fp32": "fp32", "fork_kv16": "fp16", "fork_q8": "mulaw8"}
"""Cache format of each stored path."""


@dataclass(frozen=True, slots=True)
class _Song:
    model: TokenModel
    conditions: Conditions
    values: Values


def generate_cases(bench: Bench, file: str, entry: Entry) -> Iterator[Case]:
    """A line for each stored song, with both schedules.

    The fork's count repetitions; those that end early are left out, because it feeds another end than ours.
    """
    stored = by_case(bench.golden.tensors(file))
    for name, about in entry["runs"].items():
        tensors = stored[name]
        rows = {key.removeprefix(_OVERRIDE): row for key, row in tensors.items() if key.startswith(_OVERRIDE)}
        first, second, third = about["delays"]
        model = bench.model(about["salt"], delays=(first, second, third), rows=rows)
        _, given = bench.conditions_entry(about["condition"])
        for path, cache in _PATHS.items():
            if f"{path}/codes" in tensors and not (rows and path != _UPSTREAM):
                song = _Song(model, bench.conditions(given), _values(about, path, cache))
                checks = list(_song(song, tensors[f"{path}/codes"]))
                yield case_of(f"generate {name} {path}", checks, _note(about, path))


def _values(about: Entry, path: str, cache: str) -> Values:
    return greedy(
        cache,
        guidance=float(about["cfg"]),
        repetition_window=int(about["record_window"]),
        penalty_mode="presence" if path == _UPSTREAM else "count",
        length=about["max_gen_len"] / FRAME_RATE,
    )


def _song(song: _Song, want: Tensor) -> Iterator[Check]:
    theirs, shapes = codes(want), song.model.shapes
    length = end_of(theirs[0], shapes.eos)
    for schedule in _schedules(song.values.text("kv_cache")):
        try:
            ours = _composed(song, schedule=schedule)
        except SongdeskError:  # a song without a frame is refused
            ours = theirs[:, :0]
        yield same(f"{schedule} frames", [ours.shape[1]], [length])
        for check in agreeing(ours, theirs, min(length, ours.shape[1]), shapes):
            yield replace(check, part=f"{schedule} {check.part}")


def _schedules(cache: str) -> tuple[str, ...]:
    """µ-law shares a scale among all that one call writes, so only the fork's own order of calls compares."""
    return ("lockstep",) if cache == "mulaw8" else ("lockstep", "two-pass")


def _composed(song: _Song, *, schedule: str) -> Tensor:
    model, run = song.model, QuietRun(song.model.device, song.values)
    return compose(lambda _: model, model.shapes, song.conditions, song.values, run, schedule=schedule).codes


def _note(about: Entry, path: str) -> str:
    if about["record_window"]:
        return "presence penalty, as upstream" if path == _UPSTREAM else "count penalty, as the fork"
    return "end of song as upstream" if about.get("override_rows") else ""
