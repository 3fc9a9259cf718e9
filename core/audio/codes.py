"""A song's tokens as a text of modest length, for a tag; no torch and no numpy."""

import base64
import binascii
import sys
import zlib
from array import array
from collections.abc import Iterable

Codes = tuple[tuple[int, ...], ...]
"""Three rows of equal length: mixed, vocal, backing at 25 Hz."""

BOOKS = 3
_MARK = "1:"
"""The version of the form: base64 of zlib of int16, little-endian, row after row."""
_MOST_FRAMES = 25 * 3600
"""An hour."""
_MOST_BYTES = 2 * BOOKS * _MOST_FRAMES
LONGEST = len(_MARK) + _MOST_BYTES * 3 // 2
"""Characters of a text that are looked at: more than what cannot be made smaller takes."""


def to_text(codes: Iterable[Iterable[int]]) -> str:
    """Codes [3, T] as text; nothing for those that do not fit the form."""
    try:
        rows = [list(row) for row in codes]
        values = array("h", [code for row in rows for code in row])
    except (OverflowError, TypeError):
        return ""
    if len(rows) != BOOKS or len({len(row) for row in rows}) != 1 or len(values) * 2 > _MOST_BYTES:
        return ""
    return _MARK + base64.b64encode(zlib.compress(_swapped(values).tobytes(), 9)).decode()


def from_text(text: str) -> Codes | None:
    """Codes [3, T], none below 0, of a text; None where it holds none, or more than an hour of them."""
    if not text.startswith(_MARK) or len(text) > LONGEST:
        return None
    try:
        packed = base64.b64decode(text[len(_MARK) :], validate=True)
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(packed, _MOST_BYTES + 1)
    except (binascii.Error, ValueError, zlib.error):
        return None
    if not unpacker.eof or unpacker.unused_data or not data or len(data) % (2 * BOOKS):
        return None
    values = array("h")
    values.frombytes(data)
    frames = len(values) // BOOKS
    rows = _swapped(values).tolist()
    if min(rows) < 0:
        return None
    return tuple(tuple(rows[frames * book : frames * (book + 1)]) for book in range(BOOKS))


def _swapped(values: "array[int]") -> "array[int]":
    """The same values in the order of bytes of the form."""
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values
