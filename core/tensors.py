"""Tensors in files: safetensors written whole or not at all, and what they say of themselves."""

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.atomic import replacing
from core.errors import SongdeskError
from core.headers import read_header

DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I16": torch.int16,
}  # fmt: skip
"""What is read and written piece by piece, as safetensors names it."""
_NAMES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True, slots=True)
class Layout:
    """A tensor without its values."""

    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def values(self) -> int:
        """How many values it has."""
        return torch.Size(self.shape).numel()

    @property
    def bytes(self) -> int:
        """What its values take."""
        return self.values * self.dtype.itemsize


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors of the host atomically; SongdeskError when the folder or the disk refuses."""
    with replacing(path) as temporary:
        try:
            save_file(dict(tensors), temporary, dict(metadata))
        except SafetensorError as error:  # the library wraps what the disk says
            raise OSError(str(error)) from error


@contextmanager
def streaming(
    path: Path, layout: Mapping[str, Layout], metadata: Mapping[str, str]
) -> Iterator[Callable[[Tensor], int]]:
    """Write tensors atomically that need never be in memory together.

    Gives what takes their values, in pieces of any length, tensor after tensor in the order of `in_file`; it
    returns the bytes written. Raises SongdeskError when the folder or the disk refuses.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        end = file.write(_header(layout, metadata)) + sum(each.bytes for each in layout.values())

        def put(piece: Tensor) -> int:
            return file.write(piece.contiguous().flatten().view(torch.uint8).numpy().tobytes())

        yield put
        assert file.tell() == end, "every value of every tensor is written once"


def in_file(layout: Mapping[str, Layout]) -> list[str]:
    """The tensors' names in the order of their values: wide types first, so that each lies aligned."""
    return sorted(layout, key=lambda name: -layout[name].dtype.itemsize)


def _header(layout: Mapping[str, Layout], metadata: Mapping[str, str]) -> bytes:
    """The safetensors header: length in 8 bytes, then JSON filled with spaces to a multiple of 8."""
    index: dict[str, object] = {"__metadata__": dict(metadata)}
    start = 0
    for name in in_file(layout):
        about = layout[name]
        end = start + about.bytes
        index[name] = {
            "dtype": _NAMES[about.dtype],
            "shape": list(about.shape),
            "data_offsets": [start, end],
        }
        start = end
    text = json.dumps(index, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def metadata_of(path: Path) -> Mapping[str, str]:
    """What a file says of itself; nothing where there is no file that can be read."""
    try:
        return read_header(path).about
    except SongdeskError:
        return {}


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of a file on the host, its header checked first; SongdeskError where it cannot be read."""
    read_header(path)
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:  # it changed meanwhile
        raise SongdeskError("cut short or damaged", where=str(path), hint="get it again") from error


def read_tensors(path: Path) -> dict[str, Tensor] | None:
    """Every tensor of a file; None where there is no file that can be read."""
    try:
        return load_tensors(path)
    except SongdeskError:
        return None
