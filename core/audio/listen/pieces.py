"""Pieces of a sound that is still being made, as small wav files: what there is, and never more."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

LONGEST = 10.0
"""Seconds that a piece has at most."""
_FULL = 1 << 15


@dataclass(frozen=True, slots=True)
class Piece:
    """Some samples, and how many there are by now."""

    data: bytes
    """A whole wav file of 16 bits."""
    first: int
    count: int
    known: int
    rate: int
    """Hz."""


def piece(file: Path, first: int, count: int | None = None) -> Piece:
    """The samples from number `first` on, so many as were asked for and are there; they may be none.

    Raises OSError or soundfile.SoundFileError when the file cannot be read: it may just have been finished.
    """
    with soundfile.SoundFile(file) as sound:
        known, rate = int(sound.frames), int(sound.samplerate)
        most = round(LONGEST * rate)
        wanted = min(most if count is None else min(count, most), max(0, known - first))
        if wanted <= 0:
            return Piece(b"", first, 0, known, rate)
        sound.seek(first)
        samples = sound.read(wanted, dtype="float32", always_2d=True)
    steps = np.clip(np.rint(samples.astype(np.float64) * _FULL), -_FULL, _FULL - 1).astype("<i2")
    return Piece(_wav(steps.tobytes(), rate, samples.shape[1]), first, len(steps), known, rate)


def _wav(data: bytes, rate: int, channels: int) -> bytes:
    """Samples of 16 bits as a wav file: RIFF, fmt (1 is whole numbers), data."""
    frame = 2 * channels
    layout = struct.pack("<HHIIHH", 1, channels, rate, rate * frame, frame, 16)
    head = struct.pack("<4sI", b"fmt ", len(layout)) + layout + struct.pack("<4sI", b"data", len(data))
    return struct.pack("<4sI4s", b"RIFF", 4 + len(head) + len(data), b"WAVE") + head + data
