"""Takes as people look for them: as a tree of what came of what, searched, and in an order; no torch."""

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.takes.difference import words_of
from core.takes.take import Take

By = Literal["new", "star", "length", "seed", "state"]
ORDERS: tuple[By, ...] = ("new", "star", "length", "seed", "state")
_STATES = (
    "running", "finishing", "stopping", "pausing", "queued", "paused", "interrupted", "draft", "failed",
    "cancelled", "stopped", "done",
)  # fmt: skip
"""What is at work or waits for somebody first."""


@dataclass(frozen=True, slots=True)
class Twig:
    """A take at its place in the tree."""

    take: Take
    depth: int
    """How many parents it has above it."""
    lead: str
    """The lines to draw before its name, two cells for each parent."""


def lineage(takes: Iterable[Take]) -> tuple[Twig, ...]:
    """Takes under their parents: first ones newest first, children oldest first.

    One whose parent is not among them stands by itself, as does the oldest of a circle.
    """
    known = {_key(take): take for take in takes}
    oldest = sorted(known.values(), key=_age)
    children: dict[tuple[Path, str], list[Take]] = {}
    for take in oldest:
        if (parent := _parent(take)) in known:
            children.setdefault(parent, []).append(take)
    roots = [take for take in oldest if _parent(take) not in known]
    reached = {_key(twig.take) for root in roots for twig in _tree(root, children)}
    for take in oldest:
        if _key(take) not in reached:  # in a circle or below one: only hands that edit recipes make them
            roots.append(_oldest_above(take, known))
            reached |= {_key(twig.take) for twig in _tree(roots[-1], children)}
    return tuple(twig for root in sorted(roots, key=_age, reverse=True) for twig in _tree(root, children))


def search(takes: Iterable[Take], words: str) -> tuple[Take, ...]:
    """The takes in which every one of the words is found, in the order given."""
    wanted = _plain(words).split()
    return tuple(take for take in takes if all(word in _findable(take) for word in wanted))


def sort(takes: Iterable[Take], by: By) -> tuple[Take, ...]:
    """Takes in an order; those that are alike in it stay in the order given."""
    if by == "new":
        return tuple(sorted(takes, key=_age, reverse=True))
    return tuple(sorted(takes, key=lambda take: _rank(take, by)))


def _rank(take: Take, by: By) -> float:
    match by:
        case "star":
            return 0 if take.star else 1
        case "length":
            return -(take.seconds or 0.0)
        case "seed":
            return math.inf if take.seed is None else take.seed
        case _:
            return _STATES.index(take.state) if take.state in _STATES else len(_STATES)


def _tree(root: Take, children: dict[tuple[Path, str], list[Take]]) -> Sequence[Twig]:
    """A take and all that came of it, from the top down; each once."""
    found: list[Twig] = []
    seen = {_key(root)}
    # Below a take: what stands before its children's own two cells.
    waiting = [(Twig(root, 0, ""), "")]
    while waiting:
        twig, below = waiting.pop()
        found.append(twig)
        young = [take for take in children.get(_key(twig.take), ()) if _key(take) not in seen]
        seen.update(map(_key, young))
        for take in reversed(young):
            is_last = take is young[-1]
            lead = below + ("└ " if is_last else "├ ")
            waiting.append((Twig(take, twig.depth + 1, lead), below + ("  " if is_last else "│ ")))
    return found


def _oldest_above(take: Take, known: Mapping[tuple[Path, str], Take]) -> Take:
    """The oldest of the circle that a take's parents run in."""
    for _ in known:  # so many steps up are in the circle for certain
        take = known[_parent(take)]
    circle = [take]
    while (take := known[_parent(take)]) is not circle[0]:
        circle.append(take)
    return min(circle, key=_age)


def _age(take: Take) -> tuple[str, int, str]:
    """When it was begun, by its id: a stamp and a number that counts those of one second."""
    stamp, _, number = take.id.rpartition("-")
    return stamp, int(number) if number.isdecimal() else 0, str(take.home)


def _key(take: Take) -> tuple[Path, str]:
    return take.home, take.id


def _parent(take: Take) -> tuple[Path, str]:
    return take.home, take.kin.parent if take.kin else ""


def _findable(take: Take) -> str:
    said = (take.title, take.note, take.id, take.seed, take.state, take.model, words_of(take.kin))
    return _plain(" ".join("" if word is None else str(word) for word in said))


def _plain(text: str) -> str:
    """Text without regard to case and to how its letters are composed."""
    return unicodedata.normalize("NFKC", text).casefold()
