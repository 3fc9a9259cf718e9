"""Archives made by hand to be read in two ways, or to fill a memory or a disk, are refused by name."""

import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import SongdeskError
from core.levo.stored import open_checkpoint, plain_objects
from tests.fuzz import evil
from tests.fuzz.evil import MB, archive, table, tensor


def spoiled(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    """An archive of torch's, changed in its bytes."""
    return lambda path: path.write_bytes(change(evil.saved(path)))


def with_record(name: str, content: bytes = b"", **about: int) -> Callable[[Path], object]:
    """A sound torch file with one more record."""

    def make(path: Path) -> None:
        archive(path, table(a=tensor()))
        with zipfile.ZipFile(path, "a") as file:
            record = zipfile.ZipInfo(name)
            for key, value in about.items():
                setattr(record, key, value)
            with warnings.catch_warnings(action="ignore"):  # of a name that is there already
                file.writestr(record, content)

    return make


def listed(offset: int, form: str, value: int) -> Callable[[Path], object]:
    """A sound torch file with one number changed in the first entry of its list of records."""

    def make(path: Path) -> None:
        data = bytearray(archive(path, table(a=tensor())).read_bytes())
        struct.pack_into(form, data, data.index(b"PK\x01\x02") + offset, value)
        path.write_bytes(data)

    return make


def counted(offset: int, form: str, value: int) -> Callable[[Path], object]:
    """The same of a number at the very end."""

    def make(path: Path) -> None:
        data = bytearray(archive(path, table(a=tensor())).read_bytes())
        struct.pack_into(form, data, len(data) - 22 + offset, value)
        path.write_bytes(data)

    return make


def two_at_one_place(path: Path) -> None:
    data = archive(path, table(a=tensor())).read_bytes()
    first = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", first + 4)
    changed = bytearray(data)
    changed[second + 42 : second + 46] = changed[first + 42 : first + 46]
    path.write_bytes(changed)


ZIPS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a path up": (with_record("model/../../evil"), "a name that leads elsewhere"),
    "an absolute path": (with_record("/tmp/evil"), "a name that leads elsewhere"),
    "a path of Windows": (with_record("model/a\\..\\evil"), "a name that leads elsewhere"),
    "a name that steers": (with_record("model/\x1b[2J"), "a name that leads elsewhere"),
    "a long name": (with_record("model/" + "x" * 2000), "a name that leads elsewhere"),
    "two folders": (with_record("other/data/9"), "none that torch wrote"),
    "twice": (with_record("model/data.pkl", b"N."), "one twice"),
    "a program": (with_record("model/code/__torch__.py"), r"holds code \(a TorchScript program\)"),
    "constants": (with_record("model/constants.pkl"), r"holds code \(a TorchScript program\)"),
    "packed zeros": (
        with_record("model/data/1", b"\0" * (8 * MB), compress_type=zipfile.ZIP_DEFLATED),
        "not as torch writes one",
    ),
    "encrypted": (listed(8, "<H", 1), "not as torch writes one"),
    "a size of 4 GB": (listed(24, "<I", 0xFFFFFFFE), "two sizes"),
    "a size of 64 bits": (listed(24, "<I", 0xFFFFFFFF), "damaged"),
    "a place far away": (listed(42, "<I", 0xFFFFFFF0), "damaged"),
    "two at one place": (two_at_one_place, "damaged"),
    "more records": (counted(10, "<H", 60_000), "damaged"),
    "fewer records": (counted(8, "<I", 1 | 1 << 16), "more than it says"),
    "many records": (
        spoiled(lambda data: data[:-14] + b"\xf0\xff\xf0\xff" + data[-10:]),
        "two ways that do not agree",
    ),
    "a list elsewhere": (counted(16, "<I", 0), "damaged"),
    "words at its end": (counted(20, "<H", 9), "damaged"),
    "more behind it": (spoiled(lambda data: data + b"x"), "damaged"),
    "something before it": (spoiled(lambda data: b"PK\x03\x04" + data), "damaged"),
    "two ends": (spoiled(lambda data: data + data[-22:]), "damaged"),
    "two archives": (spoiled(lambda data: data + data), "damaged"),
    "its end alone": (lambda path: path.write_bytes(b"PK\x03\x04PK\x05\x06" + bytes(18)), "damaged"),
    "another order of bytes": (with_record("model/byteorder", b"big"), "another byte order"),
}  # fmt: skip


@pytest.mark.parametrize("case", ZIPS)
def test_an_archive_that_is_not_what_it_seems_is_refused(case: str, tmp_path: Path) -> None:
    make, what = ZIPS[case]
    path = tmp_path / "in" / "x.pt"
    path.parent.mkdir()
    make(path)
    for read in (open_checkpoint, lambda of: plain_objects(of, limit_bytes=MB)):
        with pytest.raises(SongdeskError, match=what):
            read(path)
    assert [found.name for found in tmp_path.rglob("*")] == ["in", "x.pt"]


def test_records_beyond_4_gb_are_found_without_reading_what_is_before(tmp_path: Path) -> None:
    """As torch writes large files: sizes and places of 64 bits. The file is a hole and takes no disk."""
    size, path = 5 << 30, tmp_path / "x.pt"
    first, second = evil.storage("0", size // 4), evil.storage("1", 4)
    index = table(a=tensor((size // 4,), of=first), b=tensor(of=second))
    floats = struct.pack("<4f", 1, 2, 3, 4)
    listed_, count = b"", 0
    with path.open("wb") as file:
        for name, content, length in (
            ("data.pkl", index, len(index)),
            ("data/0", b"", size),
            ("data/1", floats, 16),
        ):
            place, full = file.tell(), f"model/{name}".encode()
            file.write(
                struct.pack("<4s5H3I2H", b"PK\x03\x04", 0, 0, 0, 0, 0, 0, 0, 0, len(full), 0) + full + content
            )
            file.seek(length - len(content), 1)
            wide = [number for number in (length, length, place) if number >= 0xFFFFFFFF]
            extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
            narrow = [min(number, 0xFFFFFFFF) for number in (length, length, place)]
            listed_ += struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 0, 0, 0, 0, 0, 0, 0, *narrow[:2], len(full),
                                   len(extra), 0, 0, 0, 0, narrow[2]) + full + extra  # fmt: skip
            count += 1
        start = file.tell()
        end = start + len(listed_)
        file.write(
            listed_
            + struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 0, 0, 0, 0, count, count, end - start, start)
        )
        file.write(struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1))
        file.write(struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, end - start, 0xFFFFFFFF, 0))
    checkpoint = open_checkpoint(path)
    assert checkpoint.tensors["a"].bytes == size
    with path.open("rb") as file:
        assert checkpoint.whole(file, "b").tolist() == [1, 2, 3, 4]
    with pytest.raises(SongdeskError, match="take more than"):
        plain_objects(path, limit_bytes=MB)
