"""The sound files behind a song's reference: its stems beside it, and what they hold; no torch."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from core.digest import sha256_of
from core.errors import SongdeskError
from core.song import Reference
from core.takes.job import STEM_SUFFIXES

LONGEST = 10.0
"""Seconds of a reference that a model hears."""
VOCAL, BACKING = STEM_SUFFIXES["vocal"], STEM_SUFFIXES["backing"]
"""What follows a recording's name in those of its stems, as the published programs write them."""
_KINDS = (".wav", ".flac", ".mp3", ".ogg")


@dataclass(frozen=True, slots=True)
class Stems:
    """Vocal and backing of a recording, each in a file of its own."""

    vocal: Path
    backing: Path


def stems_of(recording: Path) -> Stems | None:
    """The stems that lie beside a recording `x.wav` as `x_vocal.wav` and `x_bgm.wav`, in any format.

    Raises SongdeskError when one of the two is missing.
    """
    vocal, backing = _beside(recording, VOCAL), _beside(recording, BACKING)
    if vocal is None or backing is None:
        there = vocal or backing
        if there is None:
            return None
        missing = f"{recording.stem}{BACKING if vocal else VOCAL}{there.suffix}"
        raise SongdeskError(
            f"this stem is here without {missing}",
            where=str(there),
            hint="put both beside the recording, or neither to have them separated",
        )
    return Stems(vocal, backing)


def kind_of(reference: Reference) -> Literal["style", "stems", "recording"]:
    """Whether a built-in style leads, a recording with its stems beside it, or a recording alone."""
    if reference.style:
        return "style"
    path = Path(reference.path)
    return "stems" if _beside(path, VOCAL) and _beside(path, BACKING) else "recording"


def look_at(reference: Reference) -> None:
    """Read the headers of a recording and its stems; SongdeskError for what could not be heard."""
    from core.audio.files import info

    path = Path(reference.path)
    seconds = info(path).seconds
    if reference.start >= seconds:
        raise SongdeskError(
            f"it is {seconds:.1f} s long, so nothing is heard from {reference.start:g} s on",
            where=str(path),
            hint="choose an earlier prompt_start",
        )
    stems = stems_of(path)
    if stems is not None:
        info(stems.vocal)
        info(stems.backing)


def digest_of(reference: Reference) -> str:
    """A hash of all that is heard of a reference: where its files lie and what they are called is no part."""
    digest = hashlib.sha256(f"{reference.style} {reference.start}".encode())
    if reference.path:
        path = Path(reference.path)
        files = [path, *(beside for name in (VOCAL, BACKING) if (beside := _beside(path, name)))]
        digest.update(" ".join(_content(file) for file in files).encode())
    return digest.hexdigest()


def _beside(recording: Path, name: str) -> Path | None:
    kinds = dict.fromkeys((recording.suffix, *_KINDS))
    found = (recording.with_name(f"{recording.stem}{name}{kind}") for kind in kinds)
    return next((path for path in found if path.is_file()), None)


def _content(path: Path) -> str:
    try:
        status = path.stat()
        return _hash(path, status.st_size, status.st_mtime_ns)
    except OSError:  # whoever reads it says what is wrong
        return "unreadable"


@lru_cache(maxsize=64)
def _hash(path: Path, size: int, changed: int) -> str:  # noqa: ARG001 - the file's state is part of the key
    return sha256_of(path)
