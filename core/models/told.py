"""What a fetch tells while it goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one file is."""

    doing: str
    """`downloading`, `verifying` or `converting`."""
    file: str
    """By its path as published."""
    done: int
    """Bytes."""
    total: int
    rate: float | None = None
    """Bytes per second; None while that is not known."""


@dataclass(frozen=True, slots=True)
class Note:
    """A line to be said."""

    text: str


@dataclass(frozen=True, slots=True)
class Verified:
    """A file is whole and right, as far as that is known."""

    file: str
    how: str
    """By what it was verified."""
    sha256: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A file became what songdesk loads, or was put where it is kept."""

    file: str
    paths: tuple[Path, ...]
    is_converted: bool


@dataclass(frozen=True, slots=True)
class Pulse:
    """Nothing new: a chance to give up."""


Told = Pulse | Progress | Note | Verified | Placed
Tell = Callable[[Told], None]
"""Is called between any two pieces of work; it may raise to give up, which spoils nothing."""
