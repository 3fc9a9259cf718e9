"""Sound written block by block: heard while it grows, never cut at full scale, whole or not at all."""

import errno
import hashlib
import math
import secrets
import shutil
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from core.atomic import replacing, unwritable
from core.audio.encode import Encoding, encode
from core.audio.files import SAMPLE_RATE
from core.audio.spool import Spool, growing
from core.audio.tags import Tags, write_tags
from core.audio.truepeak import TruePeak
from core.digest import sha256_of
from core.errors import SongdeskError

Format = Literal["wav", "flac", "mp3"]
FORMATS: tuple[Format, ...] = ("wav", "flac", "mp3")
Depth = Literal["float", "24", "16"]
"""How a wav holds a sample: 32 bits of floating point, or whole numbers of 24 or 16 bits."""
DEPTHS: tuple[Depth, ...] = ("float", "24", "16")
CEILING = 10 ** (-1 / 20)
"""-1 dBFS, linear: the true peak that a file which cannot hold more than ±1 may reach."""

_CHANNELS = 2


def guard_gain(true_peak: float) -> float:
    """The gain, 1 at most, that brings a linear `true_peak` down to `CEILING`."""
    return min(1.0, CEILING / true_peak) if true_peak > 0 else 1.0


class AudioWriter:
    """A stereo file that is written in a `with` block and appears under its name when that ends well.

    Until then everything lies in `spool`, a float32 wav that can be played after each `write`; by default it
    is hidden beside `path`. A float wav keeps every sample as it is, also beyond ±1. All other kinds are made
    of the spool in the end, turned down by `gain`; a wav of 16 bits gets triangular dither that depends on
    nothing but a sample's place. `depth` is for wav alone: flac has 24 bits, mp3 the best variable rate.
    Equal samples give equal bytes, in whatever blocks they came.
    """

    def __init__(
        self,
        path: Path,
        *,
        format: Format,  # noqa: A002
        depth: Depth = "float",
        spool: Path | None = None,
        tags: Tags | None = None,
        sample_rate: int = SAMPLE_RATE,
    ) -> None:
        self._encoding = _encoding(format, depth)
        self._format = format
        assert spool != path, "the preview is a file of its own"
        self.path = path
        self.spool = spool or _hidden_beside(path)
        """The growing wav, there while the block lasts."""
        self.gain: float | None = None
        """Set it inside the block to share one gain between files; None is the file's own guard gain.

        Afterwards it is the gain that was used: 1 for a float wav, always.
        """
        self.tags = tags
        """What the file tells beside its sound; it may be set inside the block."""
        self.frames = 0
        self.peak = 0.0
        """Largest magnitude of a sample that was handed in."""
        self.sha256 = ""
        """Of the finished file."""
        self._blamed = spool or path
        self._rate = sample_rate
        self._true_peak = TruePeak()
        self._samples = hashlib.sha256()
        self._stack = ExitStack()
        self._temporary = path
        self._sink: Spool | None = None

    @property
    def true_peak(self) -> float:
        """The largest magnitude, linear, of what was handed in and of the sound between those samples."""
        return self._true_peak.value

    @property
    def keeps_peaks(self) -> bool:
        """Whether the file holds samples beyond ±1 as they are."""
        return self._encoding is None

    @property
    def samples_sha256(self) -> str:
        """SHA-256 of all samples as they were handed in: float32, little-endian, left and right in turn."""
        return self._samples.hexdigest()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._temporary = stack.enter_context(replacing(self.path))
            try:
                self._sink = stack.enter_context(growing(self.spool, self._rate))
            except OSError as error:
                raise unwritable(self._blamed, error) from error
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
        try:
            frames = np.ascontiguousarray(samples.T, "<f4")
            self._sink.append(frames)
        except OSError as error:
            raise unwritable(self._blamed, error) from error
        self._samples.update(frames.data.cast("B"))
        self._true_peak.push(samples)
        self.peak = max(self.peak, peak)
        self.frames += samples.shape[1]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sink, self._sink = self._sink, None
        if error is not None or sink is None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            try:
                self._finish(sink)
            except OSError as trouble:
                raise unwritable(self.path, trouble) from trouble
        self.sha256 = sha256_of(self.path)

    def _finish(self, sink: Spool) -> None:
        """Fill the temporary that becomes `path`."""
        if self._encoding is None:
            self.gain = 1.0
            _move(self.spool, self._temporary)
        else:
            if self.gain is None:
                self.gain = guard_gain(self.true_peak)
            assert math.isfinite(self.gain), "a gain is a number"
            assert self.gain >= 0, "a gain turns no sound around"
            encode(self._temporary, sink, self._encoding, rate=self._rate, gain=self.gain)
        if self.tags is not None:
            write_tags(self._temporary, self._format, self.tags)


def _encoding(kind: Format, depth: Depth) -> Encoding | None:
    """How the file holds its samples; None is the very form of the spool."""
    if kind not in FORMATS:
        raise SongdeskError(f"unknown sound format “{kind}”", hint=f"use {', '.join(FORMATS)}")
    if depth not in DEPTHS:
        raise SongdeskError(f"unknown sample depth “{depth}”", hint=f"use {', '.join(DEPTHS)}")
    if kind == "flac":
        return Encoding("FLAC", "PCM_24", 24)
    if kind == "mp3":
        return Encoding("MP3", "MPEG_LAYER_III")
    return None if depth == "float" else Encoding("WAV", f"PCM_{depth}", int(depth))


def _hidden_beside(path: Path) -> Path:
    """A name of the kind that `core.atomic.sweep` removes after a process was killed."""
    return path.with_name(f".{path.stem[:40]}.{secrets.token_hex(6)}{path.suffix[:10]}")


def _move(spool: Path, target: Path) -> None:
    """Rename, or copy where the two lie on different disks."""
    try:
        spool.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copyfile(spool, target)
