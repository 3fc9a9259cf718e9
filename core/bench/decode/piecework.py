"""Pieces of a step timed, turn and turn about, recorded as graphs where the device replays them rightly."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from core.bench.decode.pieces import Piece, Work, pieces
from core.bench.decode.subject import Subject
from core.bench.measure import finish
from core.errors import SongdeskError

Record = Callable[[Work, Work], Work]
"""Records what work does, calling the second to undo it; gives what does it again."""
_TOGETHER = {"cuda": 8, "cpu": 1}
"""Sweeps timed in one on a device that works ahead of its host."""
_LEAST = 3
"""Times a sweep is timed in each lap in any case."""


@dataclass(frozen=True, slots=True)
class PieceTime:
    """How long a call of one kernel takes, and how long the same work the straightforward way."""

    name: str
    form: str
    """Of the cache or of the weights; empty where neither matters."""
    moved: int = 0
    """Bytes that a call has to read and write."""
    seconds: float = 0.0
    """A call, the median of two laps."""
    plain: float = 0.0
    """Seconds of the same work the straightforward way."""
    apart: float = 0.0
    """Relative error of the result beside that of the straightforward way."""
    set_off: tuple[str, str] = ("", "")
    """`replayed` or `launched`, ours and the straightforward way."""
    spread: float = 0.0
    """How much longer the slower lap took, as a share of the faster one."""
    left_out: str = ""
    """Why it was not measured; then nothing else is known."""

    @property
    def rate(self) -> float:
        """Bytes that had to be moved in a second."""
        return self.moved / self.seconds if self.seconds else 0.0

    @property
    def ratio(self) -> float:
        """The straightforward time by ours; above 1 ours is ahead."""
        return self.plain / self.seconds if self.seconds else 0.0


def piece_times(
    found: Subject, position: int, *, seconds: float, record: Record | None, tell: Callable[[str], None]
) -> Iterator[PieceTime]:
    """Time each piece of a step at a position, each lap for so many seconds.

    `record` makes graphs, None launches one by one. Raises SongdeskError where a result is wrong: it has no
    speed.
    """
    for name, form, make in pieces(found, position):
        tell(f"kernels, {name} {form}".rstrip())
        try:
            piece = make()
            apart = piece.apart()
            piece.put_back()
            if not apart <= piece.allowed:  # not a number counts as well
                raise SongdeskError(
                    f"{name} {form} differs from the straightforward way by {apart:.3g}, "
                    f"allowed {piece.allowed:g}",
                    hint="no speed is given: see what `songdesk doctor` says of this machine",
                )
            yield _timed(name, form, piece, apart, Laps(found.device, seconds, record))
        except torch.OutOfMemoryError as error:
            yield PieceTime(name, form, left_out=str(error).splitlines()[0])


@dataclass(frozen=True, slots=True)
class Laps:
    """How pieces are timed."""

    device: torch.device
    seconds: float
    """Of one lap."""
    record: Record | None


def _timed(name: str, form: str, piece: Piece, apart: float, how: Laps) -> PieceTime:
    record = how.record
    ways = [_way(piece.ours, piece, record), _way(piece.plain, piece, None if piece.waits else record)]
    laps: tuple[list[float], list[float]] = ([], [])
    medians: tuple[list[float], list[float]] = ([], [])
    for index in (0, 1, 1, 0):
        lap = _lap(ways[index][0], how)
        laps[index].extend(lap)
        medians[index].append(statistics.median(lap))
    ours, plain = (statistics.median(each) / piece.calls for each in laps)
    spread = max(max(each) / min(each) - 1 for each in medians)
    set_off = (ways[0][1], ways[1][1])
    return PieceTime(name, form, piece.moved, ours, plain, apart, set_off, spread)


def _way(work: Work, piece: Piece, record: Record | None) -> tuple[Work, str]:
    """What does a sweep and leaves all as it was, and how it is set off."""

    def swept() -> None:
        work()
        piece.put_back()

    if record is None:
        return swept, "launched"
    try:
        return record(swept, int), "replayed"
    except RuntimeError:
        piece.put_back()
        return swept, "launched"


def _lap(sweep: Work, how: Laps) -> list[float]:
    """Seconds of each sweep."""
    device, together = how.device, _TOGETHER.get(how.device.type, 1)
    sweep()
    finish(device)
    taken: list[float] = []
    until = time.perf_counter() + how.seconds
    while len(taken) < _LEAST or time.perf_counter() < until:
        began = time.perf_counter()
        for _ in range(together):
            sweep()
        finish(device)
        taken.append((time.perf_counter() - began) / together)
    return taken
