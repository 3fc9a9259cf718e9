"""The records of a zip file as torch lays it out, without taking its word for anything; no torch.

One reading only: nothing before the first record nor behind the end, no two records in one place, all as they
are without compression. What could be read in two ways, so that another program saw another file, is refused.
Records are never unpacked, and no name in the archive is ever a path.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from core.errors import SongdeskError
from core.headers import is_plain

AGAIN = "fetch it again, and compare its size with the one its source states"
WHOLE = "fetch the file itself again; a published checkpoint is wanted"
_MOST = 50_000
"""Records; the largest published file has some 2,600."""
_LONGEST = 16 << 20
"""Bytes of the list of all records."""
_END = struct.Struct("<4sHHHHIIH")
_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_ENTRY = struct.Struct("<4s4H4x3I5H2I")
_LOCAL = struct.Struct("<4s2H2H2x3I2H")
_FULL, _FULL_COUNT = 0xFFFFFFFF, 0xFFFF
"""Where a number of 64 bits stands elsewhere."""
_ENCRYPTED = 1


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the byte it begins at, and how many it has."""

    start: int
    size: int


def records_of(path: Path) -> Mapping[str, Record]:
    """Every record by its name below the archive's one folder.

    SongdeskError where it is damaged, no archive of torch's, or not what it seems.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            found = list(_entries(file, size, path))
            return _placed(file, found, path)
    except (OSError, struct.error) as error:
        raise damaged(path) from error


def damaged(path: Path) -> SongdeskError:
    """What to say of a file that ends early or is not as it was made."""
    return SongdeskError("cut short or damaged", where=str(path), hint=AGAIN)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the list at the end of an archive says of a record."""

    name: str
    size: int
    header: int
    end: int
    """The byte that it ends before: where the next one begins, or the list."""


def _entries(file: BinaryIO, size: int, path: Path) -> Iterator[_Entry]:
    count, first, end = _listed(file, size, path)
    if count > _MOST or end - first > _LONGEST:
        raise _strange(path, "it lists more records than any checkpoint has")
    data = _at(file, first, end - first)
    found: list[tuple[str, int, int]] = []
    place = 0
    for _ in range(count):
        name, length, header, place = _entry(data, place, path)
        found.append((name, length, header))
    if place != len(data) or len({name for name, _, _ in found}) != count:
        raise _strange(path, "its list of records has one twice, or more than it says")
    found.sort(key=lambda entry: entry[2])
    nexts = [header for _, _, header in found[1:]] + [first]
    for (name, length, header), end in zip(found, nexts, strict=True):
        yield _Entry(name, length, header, end)


def _listed(file: BinaryIO, size: int, path: Path) -> tuple[int, int, int]:
    """How many records there are, and the bytes that the list of them begins at and ends before."""
    mark, *disks, here, count, length, first, comment = _END.unpack(_at(file, size - _END.size, _END.size))
    end = size - _END.size
    if mark != b"PK\x05\x06" or any(disks) or here != count or comment:
        raise damaged(path)
    wide = _wide(file, end)
    if wide is not None:
        for said, meant, full in (
            (count, wide[0], _FULL_COUNT),
            (length, wide[1], _FULL),
            (first, wide[2], _FULL),
        ):
            if said not in (meant, full):
                raise _strange(path, "it ends in two ways that do not agree")
        count, length, first = wide
        end -= _LOCATOR.size + _END64.size
    if first + length != end or _at(file, 0, 4) != b"PK\x03\x04":
        raise damaged(path)
    return count, first, end


def _wide(file: BinaryIO, end: int) -> tuple[int, int, int] | None:
    """The same of an archive whose end is written in 64 bits too: count, length and first byte."""
    if end < _LOCATOR.size + _END64.size:
        return None
    mark, disk, place, disks = _LOCATOR.unpack(_at(file, end - _LOCATOR.size, _LOCATOR.size))
    if mark != b"PK\x06\x07":
        return None
    if place != end - _LOCATOR.size - _END64.size or disk or disks > 1:
        raise struct.error("no such end")
    mark, rest, *_, disk, other, here, count, length, first = _END64.unpack(_at(file, place, _END64.size))
    if mark != b"PK\x06\x06" or rest != _END64.size - 12 or disk or other or here != count:
        raise struct.error("no such end")
    return count, length, first


def _entry(data: bytes, place: int, path: Path) -> tuple[str, int, int, int]:
    """Name, size and place of one record of the list, and where the next entry begins."""
    mark, _, _, flags, method, _, packed, size, *lengths, _, _, _, header = _ENTRY.unpack_from(data, place)
    name_length, extra_length, comment = lengths[:3]
    at = place + _ENTRY.size
    name, extra = data[at : at + name_length], data[at + name_length : at + name_length + extra_length]
    if mark != b"PK\x01\x02" or at + name_length + extra_length + comment > len(data):
        raise damaged(path)
    if method or flags & _ENCRYPTED:
        raise SongdeskError("a zip file, but not as torch writes one", where=str(path), hint=WHOLE)
    wide = _widened(extra)
    size, packed, header = (next(wide) if said == _FULL else said for said in (size, packed, header))
    if size != packed:
        raise _strange(path, "a record of it has two sizes")
    return _named(name, path), size, header, at + name_length + extra_length + comment


def _widened(extra: bytes) -> Iterator[int]:
    """The numbers of 64 bits that stand for those an entry has no room for; struct.error where one lacks."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            for place in range(at + 4, min(at + 4 + length, len(extra)) - 7, 8):
                yield struct.unpack_from("<Q", extra, place)[0]
            break
        at += 4 + length
    raise struct.error("a number is not there")


def _named(raw: bytes, path: Path) -> str:
    """A record's name; SongdeskError for one that another program would write outside of a folder."""
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise damaged(path) from None
    parts = PurePosixPath(name).parts
    if not is_plain(name) or "\\" in name or ".." in parts or name.startswith("/"):
        raise _strange(path, "a record of it has a name that leads elsewhere")
    return name


def _placed(file: BinaryIO, entries: list[_Entry], path: Path) -> Mapping[str, Record]:
    roots = {entry.name.partition("/")[0] for entry in entries}
    names = {entry.name.partition("/")[2] for entry in entries}
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        raise SongdeskError(
            "it holds code (a TorchScript program), not tensors alone; nothing of it was run",
            where=str(path),
            hint="do not load it anywhere; fetch the checkpoint from its publisher",
        )
    if "data.pkl" not in names or len(roots) != 1 or len(names) != len(entries):
        raise SongdeskError("an archive, but none that torch wrote", where=str(path), hint=WHOLE)
    return {entry.name.partition("/")[2]: _record(file, entry, path) for entry in entries}


def _record(file: BinaryIO, entry: _Entry, path: Path) -> Record:
    mark, _, flags, method, _, _, _, _, name_length, extra = _LOCAL.unpack(
        _at(file, entry.header, _LOCAL.size)
    )
    start = entry.header + _LOCAL.size + name_length + extra
    if mark != b"PK\x03\x04" or method or flags & _ENCRYPTED or start + entry.size > entry.end:
        raise damaged(path)
    if file.read(name_length) != entry.name.encode():
        raise _strange(path, "a record of it has two names")
    return Record(start, entry.size)


def _at(file: BinaryIO, place: int, length: int) -> bytes:
    """So many bytes from a place on; struct.error where the file does not have them."""
    if place < 0:
        raise struct.error("before the file")
    file.seek(place)
    data = file.read(length)
    if len(data) != length:
        raise struct.error("behind the file")
    return data


def _strange(path: Path, what: str) -> SongdeskError:
    return SongdeskError(f"no archive of torch's: {what}", where=str(path), hint=WHOLE)
