"""Bars, curves, times and names as characters: little to repaint, at most two colour runs to a row."""

import math
import unicodedata
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

REST = "·"
_HEIGHTS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉"
_DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Braille dots of the left and the right half of a cell, from the bottom row up."""
_GIB = 1 << 30


def bar(fraction: float, width: int) -> tuple[str, str]:
    """A progress bar as its done part and its rest, together `width` cells, drawn in eighths of a cell."""
    if width <= 0:
        return "", ""
    eighths = round(min(1.0, max(0.0, fraction)) * width * 8)
    done = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
    return done, REST * (width - len(done))


def braille(levels: Sequence[float], height: int) -> tuple[str, ...]:
    """A curve as `height` rows of braille, two levels (0 to 1) to a cell, mirrored about the middle."""
    dots = height * 4
    cells = [[0] * (len(levels) // 2) for _ in range(height)]
    for index, level in enumerate(levels[: len(levels) // 2 * 2]):
        tall = max(1, round(min(1.0, max(0.0, level)) * dots))
        first = (dots - tall) // 2
        for dot in range(first, first + tall):
            cells[dot // 4][index // 2] |= _DOTS[index % 2][dot % 4]
    return tuple("".join(chr(0x2800 + cell) for cell in row) for row in reversed(cells))


def spark(values: Sequence[float]) -> str:
    """Figures as a row of bars of eight heights, the largest as high as they go."""
    most = max(values, default=0.0)
    return "".join(_HEIGHTS[round(7 * max(0.0, value) / most)] for value in values) if most > 0 else ""


def clock(seconds: float | None) -> str:
    """A time as people read it, `1:12`, or `?` when it is not known."""
    if seconds is None or not math.isfinite(seconds):
        return "?"
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def gib(count: int | None) -> str:
    """Bytes as GiB with one decimal, or `?` when they are not known."""
    return "?" if count is None else f"{count / _GIB:.1f}"


def one_line(text: str) -> str:
    """Somebody's words fit for one row: control and direction characters become spaces."""
    return "".join(
        " " if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else c for c in text
    ).strip()


def clip(text: str, width: int) -> str:
    """Text cut to `width` cells, with `…` where something is missing."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 0 else ""
