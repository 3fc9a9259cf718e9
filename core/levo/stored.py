"""Where each tensor of a checkpoint lies in its file, found without running anything the file holds."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from core.errors import SongdeskError
from core.headers import POINTER, read_header
from core.levo.claims import Claim, Storage
from core.levo.pickles import index_of
from core.levo.zipped import AGAIN, WHOLE, Record, damaged, records_of
from core.tensors import DTYPES

_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"
_INDEX_BYTES = 64 << 20
"""More than any list of tensors takes; a longer one is not read."""
_PIECE = 1 << 20
"""Values read at a time."""
_FLOATS = {name: dtype for name, dtype in DTYPES.items() if dtype.is_floating_point}
_STATE = "state_dict"
"""Under this name a trainer keeps the weights, among what else it wants to know again."""


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
                raise SongdeskError(f"the file ends within {name}", where=str(self.path), hint=AGAIN)
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
    index, records = _index(checkpoint.path)
    with checkpoint.path.open("rb") as file:
        return {
            name: _Filler(file, records).of(value) for name, value in _state(index, checkpoint.path).items()
        }


def plain_objects(path: Path, *, limit_bytes: int) -> object:
    """What a small torch file holds: dictionaries, lists, tuples, texts, bytes, numbers, None and tensors.

    The tensors are of the host, of floats, whole numbers or truths, with a copy of their values. Nothing in
    the file is run. SongdeskError, before any tensor is given memory, where it is no such file, is damaged,
    or holds anything else, and where the index or all values together take more than `limit_bytes`.
    """
    head = _head(path)
    if not head.startswith(_ZIP):
        raise _foreign(path, head)
    index, records = _index(path, limit_bytes)
    storages = _storages(index)
    if sum(each.size for each in storages) > limit_bytes:
        raise SongdeskError(
            f"its tensors take more than {limit_bytes / 1e6:.1f} MB",
            where=str(path),
            hint="this is not the small file that belongs here",
        )
    with path.open("rb") as file:
        return _Filler(file, records).of(index)


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
    header = read_header(path)
    tensors = {
        name: Stored(placed.shape, _FLOATS.get(placed.dtype), placed.start)
        for name, placed in header.tensors.items()
    }
    return Checkpoint(path, tensors, header.about)


def _zipped(path: Path) -> Checkpoint:
    index, records = _index(path)
    state = _state(index, path)
    tensors = {name: _stored(path, name, x, records) for name, x in state.items() if isinstance(x, Claim)}
    others = {name: _Filler(None, records).of(x) for name, x in state.items() if name not in tensors}
    return Checkpoint(path, tensors, others=others)


def _index(path: Path, limit: int = _INDEX_BYTES) -> tuple[object, Mapping[str, Record]]:
    """What a torch file's index holds, with claims for tensors, and the records that these lie in.

    Every claim is within its record. SongdeskError where it is no whole file of torch's, or not plain data.
    """
    records = records_of(path)
    about, order = records["data.pkl"], records.get("byteorder")
    if about.size > min(limit, _INDEX_BYTES):
        raise SongdeskError("its index is longer than any checkpoint's", where=str(path), hint=WHOLE)
    with path.open("rb") as file:
        if order is not None and order.size < 8 and _bytes(file, order) != sys.byteorder.encode():
            raise SongdeskError("written by a machine of another byte order", where=str(path), hint=WHOLE)
        index = index_of(_bytes(file, about), path)
    for storage in _storages(index):
        record = records.get(f"data/{storage.key}")
        if record is None or record.size != storage.size:
            raise damaged(path)
    return index, records


def _bytes(file: BinaryIO, record: Record) -> bytes:
    buffer = bytearray(record.size)
    if _read_into(file, record.start, buffer) != record.size:
        raise damaged(Path(str(file.name)))
    return bytes(buffer)


def _storages(index: object) -> set[Storage]:
    """Every storage that something in an index claims values of."""
    found: set[Storage] = set()
    seen: set[int] = set()
    todo = [index]
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Claim):
            found.add(value.storage)
        elif isinstance(value, Mapping | list | tuple):
            todo.extend(value.values() if isinstance(value, Mapping) else value)
    return found


def _state(index: object, path: Path) -> dict[str, object]:
    """A torch file's dictionary, or the weights in it."""
    if not isinstance(index, Mapping):
        raise SongdeskError("no dictionary of tensors", where=str(path), hint=WHOLE)
    inner = index.get(_STATE)
    return {str(name): value for name, value in (inner if isinstance(inner, Mapping) else index).items()}


class _Filler:
    """Makes tensors of claims: with their values from an opened file, or on meta where there is none."""

    def __init__(self, file: BinaryIO | None, records: Mapping[str, Record]) -> None:
        self._file = file
        self._records = records
        self._made: dict[int, object] = {}
        self._read: dict[Storage, Tensor] = {}

    def of(self, value: object) -> object:
        """The same with tensors where claims are; what is in two places stays one thing."""
        if not isinstance(value, Claim | Mapping | list | tuple):
            return value
        if id(value) not in self._made:
            self._made[id(value)] = self._anew(value)
        return self._made[id(value)]

    def _anew(self, value: "Claim | Mapping[object, object] | list[object] | tuple[object, ...]") -> object:
        if isinstance(value, Claim):
            return self._tensor(value)
        if isinstance(value, Mapping):
            return {key: self.of(each) for key, each in value.items()}
        return type(value)(self.of(each) for each in value)

    def _tensor(self, claim: Claim) -> Tensor:
        dtype: torch.dtype = getattr(torch, claim.storage.dtype)
        if self._file is None:
            return torch.empty_strided(claim.shape, claim.strides, dtype=dtype, device="meta")
        if not claim.is_plain:
            raise SongdeskError("a tensor in it repeats its values", where=str(self._file.name), hint=WHOLE)
        if claim.storage not in self._read:
            self._read[claim.storage] = self._values(self._file, claim.storage, dtype)
        return self._read[claim.storage].as_strided(claim.shape, claim.strides, claim.first)

    def _values(self, file: BinaryIO, storage: Storage, dtype: torch.dtype) -> Tensor:
        if not storage.count:
            return torch.empty(0, dtype=dtype)
        data = bytearray(_bytes(file, self._records[f"data/{storage.key}"]))
        if dtype is torch.bool:  # of which torch takes no other bytes than 0 and 1
            return torch.frombuffer(data, dtype=torch.uint8) != 0
        return torch.frombuffer(data, dtype=dtype)


def _stored(path: Path, name: str, claim: Claim, records: Mapping[str, Record]) -> Stored:
    dtype: torch.dtype = getattr(torch, claim.storage.dtype)
    if dtype not in _FLOATS.values():
        return Stored(claim.shape, None, 0)
    if not claim.is_row:
        raise SongdeskError(
            f"{name} is not stored as a row of values",
            where=str(path),
            hint="fetch the published file; one saved from views must be saved again with contiguous tensors",
        )
    start = records[f"data/{claim.storage.key}"].start + claim.first * claim.storage.width
    return Stored(claim.shape, dtype, start)


def _foreign(path: Path, head: bytes) -> SongdeskError:
    start = head.lstrip().lower()
    if not head:
        what, hint = "an empty file", AGAIN
    elif head.startswith(POINTER):
        what, hint = "only a Git LFS pointer, not the weights themselves", "run `git lfs pull`"
    elif start.startswith((b"<!doctype", b"<html", b"<?xml")):
        what, hint = "a web page saved under a checkpoint's name", WHOLE
    elif head.startswith(_PICKLE):
        what = "a bare pickle, which can run code and is not opened"
        hint = "fetch the published file; torch has written zip files since 1.6"
    else:
        what, hint = "no checkpoint: neither a torch zip file nor safetensors", WHOLE
    return SongdeskError(what, where=str(path), hint=hint)


def _unreadable(path: Path, error: OSError) -> SongdeskError:
    reason = (error.strerror or str(error)).lower()
    return SongdeskError(f"cannot be read: {reason}", where=str(path), hint="look at its permissions")
