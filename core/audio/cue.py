"""What is to be heard of a sound file: from where, how loud, whether it goes round or still grows."""

from dataclasses import dataclass
from pathlib import Path

Loop = tuple[float, float]
"""A stretch that is heard again and again (s); it may end beyond the file, which then ends it."""


@dataclass(frozen=True, slots=True)
class Cue:
    """An order for a voice."""

    path: Path
    begin: float = 0.0
    """Where it starts (s)."""
    gain: float = 1.0
    """By how much samples are multiplied."""
    loop: Loop | None = None
    grows: bool = False
    """Whether more of the file is still being written: its end is then waited at, not taken for the end."""

    def folded(self, place: float, end: float) -> float:
        """Where sound that would have gone on to `place` (s) is, in a file that ends at `end` (s)."""
        if self.loop is not None:
            first, last = self.loop[0], min(self.loop[1], end)
            if place >= last > first:
                return first + (place - first) % (last - first)
        return min(place, end)
