"""A wav file that can be played while it grows."""

import contextlib
import errno
import struct
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

_CHANNELS = 2
_FRAME_BYTES = 4 * _CHANNELS
_HEADER_BYTES = 58
_WAV_LIMIT = (1 << 32) - 64
"""Bytes of samples that a RIFF header can count."""

_Samples = npt.NDArray[np.float32]


class Spool:
    """A float32 stereo wav file whose header counts after every `append` what was written so far.

    It has no PEAK chunk as libsndfile writes it, which holds the time of writing.
    """

    def __init__(self, file: FileIO, rate: int) -> None:
        self.frames = 0
        self._file = file
        self._rate = rate
        write_all(file, _header(rate, 0))

    def append(self, frames: _Samples) -> None:
        """Write frames [n, 2] as they are; raises OSError when they cannot be stored."""
        end = self.frames * _FRAME_BYTES
        if end + len(frames) * _FRAME_BYTES > _WAV_LIMIT:
            raise OSError(errno.EFBIG, "a wav file holds 4 GiB at most")
        self._file.seek(_HEADER_BYTES + end)
        write_all(self._file, frames.astype("<f4", copy=False).data.cast("B"))
        self.frames += len(frames)
        # The header comes last, so that it never counts samples that are not there yet.
        self._file.seek(0)
        write_all(self._file, _header(self._rate, self.frames))

    def pieces(self, count: int) -> Iterator[_Samples]:
        """Give everything back as float32 [n, 2], n = `count` but for the last; raises OSError."""
        self._file.seek(_HEADER_BYTES)
        for start in range(0, self.frames, count):
            wanted = min(count, self.frames - start)
            data = self._file.read(wanted * _FRAME_BYTES)
            if len(data) != wanted * _FRAME_BYTES:
                raise OSError(errno.EIO, "another program changed the preview")
            yield np.frombuffer(data, "<f4").reshape(wanted, _CHANNELS)


@contextlib.contextmanager
def growing(path: Path, rate: int) -> Iterator[Spool]:
    """Start a wav file of `rate` (Hz) in place of any old one, and remove it in the end unless it was moved.

    Raises OSError when it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with path.open("xb+", buffering=0) as file:
        try:
            yield Spool(file, rate)
        finally:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def write_all(file: FileIO, data: bytes | memoryview) -> None:
    """Write every byte to an unbuffered file, which may take fewer at a time; raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _header(rate: int, frames: int) -> bytes:
    """The 58 bytes before the samples: RIFF, fmt (3 is IEEE float), fact, data."""
    layout = struct.pack("<HHIIHHH", 3, _CHANNELS, rate, rate * _FRAME_BYTES, _FRAME_BYTES, 32, 0)
    chunks = struct.pack("<4sI", b"fmt ", len(layout)) + layout + struct.pack("<4sII", b"fact", 4, frames)
    size = frames * _FRAME_BYTES
    riff = struct.pack("<4sI4s", b"RIFF", 4 + len(chunks) + 8 + size, b"WAVE")
    return riff + chunks + struct.pack("<4sI", b"data", size)
