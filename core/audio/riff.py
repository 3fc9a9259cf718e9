"""The chunks of a wav file: found without reading what is in them, and added behind the sound."""

import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

_MOST = (1 << 32) - 1
"""Bytes that the head of a file can count."""
MOST_CHUNKS = 1000
"""Chunks of a file that are looked at."""


def chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and size of each chunk of a RIFF WAVE file; nothing of another file.

    A size is never more than the file holds. Behind so many that no honest file has them it ends.
    """
    file.seek(0)
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return
    end = file.seek(0, os.SEEK_END)
    place = 12
    for _ in range(MOST_CHUNKS):
        if place + 8 > end:
            return
        file.seek(place)
        name, size = struct.unpack("<4sI", file.read(8))
        yield name, place + 8, min(size, end - place - 8)
        place += 8 + size + size % 2


def append(path: Path, added: Mapping[bytes, bytes]) -> None:
    """Put chunks by name behind those of a wav file and count them in its head; raises OSError.

    A file that could not count them any more stays as it is.
    """
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        data = b"\0" * (end % 2) + b"".join(chunk(name, body) for name, body in added.items())
        if end + len(data) > _MOST:
            return
        file.write(data)
        file.seek(4)
        file.write(struct.pack("<I", end + len(data) - 8))


def chunk(name: bytes, body: bytes) -> bytes:
    """One chunk, filled up to an even length."""
    return struct.pack("<4sI", name, len(body)) + body + b"\0" * (len(body) % 2)


def info_list(texts: Mapping[bytes, str]) -> bytes:
    """The body of a LIST chunk that says of a file what many players show, such as INAM, its title."""
    said = (chunk(name, text.encode() + b"\0") for name, text in texts.items() if text)
    return b"INFO" + b"".join(said)
