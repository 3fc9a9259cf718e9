"""Chooses how a stage is run by the memory that is really free, and says in words what it chose; no torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.device import Device
from core.engine import Rung
from core.errors import SongdeskError
from core.takes.recipe import RAN_OUT, WENT_ON

_GIB = 1 << 30
_RESERVE = 20
"""One part in so many of a device is never ours."""
_HINTS = ("close other programs", "make the song shorter", "leave weights and schedule on auto")
_TRUST = "set memory=trusted"


@dataclass(frozen=True, slots=True)
class Room:
    """What there is for a stage on a device."""

    free: int | None
    """Bytes; None where the driver tells nonsense."""
    overhead: int = 0
    """Bytes that a stage takes beside what is planned."""
    is_trusted: bool = False
    """Whether the person vouches for it: nothing is said of what is free."""
    total: int | None = None
    """Bytes of all there is, which count where what is free is unknown; None where that is unknown too."""

    def holds(self, rung: Rung) -> bool:
        """Whether a way fits as far as that is known."""
        need = need_of(rung, self.overhead)
        if self.free is not None:
            return need <= self.free
        return self.total is None or need <= self.total - self.total // _RESERVE


Rooms = Callable[[Rung], Room]
"""What there is for a way, by the device it takes."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The way that a stage is to be run, and why."""

    rung: Rung
    room: Room
    best: Rung
    """The first of the ladder."""
    is_only: bool = False
    """Whether the ladder has no other."""
    as_before: bool = False
    """Whether it is how the take was made so far, or when it was made first."""
    broke: tuple[Rung, ...] = ()
    """By which ways memory ran out just before."""
    kept: bool = False
    """Whether what was made by then is kept."""
    run_on: Device | None = None
    """Where the song is made, which a way need not be; None where nobody said."""

    @property
    def planned(self) -> int:
        """Bytes of its fullest moment, with what comes beside the plan."""
        return need_of(self.rung, self.room.overhead)

    @property
    def way(self) -> str:
        """For the meter; empty where there was nothing to choose."""
        if self.broke:
            again = "goes on" if self.kept else "starts again"
            return f"memory ran out: {again} with {self.rung.name}"
        return "" if self.is_only or not self.rung.plan.peak else self.rung.name

    def note(self, title: str) -> str:
        """For the recipe, what was decided for a stage of that title; empty where it went as usual."""
        cost = f" ({self.rung.costs})" if self.rung.costs else ""
        if self.broke:
            tried = " and ".join(dict.fromkeys(rung.name for rung in self.broke))
            again = WENT_ON if self.kept else ": it was begun again with "
            return f"{RAN_OUT}{title} with {tried}{again}{self.rung.name}{cost}"
        if self.as_before:
            return ""
        if self.room.free is None:
            is_idle = self.is_only or self.room.is_trusted or not self.rung.plan.peak
            of = "" if self.room.total is None else f", {in_gib(self.room.total)} GiB in all"
            return "" if is_idle else f"free memory is unknown{of}: {title} with {self.rung.name}{cost}"
        if self.rung is self.best:
            return ""
        need, free = in_gib(need_of(self.best, self.room.overhead)), in_gib(self.room.free)
        why = f"with {self.best.name} it needs {need} GiB, and {free} are free"
        return f"{title} with {self.rung.name}{cost}: {why}"


def choose(
    rungs: Sequence[Rung],
    rooms: Rooms,
    *,
    title: str,
    before: Sequence[Rung] = (),
    below: Sequence[Rung] = (),
    at_least: float = 0.0,
) -> Choice:
    """The first way that fits; behind ways that ran out of memory (`below`) the first that needs less.

    Where free memory is unknown, only what is more than all there is does not fit. Ways of `before`, by which
    the take was made, come before all others. One that makes the song shorter than `at_least` (s) is passed
    over. SongdeskError with the numbers where none is left; `title` is what the stage does.
    """
    tried = [*((rung, True) for rung in before), *((rung, False) for rung in rungs)]
    for rung, as_before in tried:
        shortest = 0.0 if as_before else at_least
        if _is_open(rung, below, shortest) and (room := rooms(rung)).holds(rung):
            return Choice(rung, room, rungs[0], len(rungs) == 1, as_before, tuple(below))
    able = [rung for rung in rungs if _length(rung) >= at_least] or list(rungs)
    least = min(able, key=lambda rung: need_of(rung, rooms(rung).overhead))
    raise _refusal(least, rooms(least), title, ran_out=bool(below))


def need_of(rung: Rung, overhead: int) -> int:
    """Bytes of a way's fullest moment; what comes beside comes only where there is something to hold."""
    return rung.plan.peak + overhead if rung.plan.peak else 0


def in_gib(count: int) -> str:
    """Bytes in GiB, for people."""
    return f"{count / _GIB:.1f}" if count >= _GIB // 10 else f"{count / _GIB:.3f}"


def _is_open(rung: Rung, below: Sequence[Rung], at_least: float) -> bool:
    """Whether a way may still be tried; what ran out on one device says nothing of another."""
    taken = [one.plan.peak for one in below if one.device == rung.device]
    return _length(rung) >= at_least and all(rung.plan.peak < peak for peak in taken)


def _length(rung: Rung) -> float:
    """Seconds that a way cuts the song to; no end where it does not."""
    length = rung.settings.get("length")
    return float(length) if isinstance(length, int | float) else float("inf")


def _refusal(least: Rung, room: Room, title: str, *, ran_out: bool) -> SongdeskError:
    *hints, last = _HINTS if room.is_trusted else (*_HINTS, _TRUST)
    hint = f"{', '.join(hints)}, or {last}"
    need = f"{title} needs {in_gib(need_of(least, room.overhead))} GiB at the least"
    if room.free is not None:
        there = f"{in_gib(room.free)} GiB are free"
    elif room.total is not None:
        there = f"{in_gib(room.total)} GiB are all there is"
    else:
        return SongdeskError(f"not enough memory for this song: {need}", hint=hint)
    there = f"it ran out where {there}" if ran_out else there
    return SongdeskError(f"not enough memory for this song: {need}, and {there}", hint=hint)
