"""Where sections begin, read off the vocal codes: the model itself tells of no alignment; no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import SongdeskError
from core.levo.shapes import FRAME_RATE, frames_in, shapes_of
from core.lyrics.budget import SectionBudget, budget
from core.lyrics.tags import Dialect, dialect
from core.sections import SectionStart, expected_starts
from core.takes.job import artifact_file
from core.takes.tokenhash import codes_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from core.lyrics.parse import Lyrics
    from core.registry import Variant

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float32]

_CELL = 5
"""Frames of a cell: boundaries lie on a grid of 0.2 s."""
_VOCAL = 1
"""The codebook of the voice."""
_RESTS = 0.25
"""Share of a sung section in which nobody sings."""
_STRAYS = 0.05
"""Share of an instrumental one in which somebody seems to."""
_WEIGHT = 0.2
"""Of a cell's evidence: neighbours tell much the same."""
_SPREAD = 0.4
"""Deviation of a section's length from its share of the song, as a logarithm."""
_STRETCH = 4.0
"""By how much a section may be longer or shorter than its share."""
_GAP = 3.0
"""What a boundary at the edge of a long rest is worth."""
_BREATH = 5.0
"""Cells of a rest that is a long one."""


def section_starts(chosen: Variant, folder: Path, lyrics: Lyrics, seconds: float) -> tuple[SectionStart, ...]:
    """Where each section seems to begin in the take in a folder, whose song is `seconds` long: an estimate.

    Where the vocal codes are the neutral one nobody sings; among all ways to lay the sections along the song
    the likeliest is taken: instrumental ones unsung, each about as long as its share of the song that the
    lyrics make expect, beginnings where the voice comes in after a rest. Nothing tells one verse from the
    next, so a start between two sung sections may be a line or two off, and one without a rest more. For a
    song whose codes tell nothing, as those of untrained weights, a section's share is all there is to go by.
    """
    words = dialect(chosen.family)
    sections = budget(lyrics, words, token_limit=0, seconds_limit=0, count=None).sections
    expected = expected_starts(sections, seconds)
    voice = _voice(folder, shapes_of(chosen.shapes).quantizer.neutral[0], seconds)
    if voice is None or not len(sections) <= len(voice) or not _tells(voice):
        return expected
    cells = _fit(voice, _shares(sections, len(voice)), [_is_sung(s, words) for s in sections])
    if not cells:
        return expected
    return tuple(
        SectionStart(section.tag, cell * _CELL / FRAME_RATE, "estimated")
        for section, cell in zip(sections, cells, strict=True)
    )


def _voice(folder: Path, neutral: int, seconds: float) -> Bools | None:
    """By cell whether somebody sings, without what is shorter than two; None without tokens."""
    import numpy as np

    try:
        codes = codes_in(artifact_file(folder, "tokens"))
    except SongdeskError:
        return None
    frames = codes[_VOCAL, : frames_in(seconds)]
    cells = frames[: len(frames) // _CELL * _CELL].reshape(-1, _CELL)
    if not len(cells):
        return None
    sung = ((cells != neutral).sum(axis=1) > _CELL // 2).astype(np.int8)
    around = np.pad(sung, 1, mode="edge")
    smooth: Bools = around[:-2] + around[1:-1] + around[2:] >= 2
    return smooth


def _tells(voice: Bools) -> bool:
    """Whether there are both song and rests."""
    return bool(voice.any()) and not bool(voice.all())


def _is_sung(section: SectionBudget, words: Dialect) -> bool:
    tag = words.tag(section.tag)
    return tag is None or tag.sung


def _shares(sections: Sequence[SectionBudget], cells: int) -> list[float]:
    """Cells that each section is expected to take, in sum all of them; none takes nothing."""
    lengths = [max(sum(section.seconds), 1.0) for section in sections]
    return [length * cells / sum(lengths) for length in lengths]


def _fit(voice: Bools, shares: Sequence[float], sung: Sequence[bool]) -> list[int]:
    """The cell in which each section begins, by dynamic programming over the cell in which each ends.

    Empty where no way to lay them is within `_STRETCH`.
    """
    import numpy as np

    cells = len(voice)
    best = np.full(cells + 1, np.inf, dtype=np.float32)
    best[0] = 0
    lengths_of = []
    for index, (share, is_sung) in enumerate(zip(shares, sung, strict=True)):
        paid = np.concatenate(([0], np.cumsum(_odds(voice, is_sung)))).astype(np.float32)
        begun = best - paid - (_entries(voice, is_sung) if index else 0)
        best, lengths = _lengthen(begun, share)
        best += paid
        lengths_of.append(lengths)
    starts: list[int] = []
    end = cells
    if not np.isfinite(best[cells]):
        return starts
    for lengths in reversed(lengths_of):
        end -= int(lengths[end])
        starts.append(end)
    return starts[::-1]


def _lengthen(begun: Floats, share: float) -> tuple[Floats, npt.NDArray[np.intp]]:
    """For each end the least cost of a section up to it, and the length that costs it.

    `begun` is the cost of beginning in each cell.
    """
    import numpy as np

    shortest = max(1, int(share / _STRETCH))
    lengths = np.arange(shortest, min(len(begun) - 1, int(share * _STRETCH) + 1) + 1)
    unlike = (np.log(lengths / share) ** 2 / (2 * _SPREAD**2)).astype(np.float32)
    before = np.concatenate((np.full(int(lengths[-1]), np.inf, dtype=np.float32), begun))
    # Row e of the view holds what it costs to begin in cell e - lengths[-1], …, e - lengths[0].
    rows = np.lib.stride_tricks.sliding_window_view(before, len(lengths))[: len(begun)]
    costs = rows + unlike[::-1]
    found = costs.argmin(axis=1)
    return costs[np.arange(len(begun)), found], lengths[::-1][found]


def _odds(voice: Bools, is_sung: bool) -> Floats:
    """What each cell costs in a section of that kind."""
    import numpy as np

    still = _RESTS if is_sung else 1 - _STRAYS
    odds: Floats = -_WEIGHT * np.log(np.where(voice, 1 - still, still)).astype(np.float32)
    return odds


def _entries(voice: Bools, is_sung: bool) -> Floats:
    """What it is worth to begin in each cell: just before the voice comes in, or once it is silent."""
    import numpy as np

    rests = _rests_before(voice) if is_sung else _rests_before(voice[::-1])[::-1]
    worth: Floats = (_GAP * (1 - np.exp(-rests / _BREATH))).astype(np.float32)
    return worth


def _rests_before(voice: Bools) -> npt.NDArray[np.intp]:
    """For each cell, and the end, of how many silent ones it is the last, where song follows.

    It is the last and not the one behind it because a voice may come in before its cell is counted as sung.
    """
    import numpy as np

    places = np.arange(1, len(voice) + 1)
    silent = places - np.maximum.accumulate(np.where(voice, places, 0))
    return np.append(np.where(np.append(voice[1:], False), silent, 0), 0)
