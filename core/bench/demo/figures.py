"""What is measured, against which bar, and what came of it: readings, cells and rows."""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

WAYS = ("trained", "corpus", "untrained")
"""Whose songs are measured: what was reached, the ceiling and the floor."""
GROUPS = ("sound", "structure", "style", "lyrics", "guidance", "temperature", "reference")
How = Literal["share", "median", "mean"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing measured once; without a value it says why."""

    value: float | None
    why: str = ""


def known(value: float) -> Reading:
    """A reading of a number; what is no number is told so."""
    return Reading(float(value)) if math.isfinite(value) else unknown("the measure gave no number")


def unknown(why: str) -> Reading:
    """A reading that could not be taken."""
    return Reading(None, why)


def right(hit: bool) -> Reading:
    """1 for right, 0 for wrong."""
    return Reading(float(hit))


Readings = Mapping[str, Sequence[Reading]]
"""By the id of a figure what one song says of it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure is to reach."""

    least: float
    shown: str
    is_strict: bool = False
    """Whether equal is too little."""

    def reached(self, value: float) -> bool:
        """Whether a value is enough."""
        return value > self.least if self.is_strict else value >= self.least


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    id: str
    group: str
    title: str
    unit: str = "%"
    how: How = "share"
    bar: Bar | None = None
    digits: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure for one way: of how many readings it is made, and why others could not be taken."""

    value: float | None
    count: int = 0
    unknown: Mapping[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """Readings that could not be taken."""
        return sum(self.unknown.values())


@dataclass(frozen=True, slots=True)
class Row:
    """A figure with what each way reached; a way that was not asked for or knows no such thing is missing."""

    figure: Figure
    cells: Mapping[str, Cell]

    @property
    def verdict(self) -> str:
        """`met`, `not met` or `unknown`; empty without a bar, or where the trained were not asked for.

        A share must reach its bar also if everything that could not be measured is counted as wrong.
        """
        cell, bar = self.cells.get("trained"), self.figure.bar
        if bar is None or cell is None:
            return ""
        if cell.value is None:
            return "unknown"
        value = cell.value
        if self.figure.how == "share":
            value *= cell.count / (cell.count + cell.missing)
        return "met" if bar.reached(value) else "not met"


def cell_of(readings: Iterable[Reading], how: How) -> Cell:
    """All readings of one figure as one number."""
    every = list(readings)
    values = [reading.value for reading in every if reading.value is not None]
    why = Counter(reading.why for reading in every if reading.value is None)
    if not values:
        return Cell(None, 0, dict(why))
    middle = statistics.median(values) if how == "median" else statistics.fmean(values)
    return Cell(middle, len(values), dict(why))


def gathered(figure: Figure, songs: Mapping[str, Sequence[Readings]]) -> Row:
    """The row of a figure that songs of several ways tell of, each in its own readings."""
    cells = {
        way: cell_of((one for song in of_way for one in song.get(figure.id, ())), figure.how)
        for way, of_way in songs.items()
    }
    return Row(figure, cells)
