"""The outline of a sound file for drawing: measured once, kept beside the file, stretched to any width."""

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from core.atomic import write_text
from core.errors import SongdeskError

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
    return audio.with_name(f"{audio.name}.peaks.json")


def of(audio: Path) -> Peaks:
    """The outline kept beside a sound file, measured and kept first when there is none of this very file.

    Raises SongdeskError when the sound cannot be read or the outline cannot be written.
    """
    stamp = _stamp(audio)
    kept = _load(beside(audio), stamp)
    if kept is None:
        kept = measure(audio)
        write_text(beside(audio), _dump(kept, stamp))
    return kept


def _bins(block: "npt.NDArray[np.float32]", hop: int) -> list[float]:
    """Peaks of frames [n, channels], one per `hop` frames, in steps of 1/255."""
    import numpy as np

    short = -len(block) % hop
    whole = np.pad(block, ((0, short), (0, 0))) if short else block
    rows = whole.reshape(len(whole) // hop, -1)
    peaks = np.maximum(rows.max(axis=1), -rows.min(axis=1))
    levels = np.rint(np.nan_to_num(peaks).clip(0, 1) * _LEVELS)
    return [float(level) / _LEVELS for level in levels]


def _stamp(audio: Path) -> str:
    """What changes when the file does: its size and time."""
    try:
        facts = audio.stat()
    except OSError as error:
        raise SongdeskError("no such sound file", where=str(audio), hint="check the path") from error
    return f"{facts.st_size}-{facts.st_mtime_ns}"


def _dump(peaks: Peaks, stamp: str) -> str:
    levels = [round(value * _LEVELS) for value in peaks.values]
    record = {"version": _VERSION, "of": stamp, "seconds": peaks.seconds, "levels": levels}
    return json.dumps(record, separators=(",", ":")) + "\n"


def _load(path: Path, stamp: str) -> Peaks | None:
    """The outline in `path`, or None when there is none to be used and it must be measured again."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if (record["version"], record["of"]) != (_VERSION, stamp):
            return None
        levels = record["levels"]
        return Peaks(
            tuple(min(_LEVELS, max(0, int(level))) / _LEVELS for level in levels), float(record["seconds"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
