"""Files that mean harm, made by hand: pickles byte by byte, zip files and safetensors field by field."""

import json
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

MB = 1 << 20
PROTO, STOP, MARK = b"\x80\x02", b".", b"("


def text(word: str) -> bytes:
    """A text on the stack."""
    data = word.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def short(word: str) -> bytes:
    """A short text as later protocols write it."""
    return b"\x8c" + bytes([len(word)]) + word.encode()


def number(value: int) -> bytes:
    """A whole number on the stack."""
    if 0 <= value < 256:
        return b"K" + bytes([value])
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes((value.bit_length() + 8) // 8, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def named(module: str, name: str) -> bytes:
    """Something of a module."""
    return b"c" + f"{module}\n{name}\n".encode()


def group(*items: bytes) -> bytes:
    """A tuple."""
    return MARK + b"".join(items) + b"t"


def storage(key: str = "0", count: int = 4, kind: str = "FloatStorage") -> bytes:
    """A reference to a record of values."""
    pid = group(text("storage"), named("torch", kind), text(key), text("cpu"), number(count))
    return pid + b"Q"


def tensor(
    shape: tuple[int, ...] = (4,),
    strides: tuple[int, ...] = (1,),
    first: int = 0,
    of: bytes | None = None,
    hooks: bytes = named("collections", "OrderedDict") + b")R",
) -> bytes:
    """A tensor as torch describes one."""
    sizes = (group(*map(number, numbers)) for numbers in (shape, strides))
    given = group(of or storage(), number(first), *sizes, b"\x89", hooks)
    return named("torch._utils", "_rebuild_tensor_v2") + given + b"R"


def table(**values: bytes) -> bytes:
    """A whole index: a dictionary."""
    return PROTO + b"}" + MARK + b"".join(text(key) + value for key, value in values.items()) + b"u" + STOP


def archive(
    path: Path,
    index: bytes,
    records: Mapping[str, bytes] | None = None,
    *,
    packing: int = zipfile.ZIP_STORED,
) -> Path:
    """A torch file of one index and of records, which are 4 floats unless others are given."""
    others = {"data/0": b"\0" * 16, "version": b"3"} if records is None else records
    with zipfile.ZipFile(path, "w", packing) as file:
        for name, content in {"data.pkl": index, **others}.items():
            file.writestr(name if name.startswith(("/", "..")) else f"model/{name}", content)
    return path


def header(entries: object, values: bytes = b"", *, length: int | None = None) -> bytes:
    """A safetensors file of whatever header."""
    said = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(said) if length is None else length) + said + values


def entry(dtype: object = "F32", shape: object = (4,), offsets: object = (0, 16)) -> dict[str, object]:
    """A tensor in a header."""
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def saved(path: Path, state: Mapping[str, Tensor] | None = None) -> bytes:
    """What torch writes of a dictionary, by default a small one of everything."""
    everything = {
        "weight": torch.arange(6.0).view(2, 3),
        "half": torch.ones(3).half(),
        "list": [1, 2.5, None, True, "word", b"\x00\xff", {1, 2}, {"a": torch.arange(3)}],
        "state": torch.nn.Linear(2, 2).state_dict(),
    }
    torch.save(everything if state is None else dict(state), path)
    return path.read_bytes()
