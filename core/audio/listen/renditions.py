"""Small renditions of sounds for slow lines: Opus, or MP3, made once and kept in the user's cache."""

import contextlib
import hashlib
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import soundfile

from core.atomic import replacing
from core.audio import kept
from core.audio.files import blocks, info
from core.errors import SongdeskError

Kind = Literal["opus", "mp3"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
"""Hz."""
_BLOCK = 1 << 14
"""Frames that are encoded at once; larger ones have overrun the stack of some versions of libsndfile."""
_NICE = 5
_ROOM = 512 << 20
"""Bytes that the cache may take; what was heard longest ago goes first."""


@dataclass(frozen=True, slots=True)
class Being:
    """A rendition that is being made."""

    made: float
    """Share of it, 0 to 1."""


class Renditions:
    """Makes them one at a time, with little claim on the processor; any thread may ask."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="rendition")
        self._being: dict[Path, float] = {}
        self._failed: dict[Path, SongdeskError] = {}
        self._is_over = False

    def of(self, sound: Path, kind: Kind | None = None) -> Path | Being:
        """The rendition of a sound, or how far it has come: the first to ask has it begun.

        Where no kind is named it is Opus, or MP3 for a sample rate that Opus has not.

        Raises SongdeskError when it cannot be made; asked again it is tried again.
        """
        kind = kind or ("opus" if info(sound).sample_rate in _OPUS_RATES else "mp3")
        file = self._cache / f"{_name(sound)}.{kind}"
        with self._lock:
            if error := self._failed.pop(file, None):
                raise error
            if file not in self._being:
                if file.is_file():
                    _note_use(file)
                    return file
                self._being[file] = 0.0
                self._pool.submit(self._make, sound, file, kind)
            return Being(self._being[file])

    def close(self) -> None:
        """Give up what is being made."""
        self._is_over = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _make(self, sound: Path, file: Path, kind: Kind) -> None:
        _yield_to_others()
        try:
            self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            with replacing(file) as temporary:
                self._encode(sound, temporary, file, kind)
            _make_room(self._cache, spare=file)
        except _Over:
            pass
        except (SongdeskError, OSError, soundfile.SoundFileError) as error:
            told = error if isinstance(error, SongdeskError) else SongdeskError(f"no rendition: {error}")
            with self._lock:
                self._failed[file] = told
        finally:
            with self._lock:
                del self._being[file]

    def _encode(self, sound: Path, temporary: Path, file: Path, kind: Kind) -> None:
        facts = info(sound)
        if kind == "opus" and facts.sample_rate not in _OPUS_RATES:
            raise SongdeskError(f"Opus knows no {facts.sample_rate} Hz", hint="take the MP3 rendition")
        done = 0
        with _encoder(temporary, kind, facts.sample_rate, facts.channels) as encoder:
            for block in blocks(sound, _BLOCK):
                if self._is_over:
                    raise _Over
                encoder.write(block)
                done += len(block)
                with self._lock:
                    self._being[file] = min(0.99, done / max(1, facts.frames))


class _Over(Exception):
    """The server ends."""


def _encoder(path: Path, kind: Kind, rate: int, channels: int) -> soundfile.SoundFile:
    if kind == "opus":
        return soundfile.SoundFile(
            path, "w", rate, channels, format="OGG", subtype="OPUS", compression_level=0.8
        )
    return soundfile.SoundFile(
        path, "w", rate, channels, format="MP3", bitrate_mode="VARIABLE", compression_level=0.5
    )


def _name(sound: Path) -> str:
    """A name of this very file: another one, or another content, has another."""
    known = f"{os.path.realpath(sound)} {kept.stamp(sound)}"
    return hashlib.sha256(os.fsencode(known)).hexdigest()[:32]


def _note_use(file: Path) -> None:
    """Have a file known as used now; its time of writing stays, which browsers know it by."""
    with contextlib.suppress(OSError):
        os.utime(file, ns=(time.time_ns(), file.stat().st_mtime_ns))


def _make_room(cache: Path, *, spare: Path) -> None:
    """Remove what was heard longest ago while the cache is too large."""
    with contextlib.suppress(OSError):
        files = sorted((f.stat().st_atime, f.stat().st_size, f) for f in cache.iterdir() if f.is_file())
        over = sum(size for _, size, _ in files) - _ROOM
        for _, size, file in files:
            if over > 0 and file != spare:
                file.unlink(missing_ok=True)
                over -= size


def _yield_to_others() -> None:
    """Let this thread wait for whatever else the machine does, composing above all; Linux alone can."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
