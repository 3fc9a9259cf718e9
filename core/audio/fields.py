"""The text fields of a sound file by their names, read with bounds: files come from anywhere.

Mutagen, which writes them, reads more than is wanted here, unpacks without a bound and copies what is left of
a tag for each of its frames, so that a crafted file could hold up or fill a machine.
"""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from core.audio import riff

_MOST = 32 << 20
"""Bytes of a tag that are looked at: enough for any words, and for a picture or two beside them."""
_LAST_BLOCK = 0x80
_COMMENTS = 4
"""The kind of FLAC's block of Vorbis comments."""
_V3, _V4 = 3, 4
_PACKED = {_V3: 0x00C0, _V4: 0x000C}
"""By version of ID3 the flags of a frame that is compressed or encrypted."""
_GROUPED = {_V3: 0x0020, _V4: 0x0040}
_COUNTED = {_V3: 0, _V4: 0x0001}
_APART = 0x0002
"""Flag of a frame in which zeros keep what could be taken for sound apart."""
_ENCODINGS = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}

Kind = str
"""`wav`, `flac` or `mp3`; empty for another file."""


def text_fields(path: Path) -> tuple[Kind, Mapping[str, str]]:
    """What kind of file it is, and by upper-case name its Vorbis comments, or the TXXX frames of its ID3 tag.

    Of equal names the first counts, and what is damaged is left out. Raises OSError.
    """
    with path.open("rb") as file:
        kind = _kind(file)
        found = {"wav": _of_wav, "flac": _of_flac, "mp3": _of_mp3}[kind](file) if kind else ()
        fields: dict[str, str] = {}
        for name, value in found:
            fields.setdefault(name.upper(), value)
    return kind, fields


def _kind(file: BinaryIO) -> Kind:
    head = file.read(12)
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        return "wav"
    if head[:3] == b"ID3":  # some programs put one in front of flac, too
        file.seek(_tag_size(head))
        return "flac" if file.read(4) == b"fLaC" else "mp3"
    is_mp3 = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2
    return "flac" if head[:4] == b"fLaC" else "mp3" if is_mp3 else ""


def _of_wav(file: BinaryIO) -> Iterator[tuple[str, str]]:
    for name, place, size in riff.chunks(file):
        if name.lower() == b"id3 " and size <= _MOST:
            file.seek(place)
            yield from id3_texts(file.read(size))


def _of_mp3(file: BinaryIO) -> Iterator[tuple[str, str]]:
    file.seek(0)
    size = _tag_size(file.read(10))
    file.seek(0)
    return id3_texts(file.read(size)) if size <= _MOST else iter(())


def _of_flac(file: BinaryIO) -> Iterator[tuple[str, str]]:
    file.seek(0)
    head = file.read(10)
    file.seek(_tag_size(head) + 4 if head[:3] == b"ID3" else 4)
    for _ in range(riff.MOST_CHUNKS):
        if len(head := file.read(4)) < 4:
            return
        size = int.from_bytes(head[1:])
        if head[0] & ~_LAST_BLOCK == _COMMENTS:
            yield from vorbis_texts(file.read(size))
        else:
            file.seek(size, 1)
        if head[0] & _LAST_BLOCK:
            return


def vorbis_texts(block: bytes) -> Iterator[tuple[str, str]]:
    """Names and values of a block of Vorbis comments, as far as it is sound."""
    place = 4 + int.from_bytes(block[:4], "little") + 4
    while place + 4 <= len(block):
        size = int.from_bytes(block[place : place + 4], "little")
        name, mark, value = block[place + 4 : place + 4 + size].partition(b"=")
        place += 4 + size
        if mark and place <= len(block):
            yield name.decode("ascii", "replace"), value.decode("utf-8", "replace")


def id3_texts(tag: bytes) -> Iterator[tuple[str, str]]:
    """Descriptions and values of the TXXX frames of an ID3 tag of version 2.3 or 2.4, as far as it is sound.

    What is compressed or encrypted is left out.
    """
    if tag[:3] != b"ID3" or len(tag) < 10 or tag[3] not in _PACKED:
        return
    version, flags, body = tag[3], tag[5], tag[10 : _tag_size(tag)]
    if flags & 0x80 and version == _V3:
        body = body.replace(b"\xff\0", b"\xff")
    place = 0
    if flags & 0x40:
        place = _syncsafe(body[:4]) if version == _V4 else 4 + int.from_bytes(body[:4])
    while (head := body[place : place + 10])[:4].isalnum() and len(head) == 10:
        size = _syncsafe(head[4:8]) if version == _V4 else int.from_bytes(head[4:8])
        (about,) = struct.unpack(">H", head[8:])
        if head[:4] == b"TXXX" and not about & _PACKED[version]:
            about |= _APART if flags & 0x80 and version == _V4 else 0
            yield from _text(body[place + 10 : place + 10 + size], about, version)
        place += 10 + size


def _text(frame: bytes, about: int, version: int) -> Iterator[tuple[str, str]]:
    """The description and the first value of a TXXX frame."""
    frame = frame[(1 if about & _GROUPED[version] else 0) + (4 if about & _COUNTED[version] else 0) :]
    if about & _APART and version == _V4:
        frame = frame.replace(b"\xff\0", b"\xff")
    encoding = _ENCODINGS.get(frame[0] if frame else -1)
    if encoding is None:
        return
    name, _, rest = frame[1:].decode(encoding, "replace").partition("\0")
    # In UTF-16 each text may begin with its own mark of the order of bytes.
    yield name, rest.partition("\0")[0].removeprefix("\ufeff")


def _tag_size(head: bytes) -> int:
    """The length of an ID3 tag that begins so; 0 where none does."""
    return 10 + _syncsafe(head[6:10]) if head[:3] == b"ID3" else 0


def _syncsafe(four: bytes) -> int:
    """A number of 28 bits in 4 bytes."""
    number = 0
    for byte in four:
        number = number << 7 | byte & 0x7F
    return number
