"""How much of one sound file is in another, counted from their beginnings."""

from itertools import zip_longest
from pathlib import Path

from core.audio.files import blocks

_BLOCK = 1 << 16
"""Frames that are compared at a time."""


def alike(one: Path, other: Path) -> int:
    """How many frames, from the first on, are the same in both; SongdeskError for what is no sound."""
    count = 0
    for ours, theirs in zip_longest(blocks(one, _BLOCK), blocks(other, _BLOCK)):
        if ours is None or theirs is None or ours.shape[1] != theirs.shape[1]:
            break
        length = min(len(ours), len(theirs))
        differ = (ours[:length] != theirs[:length]).any(axis=1)
        if differ.any():
            return count + int(differ.argmax())
        count += length
        if len(ours) != len(theirs):
            break
    return count
