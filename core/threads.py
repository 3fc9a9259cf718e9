"""On how many threads a processor is fastest at a kind of work: measured once for a machine, and remembered.

Threads share a product's rows, and in wide ones sometimes its sums, whose last bits then depend on how many
there are. So the answer must not change from song to song with what else the machine does: it is measured
once, kept with the time of each count, and left alone; where it cannot be kept the rule holds.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.atomic import write_text
from core.device import cores, processor_name, processor_threads
from core.errors import SongdeskError
from core.paths import thread_file

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["steps", "sound"]
"""Two rows times a network's matrices, step after step; or hundreds of rows, and convolutions."""
_NARROW = 512
"""A step of a model no wider than this is over before a second thread has woken up."""
_WORTH = 0.9
"""Of the rule's time that another count has to stay under to be taken instead."""
_ROUNDS = 5
_SECONDS = 0.02
"""Of one count in one round, at least."""
_ROWS, _MATRICES = 256, 4
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Threads:
    """How many, and in words why."""

    count: int
    why: str
    is_rule: bool = True
    """Whether it is what every machine with as many cores takes."""


def rule(kind: Kind, width: int) -> int:
    """Threads where nothing is measured: one for narrow steps, else one a core of the machine."""
    return 1 if kind == "steps" and width <= _NARROW else cores()


def may_change_bits(width: int) -> bool:
    """Whether another count may change the last bits of networks so wide: measured up to 512, none did."""
    return width > _NARROW


def threads_for(kind: Kind, width: int) -> Threads:
    """Threads for work of networks so wide on this processor; the first time that takes half a second."""
    usual = rule(kind, width)
    if cores() == 1:
        return Threads(usual, "one core")
    about = _about(kind, width)
    kept = _load()
    seconds = kept.get(about)
    if seconds is None:
        seconds = measured(kind, width, counts(cores()))
        if not _keep({**kept, about: seconds}):
            return Threads(usual, "by rule: what was measured could not be kept")
    return chosen(seconds, usual)


def chosen(seconds: Mapping[int, float], usual: int) -> Threads:
    """The fastest count, by seconds of each; the rule's where that is not clearly slower."""
    best = min(seconds, key=lambda count: (seconds[count], count))
    if usual in seconds and seconds[best] > _WORTH * seconds[usual]:
        return Threads(usual, "by rule: no other count was measured as clearly faster")
    return Threads(best, "measured as the fastest on this machine", is_rule=best == usual)


def counts(most: int) -> tuple[int, ...]:
    """What is tried on so many cores."""
    return tuple(sorted({1, min(2, most), max(1, most // 2), most}))


def measured(kind: Kind, width: int, tried: tuple[int, ...]) -> dict[int, float]:
    """Seconds of the work on each count of threads, the fastest of some rounds in which they take turns."""
    import torch

    with torch.inference_mode():
        work = _work(kind, width)
        laps: dict[int, list[float]] = {count: [] for count in tried}
        for turn in range(_ROUNDS):
            for count in tried if turn % 2 else reversed(tried):
                with processor_threads(count):
                    work()  # its threads are there after it
                    laps[count].append(_lap(work))
    return {count: min(seconds) for count, seconds in laps.items()}


def _lap(work: Callable[[], object]) -> float:
    """Seconds of one run, as long runs take it."""
    began, runs = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < _SECONDS or not runs:
        work()
        runs += 1
    return spent / runs


def _work(kind: Kind, width: int) -> Callable[[], object]:
    import torch
    import torch.nn.functional as F

    from core.kernels.reference import linear

    draw = torch.Generator().manual_seed(0)
    matrices = torch.randn(_MATRICES, width, width, generator=draw) / width**0.5
    if kind == "steps":
        x = torch.randn(2, width, generator=draw)

        def work() -> "Tensor":
            state = x
            for matrix in matrices:
                state = linear(state, matrix)
            return state

        return work
    rows, kernel = torch.randn(_ROWS, width, generator=draw), torch.randn(32, 32, 7, generator=draw)
    sound = torch.randn(1, 32, 4 * _ROWS, generator=draw)
    return lambda: (F.gelu(rows @ matrices[0]) @ matrices[1], F.conv1d(sound, kernel, padding=3))


def _about(kind: Kind, width: int) -> str:
    """All that an answer depends on."""
    import torch

    return f"{kind} {width} | {processor_name()} | {cores()} cores | torch {torch.__version__}"


def _load() -> dict[str, dict[int, float]]:
    try:
        raw = json.loads(thread_file().read_text(encoding="utf-8"))
        return {
            str(about): {int(count): float(lap) for count, lap in laps.items() if float(lap) > 0}
            for about, laps in raw.items()
            if laps
        }
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _keep(known: Mapping[str, Mapping[int, float]]) -> bool:
    try:
        write_text(thread_file(), json.dumps(known, indent=1) + "\n")
    except SongdeskError as error:
        _log.warning("how many threads are fastest is not remembered: %s", error)
        return False
    return True
