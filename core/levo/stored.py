"""Where each tensor of a checkpoint lies in its file, found without running anything the file holds."""

import json
import re
import struct
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from core.errors import SongdeskError
from core.tensors import DTYPES

_POINTER = b"version https://git-lfs"
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"
_LOCAL_HEADER = 30
_INDEX_BYTES = 64 << 20
"""More than any list of tensors takes; a longer one is not read."""
_PIECE = 1 << 20
"""Values read at a time."""
_FLOATS = {name: dtype for name, dtype in DTYPES.items() if dtype.is_floating_point}
_STATE = "state_dict"
"""Under this name a trainer keeps the weights, among what else it wants to know again."""
_AGAIN = "fetch it again, and compare its size with the one its source states"
_WHOLE = "fetch the file itself again; a published checkpoint is wanted"


@dataclass(frozen=True, slots=True)
class Stored:
    """One tensor, its values in a row from byte `offset` of its file on; `dtype` None if no floats."""

    shape: tuple[int, ...]
    dtype: torch.dtype | None
    offset: int

    @property
    def values(self) -> int:
        """How many values it has."""
        return torch.Size(self.shape).numel()

    @property
    def bytes(self) -> int:
        """What it takes in the file; 0 where it holds no floats."""
        return self.values * self.dtype.itemsize if self.dtype else 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint file's tensors by name, and what it says of itself."""

    path: Path
    tensors: Mapping[str, Stored]
    metadata: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, object] = field(default_factory=dict)
    """What a torch file holds besides, by name; the tensors in it have no values (they are on meta)."""

    def pieces(self, file: BinaryIO, name: str) -> Iterator[Tensor]:
        """The values of one tensor in order, a million at a time, flat and as stored.

        `file` is the checkpoint opened for reading. Raises SongdeskError when it ends early, and for values
        that are infinite or no numbers.
        """
        stored = self.tensors[name]
        assert stored.dtype is not None, "only floats are converted"
        width = stored.dtype.itemsize
        for start in range(0, stored.values, _PIECE):
            buffer = bytearray(min(_PIECE, stored.values - start) * width)
            if _read_into(file, stored.offset + start * width, buffer) != len(buffer):
                raise SongdeskError(f"the file ends within {name}", where=str(self.path), hint=_AGAIN)
            piece = torch.frombuffer(buffer, dtype=stored.dtype)
            if not piece.isfinite().all():
                raise SongdeskError(
                    f"{name} has values that are no numbers",
                    where=str(self.path),
                    hint="this file is damaged; fetch it again",
                )
            yield piece

    def whole(self, file: BinaryIO, name: str) -> Tensor:
        """One tensor as stored; raises SongdeskError as `pieces` does."""
        stored, start = self.tensors[name], 0
        tensor = torch.empty(stored.values, dtype=stored.dtype)
        for piece in self.pieces(file, name):
            tensor[start : start + len(piece)] = piece
            start += len(piece)
        return tensor.view(stored.shape)


def open_checkpoint(path: Path) -> Checkpoint:
    """Read the index of a safetensors file or a torch zip file; no tensor is loaded and no code runs.

    Raises SongdeskError naming what is wrong with any other file, and with damaged or dangerous ones.
    """
    head = _head(path)
    if head.startswith(_ZIP):
        return _zipped(path)
    if head[8:9] == b"{":
        return _safetensors(path)
    raise _foreign(path, head)


def contents(checkpoint: Checkpoint) -> Mapping[str, object]:
    """All that an opened torch file holds, in memory: only for one that is known to be small."""
    return _loaded(checkpoint.path, "cpu")


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise SongdeskError("a folder, not a checkpoint file", where=str(path), hint="name the file in it")
    if not path.is_file():
        raise SongdeskError("no such file", where=str(path), hint="name the file that was fetched")
    try:
        with path.open("rb") as file:
            return file.read(1024)
    except OSError as error:
        raise _unreadable(path, error) from error


def _read_into(file: BinaryIO, offset: int, buffer: bytearray) -> int:
    try:
        file.seek(offset)
        return file.readinto(buffer)  # type: ignore[attr-defined,no-any-return]
    except OSError as error:
        raise _unreadable(Path(str(file.name)), error) from error


def _safetensors(path: Path) -> Checkpoint:
    try:
        with safe_open(path, framework="pt") as file:  # refuses offsets that do not fit the file
            metadata = dict(file.metadata() or {})
        with path.open("rb") as raw:
            (length,) = struct.unpack("<Q", raw.read(8))
            index = json.loads(raw.read(length))
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path) from error
    tensors = {
        name: Stored(
            tuple(entry["shape"]), _FLOATS.get(entry["dtype"]), 8 + length + entry["data_offsets"][0]
        )
        for name, entry in index.items()
        if name != "__metadata__"
    }
    return Checkpoint(path, tensors, metadata)


def _zipped(path: Path) -> Checkpoint:
    spans = _spans(path)
    state = _loaded(path, "meta")  # on that device torch reads the index alone
    tensors = {name: _stored(path, name, x, spans) for name, x in state.items() if isinstance(x, Tensor)}
    return Checkpoint(path, tensors, others={name: x for name, x in state.items() if name not in tensors})


def _loaded(path: Path, device: str) -> dict[str, object]:
    """A torch file's dictionary, or the weights in it; weights_only admits nothing that is no plain data."""
    try:
        state = torch.load(path, map_location=device, weights_only=True)  # noqa: TID251 - for the converter
    except Exception as error:  # a broken index can raise anything
        raise _refused(path, error) from error
    if not isinstance(state, Mapping):
        raise SongdeskError("no dictionary of tensors", where=str(path), hint=_WHOLE)
    inner = state.get(_STATE)
    return {str(name): value for name, value in (inner if isinstance(inner, Mapping) else state).items()}


def _spans(path: Path) -> dict[int, int]:
    """Size of each record by the byte it starts at; SongdeskError when it is no archive of torch's."""
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            records = archive.infolist()
            _plain(path, archive, records)
            spans = {_start(file, record): record.file_size for record in records}
    except (zipfile.BadZipFile, OSError, struct.error, ValueError, NotImplementedError) as error:
        raise _damaged(path) from error
    if any(start + length > size for start, length in spans.items()):
        raise _damaged(path)
    return spans


def _start(file: BinaryIO, record: zipfile.ZipInfo) -> int:
    file.seek(record.header_offset + _LOCAL_HEADER - 4)
    name, extra = struct.unpack("<HH", file.read(4))
    return record.header_offset + _LOCAL_HEADER + int(name) + int(extra)


def _plain(path: Path, archive: zipfile.ZipFile, records: list[zipfile.ZipInfo]) -> None:
    """Refuse compressed records, an index that is missing or endless, and another machine's byte order."""
    by_name = {record.filename.partition("/")[2]: record for record in records}
    index = by_name.get("data.pkl")
    if index is None:
        raise SongdeskError("an archive, but none that torch wrote", where=str(path), hint=_WHOLE)
    packed = any(record.compress_type != zipfile.ZIP_STORED for record in records)
    if packed or index.file_size > _INDEX_BYTES:
        raise SongdeskError("a zip file, but not as torch writes one", where=str(path), hint=_WHOLE)
    order = by_name.get("byteorder")
    if order is not None and order.file_size < 8 and archive.read(order).decode("ascii") != sys.byteorder:
        raise SongdeskError("written by a machine of another byte order", where=str(path), hint=_WHOLE)


def _stored(path: Path, name: str, tensor: Tensor, spans: Mapping[int, int]) -> Stored:
    dtype = tensor.dtype if tensor.dtype in _FLOATS.values() else None
    if dtype is None:
        return Stored(tuple(tensor.shape), None, 0)
    storage = tensor.untyped_storage()
    start = int(getattr(storage, "_checkpoint_offset", -1))
    first = int(tensor.storage_offset()) * dtype.itemsize
    end = first + tensor.numel() * dtype.itemsize
    if spans.get(start) != storage.nbytes() or end > storage.nbytes() or not tensor.is_contiguous():
        raise SongdeskError(
            f"{name} is not stored as a row of values",
            where=str(path),
            hint="fetch the published file; one saved from views must be saved again with contiguous tensors",
        )
    return Stored(tuple(tensor.shape), dtype, start + first)


def _refused(path: Path, error: Exception) -> SongdeskError:
    """What to say of an index that torch's reader of plain tensors will not read."""
    asked = re.search(r"GLOBAL ([\w.]+)", str(error))
    if asked is None:
        return _damaged(path)
    return SongdeskError(
        f"it holds code ({asked[1]}), not tensors alone; nothing of it was run",
        where=str(path),
        hint="do not load it anywhere; fetch the checkpoint from its publisher",
    )


def _foreign(path: Path, head: bytes) -> SongdeskError:
    start = head.lstrip().lower()
    if not head:
        what, hint = "an empty file", _AGAIN
    elif head.startswith(_POINTER):
        what, hint = "only a Git LFS pointer, not the weights themselves", "run `git lfs pull`"
    elif start.startswith((b"<!doctype", b"<html", b"<?xml")):
        what, hint = "a web page saved under a checkpoint's name", _WHOLE
    elif head.startswith(_PICKLE):
        what = "a bare pickle, which can run code and is not opened"
        hint = "fetch the published file; torch has written zip files since 1.6"
    else:
        what, hint = "no checkpoint: neither a torch zip file nor safetensors", _WHOLE
    return SongdeskError(what, where=str(path), hint=hint)


def _damaged(path: Path) -> SongdeskError:
    return SongdeskError("cut short or damaged", where=str(path), hint=_AGAIN)


def _unreadable(path: Path, error: OSError) -> SongdeskError:
    reason = (error.strerror or str(error)).lower()
    return SongdeskError(f"cannot be read: {reason}", where=str(path), hint="look at its permissions")
