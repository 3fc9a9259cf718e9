"""Golden delay pattern and loop: columns as laid out, fed and ended."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from core.errors import SongdeskError
from core.levo.shapes import TokenShapes
from core.levo.tokens.loop import write
from core.levo.tokens.pattern import Sheet, build, revert
from core.parity.bench import Bench
from core.parity.compare import Case, Check, case_of, checksum, holds, same
from core.parity.folder import Entry, by_case, codes
from core.parity.lm_rule import from_recipe
from core.parity.quiet import QuietRun, greedy


def pattern_cases(bench: Bench, file: str, entry: Entry) -> Iterator[Case]:
    """Build and revert of codes and of their own indices; long ones by checksum."""
    stored, special = by_case(bench.golden.tensors(file)), bench.shapes.special
    for name, about in entry["cases"].items():
        given, delays = from_recipe(about["input"]), about["delays"]
        frames = given.shape[-1]
        index = build(torch.arange(3 * frames).view(3, frames), delays, 3 * frames)
        columns = build(given, delays, special)
        cells = torch.arange(index.numel()).view(index.shape)
        cut = columns.clone()
        cut[..., about["seq_len"] // 2 :] = special
        made = {
            "idx_i64": index,
            "mask_u8": (index < 3 * frames).to(torch.uint8),
            "seq_i64": columns,
            "rev_idx_i64": revert(cells, delays, frames),
            "rev_cut_i64": revert(cut, delays, frames),
        }
        wrong = [what for what, tensor in made.items() if checksum(tensor) != about[f"crc32_{what}"]]
        checks = [holds("checksums", wrong), same("undone", revert(columns, delays, frames), given)]
        kept = stored.get(name, {})
        checks += [
            same(key, made[what], kept[key]) for what in made if (key := what[:-4].rstrip("_")) in kept
        ]
        yield case_of(f"pattern {name}", checks)


def loop_cases(bench: Bench, file: str, entry: Entry) -> Iterator[Case]:
    """The loop with a network that always wants the scripted tokens (levo-tokens spec §9 rows 20–24)."""
    stored = by_case(bench.golden.tensors(file))
    for name, about in entry["cases"].items():
        yield _scripted(f"loop {name}", bench, stored[name], about)


def _scripted(name: str, bench: Bench, stored: Mapping[str, Tensor], about: Entry) -> Case:
    shapes = _with_delays(bench.shapes, about["delays"])
    frames, delay = about["max_gen_len"], max(about["delays"])
    upstream = codes(stored["upstream/codes"])
    length = end_of(upstream[0], shapes.eos)
    network = _Script(shapes, codes(stored["sampled"]).to(bench.device))
    sheet = Sheet(shapes, frames, device=bench.device)
    none = torch.empty(0, dtype=torch.int64)
    try:
        write(network, sheet, none, QuietRun(bench.device, greedy("fp32")))
    except SongdeskError:
        return case_of(name, [same("frames", [0], [length])], "ended at once: refused")
    fed = torch.cat((sheet.first, *network.fed), dim=1).cpu()
    checks = [
        same("frames", [sheet.frames], [length]),
        same("steps", [sheet.total], [length + delay]),
        same("fed 0", fed[0], _until(codes(stored["upstream/fed"])[0], fed.shape[1], shapes.special)),
        *agreeing(sheet.codes().cpu(), upstream, length, shapes),
    ]
    note = "upstream's end of song fed once; codebooks 1 and 2 never end it"
    return case_of(name, checks, note if length < frames else "")


def end_of(row: Tensor, eos: int) -> int:
    """Frames before the first end of song in a codebook [T]; all of them without one."""
    ends = (row >= eos).nonzero()
    return int(ends[0]) if len(ends) else len(row)


def agreeing(ours: Tensor, theirs: Tensor, length: int, shapes: TokenShapes) -> Iterator[Check]:
    """Codebooks [3, T] side by side up to the song's end, or to where another rule lets 1 or 2 end first.

    From the column of such an end on, the stems are fed other tokens than ours and say nothing.
    """
    ends = {k: end_of(theirs[k, :length], shapes.eos) for k in (1, 2)}
    columns = [delay + ends[k] for k, delay in enumerate(shapes.delays) if k and ends[k] < length]
    for book, delay in enumerate(shapes.delays):
        upto = length
        if book and columns:
            upto = min(length, max(0, min(columns) - delay))
        yield same(f"codebook {book}", ours[book, :upto], theirs[book, :upto])


class _Script:
    """A network whose likeliest next tokens are given beforehand, [3, S]."""

    def __init__(self, shapes: TokenShapes, sampled: Tensor) -> None:
        self.shapes = shapes
        self.fed: list[Tensor] = []
        self._sampled, self._taken = sampled, 0

    def feed(self, columns: Tensor) -> None:
        """Keep what is fed."""
        self.fed.append(columns.clone())
        self._taken += columns.shape[1]

    def logits(self, books: tuple[int, ...]) -> Tensor:
        """Logits [1, n, codes + 1] that leave no doubt."""
        wanted = self._sampled[list(books), self._taken, None]
        blank = torch.zeros(len(books), self.shapes.codes + 1, device=wanted.device)
        return blank.scatter(1, wanted, 1.0)[None]


def _until(row: Tensor, count: int, special: int) -> Tensor:
    missing = row.new_full((max(0, count - len(row)),), special)
    return torch.cat((row[:count], missing))


def _with_delays(shapes: TokenShapes, delays: list[int]) -> TokenShapes:
    first, second, third = delays
    return replace(shapes, delays=(first, second, third))
