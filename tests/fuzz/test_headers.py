"""Headers of safetensors files made by hand to lie are refused in words."""

from pathlib import Path

import pytest

from core.errors import SongdeskError
from core.levo.stored import open_checkpoint
from core.tensors import load_tensors
from tests.fuzz.evil import MB, entry, header

ONE = b'{"dtype":"U8","shape":[1],"data_offsets":[0,1]}'
HEADERS: dict[str, tuple[bytes, str]] = {
    "2 ** 63": (header({"a": entry()}, bytes(16), length=1 << 63), "cut short or damaged"),
    "2 ** 64 - 1": (header({"a": entry()}, bytes(16), length=(1 << 64) - 1), "cut short or damaged"),
    "just longer": (header({"a": entry()}, b"", length=500), "cut short or damaged"),
    "empty": (header(b"{}"), ""),
    "names twice": (header(b'{"a":%s,"a":%s}' % (ONE, ONE), b"1"), "a name twice"),
    "keys twice": (header(b'{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}', b"1"),
                   "a name twice"),
    "nan": (header(b'{"a":{"dtype":"U8","shape":[NaN],"data_offsets":[0,1]}}', b"1"), "NaN in its header"),
    "infinite": (header(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,Infinity]}}', b"1"), "Infinity"),
    "fraction": (header({"a": entry("F32", [4.0])}, bytes(16)), "a shape that no tensor has"),
    "truth": (header({"a": entry("U8", [True], [0, 1])}, b"1"), "a shape that no tensor has"),
    "below 0": (header({"a": entry("F32", [-4])}, bytes(16)), "a shape that no tensor has"),
    "two below 0": (header({"a": entry("F32", [-2, -2])}, bytes(16)), "a shape that no tensor has"),
    "runs over": (header({"a": entry("F32", [1 << 32, 1 << 32])}, bytes(16)), "a shape that no tensor has"),
    "runs over, then none": (header({"a": entry("F32", [1 << 62, 1 << 62, 0], [0, 0])}), "a shape that no"),
    "many axes": (header({"a": entry("F32", [1] * 99, [0, 4])}, bytes(4)), "a shape that no tensor has"),
    "a long number": (header(b'{"a":{"shape":[%s]}}' % (b"9" * 5000)), "damaged"),
    "another size": (header({"a": entry("F32", [4], [0, 12])}, bytes(12)), "another size than its shape"),
    "backwards": (header({"a": entry("F32", [0], [16, 0])}, bytes(16)), "another size than its shape"),
    "one offset": (header({"a": entry("F32", [4], [0])}, bytes(16)), "another size than its shape"),
    "unknown type": (header({"a": entry("F4")}, bytes(16)), "a type that is not known"),
    "no type": (header({"a": entry(["F32"])}, bytes(16)), "a type that is not known"),
    "no tensor": (header({"a": 7}), "a is no tensor"),
    "more said": (header({"a": {**entry(), "run": "x"}}, bytes(16)), "a is no tensor"),
    "overlap": (header({"a": entry(), "b": entry()}, bytes(16)), "overlap"),
    "a gap": (header({"a": entry(), "b": entry(offsets=[20, 36])}, bytes(36)), "gaps"),
    "a gap at the front": (header({"a": entry(offsets=[4, 20])}, bytes(20)), "gaps"),
    "more behind": (header({"a": entry()}, bytes(17)), "more in it than its tensors"),
    "short": (header({"a": entry()}, bytes(15)), "cut short"),
    "a name that steers": (header({"\x1b[2J": entry()}, bytes(16)), "no text that can be shown"),
    "half a character": (header(b'{"\\ud800":%s}' % ONE, b"1"), "no text that can be shown"),
    "a long name": (header({"x" * 2000: entry()}, bytes(16)), "too long"),
    "said in numbers": (header({"__metadata__": {"a": 1}}), "no text"),
    "said in a list": (header({"__metadata__": []}), "no text"),
    "a list": (header(b"[" + b"7," * 9 + b"7]"), "no list of tensors|neither a torch zip file nor"),
    "nested": (header(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "damaged"),
    "no utf-8": (header(b'{"\xff": 1}'), "damaged"),
    "many lists": (header(b'{"a":[' + b"[]," * (4 * MB // 3 - 9) + b"[]]}"), "a is no tensor"),
    "a huge header": (header(b"{" + b" " * (5 * MB) + b"}"), "longer than any model's"),
}  # fmt: skip


@pytest.mark.parametrize("case", HEADERS)
def test_a_header_that_lies_is_refused(case: str, tmp_path: Path) -> None:
    data, what = HEADERS[case]
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    if not what:
        assert load_tensors(path) == {}
        return
    for read in (open_checkpoint, load_tensors):
        with pytest.raises(SongdeskError, match=what) as told:
            read(path)
        assert str(told.value).isprintable()
