"""Where the sections of a song begin in a take of it, as far as that is known; no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.lyrics.budget import SectionBudget

How = Literal["estimated", "expected"]


@dataclass(frozen=True, slots=True)
class SectionStart:
    """The place where a section is taken to begin."""

    tag: str
    """As the lyrics have it, without brackets."""
    seconds: float
    """Into the song."""
    how: How
    """`estimated` from what was sung, or merely `expected` from the lyrics; never measured."""


def expected_starts(sections: Sequence[SectionBudget], seconds: float) -> tuple[SectionStart, ...]:
    """Where sections begin if each takes its share of a song of that length (s): the middle of its range."""
    whole = sum(sum(section.seconds) for section in sections)
    starts, at = [], 0.0
    for section in sections:
        place = min(at / whole, 1.0) * seconds if whole else 0.0
        starts.append(SectionStart(section.tag, place, "expected"))
        at += sum(section.seconds)
    return tuple(starts)
