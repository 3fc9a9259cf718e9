"""The journal of a take: what is composed goes to disk as it comes, and what breaks off leaves a sound part.

The file is a line that a person can read, then records: a letter for the kind, the length of the content
(uint32), the content, and a CRC-32 of all that. Each CRC goes on from the one before it, so a record is sound
only behind the very records it was written behind: a torn, doubled or foreign tail is never taken in.
Numbers are little-endian.
"""

import contextlib
import json
import os
import re
import struct
import sys
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from core.atomic import replacing, sweep, unwritable
from core.errors import SongdeskError
from core.takes.job import STOP, KnobChange
from core.takes.recipe import Seam

FILE = "tokens.journal"
_VERSION = 1
_MAGIC = b"songdesk journal %d\n" % _VERSION
_ANY_VERSION = re.compile(rb"songdesk journal (\d{1,9})\n")
_FRAME = struct.Struct("<cI")
_CRC = struct.Struct("<I")
_BOOK = struct.Struct("<II")
"""Of one codebook in a record: index of the first code, and how many."""
_LARGEST = 1 << 26
"""Bytes that are read at most; an hour of song takes about one million."""

_HEAD, _CODES, _END, _KNOB, _SEAM, _SCHEDULE, _RESUME = b"H", b"C", b"E", b"K", b"S", b"W", b"R"


@dataclass(frozen=True, slots=True)
class Written:
    """What is sound in a journal."""

    made_from: str
    """The hash of all that its tokens are made from, as it was given when the journal was begun."""
    books: tuple[tuple[int, ...], ...] = ()
    """The first codes of each codebook, which need not be equally many; () before there are any."""
    knobs: tuple[KnobChange, ...] = ()
    """What was turned before codes that are kept."""
    tail: tuple[KnobChange, ...] = ()
    """What was turned behind them: nothing that is kept has heard of it."""
    frames: int | None = None
    """Where the song ends; None while that is not known."""
    seams: tuple[Seam, ...] = ()
    schedule: str = ""
    size: int = 0
    """Bytes of the file that are sound."""


def read_journal(path: Path) -> Written | None:
    """The sound part of a journal; None where there is none, not even a sound head, or a later version's."""
    try:
        found = _sound(_bytes(path))
    except OSError:
        return None
    return found.written if found else None


class Journal:
    """A journal open for writing, by whoever holds the take's folder.

    What an earlier run left is kept where it was made from the same, without a damaged tail; otherwise the
    journal begins anew. SongdeskError where the file cannot be read or written, or is a later version's.
    """

    written: Written
    """What was there when it was opened."""

    def __init__(self, path: Path, made_from: str) -> None:
        self._path = path
        self._pending = bytearray()
        self._is_torn = False
        found = _existing(path)
        if found is None or found.made_from != made_from:
            found = _begin(path, made_from)
        self.written = found.written
        self._size, self._crc = found.size, found.crc
        self._books: list[list[int]] = [[] for _ in found.books]
        self._lengths = [len(book) for book in found.books]
        try:
            sweep(path)
            self._handle: int | None = _open_cut(path, found.size)
        except OSError as error:
            raise unwritable(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # What went wrong first is told, not what went wrong with the disk because of it.
        with contextlib.suppress(SongdeskError) if kind else contextlib.nullcontext():
            self.close()

    def add(self, books: Sequence[Sequence[int]], *, frames: int | None = None) -> None:
        """Collect the codes that follow in each codebook, and where the song ends once that is known."""
        if books:
            gathered = self._books or [[] for _ in books]
            self._books = [kept + list(codes) for kept, codes in zip(gathered, books, strict=True)]
            self._lengths = self._lengths or [0] * len(books)
        if frames is not None:
            self._append(_END, _json(frames))

    def knob(self, change: KnobChange) -> None:
        """Collect a knob that was turned."""
        self._append(_KNOB, _json(asdict(change)))

    def seam(self, seam: Seam) -> None:
        """Collect where composing was gone on with."""
        self._append(_SEAM, _json(asdict(seam)))

    def resume(self, stage: str) -> None:
        """Collect that a stage is gone on with: of its knobs, what nothing kept has heard is told anew."""
        self._append(_RESUME, _json(stage))

    def schedule(self, name: str) -> None:
        """Collect the schedule that the tokens are made by."""
        self._append(_SCHEDULE, _json(name))

    def flush(self) -> None:
        """Bring all that was collected to disk, past the caches of the system.

        SongdeskError where the disk refuses: the file then is as it was, and a later flush tries again.
        """
        self._gather()
        if not self._pending or self._handle is None:
            return
        try:
            self._cut()
            self._is_torn = True  # until all is there, whatever comes between
            _write(self._handle, bytes(self._pending))
            _sync(self._handle)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._cut()
            raise unwritable(self._path, error) from error
        size = self._size + len(self._pending)
        self._size, self._is_torn, self._pending = size, False, bytearray()

    def close(self) -> None:
        """Flush and let go of the file, which is closed also where flushing fails."""
        if self._handle is None:
            return
        try:
            self.flush()
        finally:
            os.close(self._handle)
            self._handle = None

    def _gather(self) -> None:
        """Make one record of the codes collected so far, so that records keep their order."""
        if any(self._books):
            self._record(_CODES, _pack(self._lengths, self._books))
            self._lengths = [n + len(codes) for n, codes in zip(self._lengths, self._books, strict=True)]
            self._books = [[] for _ in self._books]

    def _append(self, kind: bytes, content: bytes) -> None:
        self._gather()
        self._record(kind, content)

    def _record(self, kind: bytes, content: bytes) -> None:
        record, self._crc = _sealed(kind, content, self._crc)
        self._pending += record

    def _cut(self) -> None:
        """Take back what a refused write left half done."""
        if self._is_torn and self._handle is not None:
            os.ftruncate(self._handle, self._size)
            self._is_torn = False


@dataclass(slots=True)
class _Found:
    """What reading has taken in so far."""

    made_from: str = ""
    books: list[list[int]] = field(default_factory=list)
    knobs: list[KnobChange] = field(default_factory=list)
    tail: list[KnobChange] = field(default_factory=list)
    frames: int | None = None
    seams: list[Seam] = field(default_factory=list)
    schedule: str = ""
    size: int = len(_MAGIC)
    crc: int = 0

    @property
    def written(self) -> Written:
        books = tuple(tuple(book) for book in self.books)
        return Written(
            self.made_from,
            books,
            knobs=tuple(self.knobs),
            tail=tuple(self.tail),
            frames=self.frames,
            seams=tuple(self.seams),
            schedule=self.schedule,
            size=self.size,
        )

    def take(self, kind: bytes, content: bytes) -> None:
        """Take one record in whole, or not at all; ValueError where it does not fit."""
        if kind == _CODES:
            self._follow(_unpack(content))
            self._hear()
            return
        said = json.loads(content)
        match kind:
            case b"E" if _is_count(said):
                self.frames = said
                self._hear()
            case b"K" if isinstance(said, dict):
                self.tail.append(_knob(said))
            case b"R" if isinstance(said, str):
                self.tail = [knob for knob in self.tail if knob.stage != said]
                if self.frames is None:  # the wish to stop was lost with the codes that went up to there
                    self.knobs = [knob for knob in self.knobs if knob.key != STOP]
            case b"S" if isinstance(said, dict):
                self.seams.append(_seam(said))
            case b"W" if isinstance(said, str):
                self.schedule = said
            case _:
                raise ValueError("not a record")

    def _hear(self) -> None:
        """What was turned so far is heard in what is kept."""
        self.knobs, self.tail = self.knobs + self.tail, []

    def _follow(self, parts: list[tuple[int, tuple[int, ...]]]) -> None:
        """Append codes that go on exactly where those before them end."""
        books = self.books or [[] for _ in parts]
        if [first for first, _ in parts] != [len(book) for book in books]:
            raise ValueError("codes that do not follow")
        for book, (_, codes) in zip(books, parts, strict=True):
            book += codes
        self.books = books


def _existing(path: Path) -> _Found | None:
    """The sound part of what is there; SongdeskError where it cannot be told, so that it is left alone."""
    try:
        data = _bytes(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SongdeskError(f"cannot read the journal: {reason}", where=str(path)) from error
    of = _ANY_VERSION.match(data)
    if of and int(of[1]) > _VERSION:
        raise SongdeskError(
            f"a journal of version {int(of[1])}, and this songdesk reads version {_VERSION}",
            where=str(path),
            hint="go on with the songdesk that began this take, or remove the file to compose anew",
        )
    return _sound(data)


def _begin(path: Path, made_from: str) -> _Found:
    """Put a journal with nothing but its head in place."""
    head, crc = _sealed(_HEAD, _json({"made_from": made_from, "songdesk": version("songdesk")}), 0)
    with replacing(path) as temporary:
        temporary.write_bytes(_MAGIC + head)
    return _Found(made_from, size=len(_MAGIC) + len(head), crc=crc)


def _open_cut(path: Path, size: int) -> int:
    """A handle to append with, of a file that ends with its sound part."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        if os.fstat(handle).st_size != size:
            os.ftruncate(handle, size)
            os.fsync(handle)
    except OSError:
        os.close(handle)
        raise
    return handle


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LARGEST)


def _sound(data: bytes) -> _Found | None:
    """The longest sound part of a journal's bytes; None where not even its head is sound."""
    found = _Found()
    if not data.startswith(_MAGIC):
        return None
    while (record := _next(data, found.size, found.crc)) is not None:
        kind, content, crc = record
        try:
            if found.size == len(_MAGIC):
                found.made_from = _head(kind, content)
            else:
                found.take(kind, content)
        except (ValueError, TypeError, RecursionError, struct.error):
            break
        found.size += _FRAME.size + len(content) + _CRC.size
        found.crc = crc
    return found if found.size > len(_MAGIC) else None


def _next(data: bytes, at: int, crc: int) -> tuple[bytes, bytes, int] | None:
    """Kind, content and CRC of the record at a place in the file; None where none is whole there."""
    if at + _FRAME.size > len(data):
        return None
    kind, length = _FRAME.unpack_from(data, at)
    end = at + _FRAME.size + length
    if end + _CRC.size > len(data):
        return None
    crc = zlib.crc32(data[at:end], crc)
    return (kind, data[at + _FRAME.size : end], crc) if _CRC.unpack_from(data, end)[0] == crc else None


def _sealed(kind: bytes, content: bytes, crc: int) -> tuple[bytes, int]:
    """A record that follows one with `crc`, and its own CRC."""
    body = _FRAME.pack(kind, len(content)) + content
    crc = zlib.crc32(body, crc)
    return body + _CRC.pack(crc), crc


def _head(kind: bytes, content: bytes) -> str:
    said = json.loads(content)
    if kind != _HEAD or not isinstance(said, dict) or not isinstance(said.get("made_from"), str):
        raise ValueError("not a head")
    return str(said["made_from"])


def _pack(firsts: Sequence[int], books: Sequence[Sequence[int]]) -> bytes:
    parts = (
        _BOOK.pack(first, len(codes)) + struct.pack(f"<{len(codes)}i", *codes)
        for first, codes in zip(firsts, books, strict=True)
    )
    return b"".join(parts)


def _unpack(content: bytes) -> list[tuple[int, tuple[int, ...]]]:
    """First index and codes of each codebook of a record."""
    parts, at = [], 0
    while at < len(content):
        first, count = _BOOK.unpack_from(content, at)
        at += _BOOK.size
        parts.append((first, struct.unpack_from(f"<{count}i", content, at)))
        at += 4 * count
    return parts


def _knob(said: dict[str, Any]) -> KnobChange:
    change = KnobChange(**said)
    if not (isinstance(change.stage, str) and isinstance(change.key, str) and _is_count(change.at)):
        raise ValueError("not a knob")
    return change


def _seam(said: dict[str, Any]) -> Seam:
    seam = Seam(**said)
    if not (_is_count(seam.frame) and isinstance(seam.is_exact, bool)):
        raise ValueError("not a seam")
    return seam


def _is_count(said: object) -> bool:
    return isinstance(said, int) and not isinstance(said, bool) and said >= 0


def _json(said: object) -> bytes:
    return json.dumps(said).encode()


def _write(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _sync(handle: int) -> None:
    if sys.platform == "darwin":  # which has no fdatasync
        os.fsync(handle)
    else:
        os.fdatasync(handle)
