"""Frames into the encoders of libsndfile: equal samples into equal bytes, and no error lost."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import soundfile

from core.audio.spool import write_all

_CHANNELS = 2
_PIECE = 1 << 16
"""Frames encoded at once; even, so that each piece starts at a whole Philox counter."""
_DITHERED_BITS = 16
_DITHER_KEY = 0x736F6E676465736B
"""“songdesk” in ASCII."""

_Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file holds its samples, in the words of libsndfile."""

    container: str
    subtype: str
    bits: int = 0
    """Of the whole numbers it holds; 0 where the encoder takes fractions."""


class Source(Protocol):
    """Where frames come from, as often as they are asked for."""

    def pieces(self, count: int) -> Iterator[_Samples]:
        """Everything as float32 [n, 2], n = `count` but for the last."""


def encode(path: Path, source: Source, encoding: Encoding, *, rate: int, gain: float) -> None:
    """Write all frames of `source` at `rate` (Hz), times `gain` and held within ±1; raises OSError.

    24 bits are rounded to the nearest; 16 bits get dither of triangular density, two steps wide, that depends
    on nothing but a sample's place.
    """
    with path.open("wb+", buffering=0) as file:
        checked = _CheckedFile(file)
        try:
            with _encoder(checked, encoding, rate) as encoder:
                start = 0
                for frames in source.pieces(_PIECE):
                    encoder.write(_scaled(frames, gain, encoding.bits, start))
                    checked.check()
                    start += len(frames)
        except soundfile.SoundFileError as error:
            raise (checked.trouble or OSError(errno.EIO, f"the encoder fails: {error}")) from error
        checked.check()


def _encoder(file: "_CheckedFile", encoding: Encoding, rate: int) -> soundfile.SoundFile:
    if encoding.container != "MP3":
        return soundfile.SoundFile(
            file, "w", rate, _CHANNELS, subtype=encoding.subtype, format=encoding.container
        )
    return soundfile.SoundFile(
        file, "w", rate, _CHANNELS, format="MP3", bitrate_mode="VARIABLE", compression_level=0.0
    )


def _scaled(
    frames: _Samples, gain: float, bits: int, start: int
) -> npt.NDArray[np.float32] | npt.NDArray[np.int32]:
    """Frames [n, 2] from number `start` on, times `gain`; whole numbers fill the upper bits of 32."""
    scaled = frames.astype(np.float64) * gain
    if not bits:
        return np.clip(scaled, -1, 1).astype(np.float32)
    full = 1 << (bits - 1)
    steps = scaled * full
    if bits == _DITHERED_BITS:
        steps += _dither(start, len(frames))
    whole = np.clip(np.rint(steps), -full, full - 1).astype(np.int32)
    return whole << (32 - bits)


def _dither(start: int, count: int) -> npt.NDArray[np.float64]:
    """Triangular noise between -1 and 1 for the frames from number `start` on: [count, 2]."""
    draws_per_counter = 4
    counter, odd = divmod(start * _CHANNELS, draws_per_counter)
    assert odd == 0, "dither starts at an even frame"
    # Raw draws and not a Generator's, whose numbers another numpy may change.
    draws = np.random.Philox(key=_DITHER_KEY, counter=counter).random_raw(count * _CHANNELS)
    high, low = draws >> np.uint64(32), draws & np.uint64(0xFFFFFFFF)
    return ((high.astype(np.float64) - low) / (1 << 32)).reshape(count, _CHANNELS)


class _CheckedFile:
    """A file that libsndfile calls back: it keeps the first OSError, since one raised there would be lost."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.trouble: OSError | None = None

    def check(self) -> None:
        """Raise the first error that a callback met."""
        if self.trouble is not None:
            raise self.trouble

    def write(self, data: bytes) -> int:
        """Write all of it, or remember why not; the encoder hears of success, as it may abort otherwise."""
        try:
            write_all(self._file, data)
        except OSError as error:
            self.trouble = self.trouble or error
        return len(data)

    def read(self, count: int = -1) -> bytes:
        """Read back, as an encoder does that mends its header."""
        return self._file.read(count)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move, and return the new place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The present place."""
        return self._file.tell()
