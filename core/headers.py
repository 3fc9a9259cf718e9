"""The header of a safetensors file, checked before any tensor in it is given memory; no torch.

The library that loads such files is careful too; this holds whatever its version, and says what is wrong. A
header is a length (uint64, little-endian), then JSON: by
name a dtype, a shape and two offsets.
"""

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, NoReturn

from core.errors import SongdeskError

SIZES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
}  # fmt: skip
"""Bytes of a value, by the names of the dtypes that are read."""
POINTER = b"version https://git-lfs"
"""How a file begins that Git LFS has put in the place of another."""
LONGEST_NAME = 1024
"""Characters of a tensor's name."""
MOST_AXES = 16
MOST_VALUES = 1 << 48
"""Of one tensor, whatever its shape says; no product of sizes runs over where this holds."""
_LONGEST = 4 << 20
"""Bytes of a header: that of the largest published model has 0.2 million."""
_ABOUT = "__metadata__"
_CUT = "cut short"
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What turns or breaks a line, steers a terminal, or is half a character."""
_AGAIN = "delete it and fetch or make it again"


@dataclass(frozen=True, slots=True)
class Placed:
    """One tensor of a file."""

    dtype: str
    """As safetensors names it, one of `SIZES`."""
    shape: tuple[int, ...]
    start: int
    """Byte of the file that its values begin at."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file holds, by name, and what it says of itself."""

    tensors: Mapping[str, Placed]
    about: Mapping[str, str]


def is_plain(name: str) -> bool:
    """Whether a name from a file is short enough, and may stand in a line that a terminal shows."""
    return len(name) <= LONGEST_NAME and _UNSHOWN.search(name) is None


def read_header(path: Path) -> Header:
    """The checked header of a safetensors file; SongdeskError where it is missing, damaged or lies.

    Afterwards each tensor has a known dtype and a shape that is true to its bytes, and these lie in the file
    one behind the other, without a gap or an overlap, to its very end.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(max(8, len(POINTER)))
            length = struct.unpack("<Q", head[:8])[0] if len(head) >= 8 else -1
            if head.startswith(POINTER) or not 2 <= length <= min(_LONGEST, size - 8):
                raise _no_header(path, head, length, size)
            file.seek(8)
            text = file.read(length)
    except FileNotFoundError:
        raise SongdeskError("not here", where=str(path), hint="see `songdesk models`") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SongdeskError(
            f"cannot be read: {reason}", where=str(path), hint="look at its permissions"
        ) from error
    try:
        return _understood(_object(text), 8 + length, size)
    except (ValueError, RecursionError) as error:
        what = str(error) if isinstance(error, _Lie) else "no safetensors file"
        what = "cut short or damaged" if what == _CUT else f"damaged: {what}"
        raise SongdeskError(what, where=str(path), hint=_AGAIN) from error


class _Lie(ValueError):
    """A header that does not hold, in words for a person."""


def _no_header(path: Path, head: bytes, length: int, size: int) -> SongdeskError:
    if head.startswith(POINTER):
        what, hint = "only a Git LFS pointer, not the weights themselves", "run `git lfs pull`"
        return SongdeskError(what, where=str(path), hint=hint)
    is_huge = head[8:9] == b"{" and _LONGEST < length <= size - 8
    what = "damaged: its header is longer than any model's" if is_huge else "cut short or damaged"
    return SongdeskError(what, where=str(path), hint=_AGAIN)


def _object(text: bytes) -> Mapping[str, Any]:
    said = json.loads(text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    if not isinstance(said, dict):
        raise _Lie("its header is no list of tensors")
    return said


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Lie("its header has a name twice")
    return found


def _no_number(word: str) -> NoReturn:
    raise _Lie(f"{word} in its header")


def _understood(said: Mapping[str, Any], first: int, size: int) -> Header:
    about = said.get(_ABOUT, {})
    if not isinstance(about, dict) or not all(isinstance(value, str) for value in about.values()):
        raise _Lie("what it says of itself is no text")
    placed: dict[str, Placed] = {}
    ends: list[tuple[int, int]] = []
    for name, entry in said.items():
        if name == _ABOUT:
            continue
        if not is_plain(name):
            raise _Lie("a tensor's name is too long, or no text that can be shown")
        tensor, end = _placed(name, entry, first)
        placed[name] = tensor
        ends.append((tensor.start, end))
    at = first
    for start, end in sorted(ends):
        if start != at:
            raise _Lie("its tensors overlap" if start < at else "there are gaps between its tensors")
        at = end
    if at != size:
        raise _Lie(_CUT if at > size else "there is more in it than its tensors")
    return Header(placed, about)


def _placed(name: str, entry: object, first: int) -> tuple[Placed, int]:
    """A tensor and the byte that its values end at."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise _Lie(f"{name} is no tensor")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    width = SIZES.get(dtype) if isinstance(dtype, str) else None
    if width is None:
        raise _Lie(f"{name} is of a type that is not known")
    if not _counts(shape) or len(shape) > MOST_AXES or prod(shape) > MOST_VALUES:
        raise _Lie(f"{name} has a shape that no tensor has")
    if not _counts(offsets) or len(offsets) != 2 or offsets[1] - offsets[0] != prod(shape) * width:
        raise _Lie(f"{name} has another size than its shape")
    return Placed(dtype, tuple(shape), first + offsets[0]), first + offsets[1]


def _counts(numbers: object) -> bool:
    """Whether it is a list of whole numbers from 0."""
    return isinstance(numbers, list) and all(
        type(number) is int and 0 <= number <= MOST_VALUES for number in numbers
    )
