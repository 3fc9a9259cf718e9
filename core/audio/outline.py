"""The outline of somebody's own sound file: nothing is ever written beside it."""

import hashlib
import os
from pathlib import Path

from core.audio.peaks import Peaks, kept_at, measure
from core.errors import SongdeskError
from core.paths import outline_cache


def outline_of(recording: Path) -> Peaks:
    """The outline of a recording, kept in the user's cache folder where that can be written.

    Raises SongdeskError when the recording cannot be read.
    """
    name = hashlib.sha256(os.fsencode(recording.absolute())).hexdigest()[:24]
    try:
        return kept_at(outline_cache() / f"{name}.json", recording)
    except (
        SongdeskError
    ):  # of a cache that cannot be written nobody need know; of the recording, `measure` says
        return measure(recording)
