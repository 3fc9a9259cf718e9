"""How loud the studio plays, in percent, kept from one run to the next; no numpy."""

import contextlib

from core.atomic import write_text
from core.errors import SongdeskError
from core.paths import volume_file

FULL = 100
STEP = 5


def gain_of(percent: int) -> float:
    """What samples are multiplied by: squared, as ears hear ratios; 50 % is 12 dB down."""
    return (percent / FULL) ** 2


def recall() -> int:
    """The volume of the last run; full where none is known."""
    try:
        percent = int(volume_file().read_text(encoding="ascii"))
    except (OSError, ValueError):
        return FULL
    return min(FULL, max(0, percent))


def remember(percent: int) -> None:
    """Keep it for the next run; where that fails, the next run is at full volume or the last one kept."""
    with contextlib.suppress(SongdeskError, OSError):
        write_text(volume_file(), f"{percent}\n")
