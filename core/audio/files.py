"""Sound files read whole, in blocks or in part, with errors a person can mend."""

import contextlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from core.errors import SongdeskError

SAMPLE_RATE = 48_000
"""Samples per second (Hz) of everything the studio makes."""

_LEAD = 1.0
"""Seconds of an mp3 before a stretch that are decoded too: its frames lean on earlier ones."""
_SHORTAGE = 0.1
"""Seconds that a file may lack at its end and not be damaged: an mp3 may miscount its last frames."""

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


def read_window(path: Path, *, start: float, seconds: float) -> tuple[_Samples, int]:
    """Read one stretch alone: samples float32 [channels, n] from `start` (s) on and the sample rate (Hz).

    It is `seconds` long, or ends with the file. Raises SongdeskError when the file is missing, damaged or
    empty, when it ends before `start`, and when the stretch holds samples that are not numbers.
    """
    assert start >= 0, "a stretch starts in the file"
    assert seconds > 0, "a stretch has a length"
    with _opened(path) as file:
        rate: int = file.samplerate
        first = round(start * rate)
        if first >= file.frames:
            raise _too_short(path, start, file.frames / rate)
        wanted = min(max(1, round(seconds * rate)), file.frames - first)
        lead = min(first, round(_LEAD * rate)) if file.format == "MP3" else 0
        file.seek(first - lead)
        # In one piece, as soundfile seeks after each.
        samples: _Samples = file.read(lead + wanted, dtype="float32", always_2d=True)[lead:]
    if not len(samples) or len(samples) < wanted - _SHORTAGE * rate:
        raise _broken(path, "the sound breaks off", (first + len(samples)) / rate)
    numbers = np.isfinite(samples).all(axis=1)
    if not numbers.all():
        raise _broken(path, "the sound has samples that are not numbers", (first + numbers.argmin()) / rate)
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


def _broken(path: Path, what: str, second: float) -> SongdeskError:
    """Only a part of the file can be used."""
    return SongdeskError(
        f"{what} at {second:.1f} s", where=str(path), hint="use an undamaged copy or another stretch"
    )


def _too_short(path: Path, start: float, seconds: float) -> SongdeskError:
    """Nothing lies at `start` (s) of a file that is `seconds` long."""
    if not seconds:
        return SongdeskError("there is no sound in this file", where=str(path), hint="name another file")
    return SongdeskError(
        f"the sound is {seconds:.1f} s long, so there is nothing at {start:.1f} s",
        where=str(path),
        hint=f"start before {seconds:.1f} s",
    )
