"""Sound files: written block by block and whole or not at all, read with errors a person can mend."""

import contextlib
import errno
import struct
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt
import soundfile

from core.atomic import replacing, unwritable
from core.digest import sha256_of
from core.errors import SongdeskError

Format = Literal["wav", "flac", "mp3"]
FORMATS: tuple[Format, ...] = ("wav", "flac", "mp3")
SAMPLE_RATE = 48_000
"""Samples per second (Hz) of everything the studio makes."""

_CHANNELS = 2
_FRAME_BYTES = 4 * _CHANNELS
_WAV_LIMIT = (1 << 32) - 64
"""Bytes of samples that a RIFF header can count."""

_Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a sound file says of itself."""

    frames: int
    sample_rate: int
    """Hz."""
    channels: int
    format: str
    """The container in lower case, such as `flac`."""

    @property
    def seconds(self) -> float:
        """Length (s)."""
        return self.frames / self.sample_rate


class AudioWriter:
    """A stereo file that grows block by block in a `with` and appears under its name when that ends well.

    `wav` keeps float32 as it is, also beyond ±1; `flac` (24 bit) and `mp3` (variable rate, best quality)
    cut at ±1 and count what was cut. Equal samples give equal bytes. After the block `sha256` names the file.
    """

    def __init__(self, path: Path, *, format: Format, sample_rate: int = SAMPLE_RATE) -> None:  # noqa: A002
        if format not in FORMATS:
            raise SongdeskError(f"unknown sound format “{format}”", hint=f"use {', '.join(FORMATS)}")
        self.path = path
        self.frames = 0
        self.peak = 0.0
        """Largest magnitude that was handed in, before any cutting."""
        self.clipped = 0
        """Samples cut to ±1 because the format cannot hold more."""
        self.sha256 = ""
        self._format: Format = format
        self._rate = sample_rate
        self._stack = ExitStack()
        self._sink: _Sink | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            temporary = stack.enter_context(replacing(self.path))
            self._sink = stack.enter_context(_sink(temporary, self._format, self._rate))
            self._stack = stack.pop_all()
        return self

    def write(self, block: npt.ArrayLike) -> None:
        """Append samples [2, n], nominally within ±1; raises SongdeskError on a full disk or on NaN."""
        samples = np.asarray(block, dtype=np.float32)
        assert self._sink is not None, "write inside the with block"
        assert samples.ndim == 2, "samples are [2, n]"
        assert samples.shape[0] == _CHANNELS, "samples are [2, n]"
        if samples.shape[1] == 0:
            return
        peak = float(np.abs(samples).max())
        if not np.isfinite(peak):
            raise SongdeskError(
                "the model made samples that are not numbers",
                where=str(self.path),
                hint="check the model's files; a more exact number format may help",
            )
        if peak > 1 and self._format != "wav":
            self.clipped += int(np.count_nonzero(np.abs(samples) > 1))
            samples = np.clip(samples, -1, 1)
        try:
            self._sink.write(np.ascontiguousarray(samples.T))
        except OSError as error:
            raise unwritable(self.path, error) from error
        self.peak = max(self.peak, peak)
        self.frames += samples.shape[1]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sink = None
        self._stack.__exit__(kind, error, trace)
        if error is None:
            self.sha256 = sha256_of(self.path)


def info(path: Path) -> AudioInfo:
    """Read a sound file's header; raises SongdeskError when it is missing or no sound."""
    with _opened(path) as file:
        return AudioInfo(file.frames, file.samplerate, file.channels, file.format.lower())


def read(path: Path) -> tuple[npt.NDArray[np.float32], int]:
    """Read a whole file: samples float32 [channels, n] and the sample rate (Hz).

    Raises SongdeskError when it is missing, no sound or damaged; a wav that was cut short gives what it has.
    """
    with _opened(path) as file:
        samples: _Samples = file.read(dtype="float32", always_2d=True)
        rate: int = file.samplerate
    if not np.isfinite(samples).all():
        raise _damaged(path)
    return np.ascontiguousarray(samples.T), rate


def blocks(path: Path, frames: int, *, start: float = 0.0) -> Generator[_Samples]:
    """Read a file from `start` (s) on, piece by piece: float32 [n, channels], n = `frames` but for the last.

    The array is used again for the next piece. Raises SongdeskError when it cannot be read.
    """
    with _opened(path) as file:
        file.seek(min(file.frames, round(start * file.samplerate)))
        yield from file.blocks(frames, dtype="float32", always_2d=True)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[soundfile.SoundFile]:
    """Open a sound file for reading, with its library's errors made ours."""
    try:
        with path.open("rb"), soundfile.SoundFile(path) as file:
            yield file
    except FileNotFoundError as error:
        raise SongdeskError("no such sound file", where=str(path), hint="check the path") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SongdeskError(
            f"cannot read this: {reason}", where=str(path), hint="name a sound file"
        ) from error
    except soundfile.SoundFileError as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> SongdeskError:
    return SongdeskError(
        "this is no sound file that can be read, or it is damaged",
        where=str(path),
        hint="use an undamaged wav, flac, mp3 or ogg; ffmpeg converts other kinds",
    )


class _Sink(Protocol):
    """Takes interleaved float32 frames [n, 2]; raises OSError when they cannot be stored."""

    def write(self, frames: _Samples) -> None: ...


def _sink(path: Path, kind: Format, rate: int) -> contextlib.AbstractContextManager[_Sink]:
    return _wav(path, rate) if kind == "wav" else _encoded(path, kind, rate)


@contextlib.contextmanager
def _wav(path: Path, rate: int) -> Iterator[_Sink]:
    """A float32 RIFF file without the PEAK chunk of libsndfile, which holds the time of writing."""
    with path.open("wb") as file:
        file.write(_wav_header(rate, 0))
        sink = _WavSink(file)
        yield sink
        file.seek(0)
        file.write(_wav_header(rate, sink.frames))


class _WavSink:
    """Appends frames as they are."""

    def __init__(self, file: BinaryIO) -> None:
        self.frames = 0
        self._file = file

    def write(self, frames: _Samples) -> None:
        if (self.frames + len(frames)) * _FRAME_BYTES > _WAV_LIMIT:
            raise OSError(errno.EFBIG, "a wav file holds 4 GiB at most")
        self._file.write(frames.astype("<f4", copy=False).data)
        self.frames += len(frames)


def _wav_header(rate: int, frames: int) -> bytes:
    """The 58 bytes before the samples: RIFF, fmt (3 is IEEE float), fact, data."""
    layout = struct.pack("<HHIIHHH", 3, _CHANNELS, rate, rate * _FRAME_BYTES, _FRAME_BYTES, 32, 0)
    chunks = struct.pack("<4sI", b"fmt ", len(layout)) + layout + struct.pack("<4sII", b"fact", 4, frames)
    size = frames * _FRAME_BYTES
    riff = struct.pack("<4sI4s", b"RIFF", 4 + len(chunks) + 8 + size, b"WAVE")
    return riff + chunks + struct.pack("<4sI", b"data", size)


@contextlib.contextmanager
def _encoded(path: Path, kind: Format, rate: int) -> Iterator[_Sink]:
    """A flac or mp3 file by libsndfile, whose own writes may fail in silence."""
    with path.open("wb+", buffering=0) as file:
        checked = _CheckedFile(file)
        try:
            with _encoder(checked, kind, rate) as encoder:
                yield _EncodedSink(encoder, checked)
        except soundfile.SoundFileError as error:
            raise (checked.trouble or OSError(errno.EIO, f"the encoder fails: {error}")) from error
        checked.check()


def _encoder(file: "_CheckedFile", kind: Format, rate: int) -> soundfile.SoundFile:
    if kind == "flac":
        return soundfile.SoundFile(file, "w", rate, _CHANNELS, subtype="PCM_24", format="FLAC")
    return soundfile.SoundFile(
        file, "w", rate, _CHANNELS, format="MP3", bitrate_mode="VARIABLE", compression_level=0.0
    )


class _EncodedSink:
    """Hands frames to an encoder and asks after each block whether its bytes reached the disk."""

    def __init__(self, encoder: soundfile.SoundFile, file: "_CheckedFile") -> None:
        self._encoder = encoder
        self._file = file

    def write(self, frames: _Samples) -> None:
        self._encoder.write(frames)
        self._file.check()


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
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
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
