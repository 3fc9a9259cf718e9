"""Takes made into the rows of their list: what each says of itself, in which order, and under which."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.meter import Meter, State
from core.takes.difference import words_of
from core.takes.lineage import By, lineage, search, sort
from core.takes.recipe import IMPORT
from core.takes.take import Take
from tui.widgets.bars import clock
from tui.widgets.takes_list import TakeRow

SORTED = {
    "new": "newest first, children under their parents",
    "star": "those with a star first",
    "length": "by length, the longest first",
    "seed": "by seed",
    "state": "by state, what is at work or waits for you first",
}
"""What the orders of `core.takes.lineage` are, in words."""
_PARTS = ("paused", "interrupted", "draft")
"""States that say how much there is of a take."""
_MADE = ("done", "stopped", "draft")
_PHASES = {1: "preparing", 2: "composing", 3: "rendering"}
_ENDS = {
    State.FINISHING: "stopping, keeping",
    State.STOPPING: "abandoning",
    State.PAUSING: "pausing",
}


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of takes beyond their list, as it was read from their folders."""

    reached: Mapping[str, float] = field(default_factory=dict)
    """How much (s) there is of a take that was broken off, by its id."""
    changed: Mapping[str, str] = field(default_factory=dict)
    """In a few words what differs from the parent, by the child's id."""


def row_of(take: Take) -> TakeRow:
    """How a take stands as its folder tells it."""
    day = f"{take.id[:4]}-{take.id[4:6]}-{take.id[6:8]}"
    detail = take.trouble or f"{'made' if take.state in _MADE else 'begun'} {day}"
    return TakeRow(take.id, state_of(take), take.seconds, take.seed, detail, star=take.star, note=take.note)


def state_of(take: Take) -> str:
    """How a take stands, in words."""
    state = {"done": "ready", "running": "being made"}.get(take.state, take.state)
    return f"{state} {clock(take.seconds)}" if take.state in _PARTS and take.seconds else state


def going(meter: Meter) -> str:
    """How a take stands that is being made: `composing 43 %`."""
    if meter.state in _ENDS:
        return _ENDS[meter.state]
    phase = _PHASES.get(meter.phase, "beginning")
    return f"{phase} {int(100 * meter.fraction)} %" if meter.total else phase


@dataclass(frozen=True, slots=True)
class View:
    """Which takes are to be listed, and how."""

    takes: tuple[Take, ...]
    by: By = "new"
    words: str = ""
    """All of them must be found."""
    counted: tuple[Take, ...] = ()
    """Takes that are not listed but numbered along with the others: so one that goes into the trash leaves
    their numbers alone."""
    learned: Learned = field(default_factory=Learned)


class Arranger:
    """Puts rows in their order; of a view that it was asked for last, it tells anew only what changed."""

    def __init__(self) -> None:
        self._view: View | None = None
        self._numbers: dict[str, int] = {}
        self._plain: dict[str, TakeRow] = {}
        self._told: tuple[TakeRow, ...] = ()

    def __call__(self, view: View, rows: Iterable[TakeRow]) -> tuple[TakeRow, ...]:
        """The rows of the takes in a view, from the newest on; as a tree when that is their order.

        In the tree the parents of what is found stay. Takes are numbered from the oldest.
        """
        plain = {row.id: row for row in rows}
        if view != self._view or view.words or plain.keys() != self._plain.keys():
            self._numbers = numbers_of([*view.takes, *view.counted])
            self._told = self._arranged(view, plain)
        else:
            self._told = self._patched(view, plain)
        self._view, self._plain = view, plain
        return self._told

    def _arranged(self, view: View, plain: Mapping[str, TakeRow]) -> tuple[TakeRow, ...]:
        above = _above(view)
        told = {
            t.id: _told(plain[t.id], t, self._numbers, view.learned, above)
            for t in view.takes
            if t.id in plain
        }
        found = [t for t in view.takes if t.id in told and _has(view.words, t, told[t.id])]
        if view.by != "new":
            return tuple(told[take.id] for take in sort(sort(found, "new"), view.by))
        twigs = lineage(_with_parents(view.takes, found) if view.words else found)
        return tuple(replace(told[twig.take.id], lead=twig.lead) for twig in twigs if twig.take.id in told)

    def _patched(self, view: View, plain: Mapping[str, TakeRow]) -> tuple[TakeRow, ...]:
        changed = {id for id, row in plain.items() if row != self._plain[id]}  # noqa: A001
        takes = {take.id: take for take in view.takes if take.id in changed}
        above = _above(view) if changed else ()

        def again(row: TakeRow) -> TakeRow:
            told = _told(plain[row.id], takes[row.id], self._numbers, view.learned, above)
            return replace(told, lead=row.lead)

        return tuple(again(row) if row.id in takes else row for row in self._told)


def _above(view: View) -> Collection[str]:
    """The parents that a tree shows above their children."""
    return {take.id for take in view.takes} if view.by == "new" else ()


def numbers_of(takes: Iterable[Take]) -> dict[str, int]:
    """A number for each take by its id, counted from the oldest."""
    return {take.id: number for number, take in enumerate(reversed(sort(takes, "new")), 1)}


def kin_words(take: Take, numbers: Mapping[str, int]) -> str:
    """What a take is to its parent, which is named by its number."""
    if take.kin is None:
        return ""
    if take.kin.why == IMPORT:
        return words_of(take.kin)
    number = numbers.get(take.kin.parent)
    return words_of(replace(take.kin, parent=f"take {number}" if number else "a take that is gone"))


def _with_parents(takes: Sequence[Take], found: Sequence[Take]) -> list[Take]:
    known = {take.id: take for take in takes}
    kept = {take.id for take in found}
    for take in found:
        parent = take.kin.parent if take.kin else ""
        while parent in known and parent not in kept:
            kept.add(parent)
            kin = known[parent].kin
            parent = kin.parent if kin else ""
    return [take for take in takes if take.id in kept]


def _has(words: str, take: Take, row: TakeRow) -> bool:
    """Whether each of the words is found, in what the take is or in what its row says."""
    said = f"{row.state_text} {row.detail}".casefold()
    return all(word.casefold() in said or search((take,), word) for word in words.split())


def _told(
    row: TakeRow, take: Take, numbers: Mapping[str, int], known: Learned, above: Collection[str]
) -> TakeRow:
    """A row with all that is to be said; a parent `above` it need not be named."""
    state = row.state_text
    if state in _PARTS and take.id in known.reached:
        state = f"{state} {clock(known.reached[take.id])}"
    kin = kin_words(take, numbers)
    if take.kin is not None and take.kin.parent in above:
        kin = kin.removesuffix(f" of take {numbers[take.kin.parent]}")
    detail = "; ".join(part for part in (kin, known.changed.get(take.id, ""), row.detail) if part)
    return replace(row, number=numbers[take.id], state_text=state, detail=detail)
