"""The outline of a sound file for drawing: measured once, kept beside the file, stretched to any width."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.audio import kept

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_VERSION = 1
_PER_SECOND = 50
_LEVELS = 255
_BLOCK = 1024
"""Bins that are read at once: about twenty seconds."""


@dataclass(frozen=True, slots=True)
class Peaks:
    """The largest magnitude of either channel in each fiftieth of a second, 0 to 1."""

    values: tuple[float, ...]
    seconds: float

    def columns(self, width: int) -> tuple[float, ...]:
        """The outline in `width` columns of equal time, each the largest value it covers."""
        count = len(self.values)
        if not count or not width:
            return (0.0,) * width
        edges = [column * count // width for column in range(width + 1)]
        return tuple(max(self.values[start : max(end, start + 1)]) for start, end in pairwise(edges))


def measure(audio: Path) -> Peaks:
    """Measure a sound file block by block; raises SongdeskError when it cannot be read."""
    from core.audio.files import blocks, info

    facts = info(audio)
    hop = max(1, round(facts.sample_rate / _PER_SECOND))
    values: list[float] = []
    for block in blocks(audio, hop * _BLOCK):
        values += _bins(block, hop)
    return Peaks(tuple(values), facts.seconds)


def beside(audio: Path) -> Path:
    """Where a sound file's outline is kept."""
    return kept.beside(audio, "peaks")


def of(audio: Path) -> Peaks:
    """The outline kept beside a sound file, measured and kept first when there is none of this very file.

    Raises SongdeskError when the sound cannot be read or the outline cannot be written.
    """
    return kept_at(beside(audio), audio)


def kept_at(outline: Path, audio: Path) -> Peaks:
    """As `of`, with the outline kept at another place."""
    stamp = kept.stamp(audio)
    facts = kept.load(outline, stamp, _VERSION)
    known = _peaks(facts) if facts is not None else None
    if known is None:
        known = measure(audio)
        levels = [round(value * _LEVELS) for value in known.values]
        kept.store(outline, audio, stamp, _VERSION, {"seconds": known.seconds, "levels": levels})
    return known


def extended(audio: Path, before: Peaks | None = None) -> Peaks:
    """The outline of a file that grows, of which only what is new since `before` is read; nothing is kept.

    Raises SongdeskError when it cannot be read.
    """
    from core.audio.files import blocks, info

    facts = info(audio)
    hop = max(1, round(facts.sample_rate / _PER_SECOND))
    values = list(before.values[:-1]) if before is not None else []  # the last may have been a part
    for block in blocks(audio, hop * _BLOCK, start=len(values) * hop / facts.sample_rate):
        values += _bins(block, hop)
    return Peaks(tuple(values), max(facts.frames, hop * (len(values) - 1)) / facts.sample_rate)


def _bins(block: "npt.NDArray[np.float32]", hop: int) -> list[float]:
    """Peaks of frames [n, channels], one per `hop` frames, in steps of 1/255."""
    import numpy as np

    short = -len(block) % hop
    whole = np.pad(block, ((0, short), (0, 0))) if short else block
    rows = whole.reshape(len(whole) // hop, -1)
    peaks = np.maximum(rows.max(axis=1), -rows.min(axis=1))
    levels = np.rint(np.nan_to_num(peaks).clip(0, 1) * _LEVELS)
    return [float(level) / _LEVELS for level in levels]


def _peaks(facts: Mapping[str, Any]) -> Peaks | None:
    """The outline that was kept, or None when it holds what none does and must be measured again."""
    try:
        levels = tuple(min(_LEVELS, max(0, int(level))) / _LEVELS for level in facts["levels"])
        return Peaks(levels, float(facts["seconds"]))
    except (ValueError, KeyError, TypeError):
        return None
