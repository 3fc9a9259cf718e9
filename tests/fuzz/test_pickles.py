"""Indexes made by hand to do harm are refused by name, and nothing of them runs."""

import struct
from pathlib import Path

import pytest

from core.errors import SongdeskError
from core.levo.stored import open_checkpoint, plain_objects
from tests.fuzz import evil
from tests.fuzz.evil import MARK, MB, PROTO, STOP, archive, named, number, short, table, tensor, text

TOUCH = text("touch executed")


def group1(item: bytes) -> bytes:
    return item + b"\x85"


def getattrs() -> bytes:
    """Gets at `os.system` step by step, from what is allowed."""
    inner = (
        named("builtins", "getattr")
        + evil.group(named("torch._utils", "_rebuild_tensor_v2"), text("x"))
        + b"R"
    )
    return PROTO + inner + group1(TOUCH) + b"R" + STOP


def doubled(steps: int) -> bytes:
    """A pair of one pair twice, which is a pair of one pair twice, and so on."""
    pairs = (b"q" + bytes([n]) + MARK + b"h" + bytes([n]) + b"h" + bytes([n]) + b"t" for n in range(steps))
    return PROTO + b"}" + text("a") + MARK + text("b") + b"".join(pairs) + b"ts" + STOP


EVIL: dict[str, tuple[bytes, str]] = {
    "call of the system": (
        b"cos\nsystem\n(S'touch executed'\ntR.",
        r"it holds code \(os\.system, GLOBAL at byte 0\), not tensors alone; nothing of it was run",
    ),
    "posix": (
        PROTO + named("posix", "system") + group1(TOUCH) + b"R.",
        r"\(posix\.system, GLOBAL at byte 2\)",
    ),
    "stacked name": (
        b"\x80\x04" + short("os") + short("system") + b"\x93" + group1(TOUCH) + b"R.",
        r"\(os\.system, STACK_GLOBAL at byte 14\)",
    ),
    "name made by a call": (
        b"\x80\x04" + named("torch", "Size") + group1(b")") + b"R" + short("system") + b"\x93.",
        r"\(a name that is put together, STACK_GLOBAL at byte",
    ),
    "escaped name": (PROTO + b"ctorch\nS\\x69ze\n.", r"\(a name that is put together, GLOBAL at byte 2\)"),
    "attributes": (getattrs(), r"\(builtins\.getattr, GLOBAL at byte 2\)"),
    "instance": (b"(S'touch executed'\nios\nsystem\n.", r"\(os\.system, INST at byte 19\)"),
    "object": (PROTO + MARK + named("collections", "OrderedDict") + b"o.", r"\(OBJ at byte"),
    "new object": (PROTO + named("torch", "Size") + b")\x81.", r"\(NEWOBJ at byte"),
    "extension": (PROTO + b"\x82\x01.", r"\(EXT1 at byte 2\)"),
    "persistent text": (b"Pstorage\n.", r"\(storage, PERSID at byte 0\)"),
    "call of what was made": (PROTO + b"]" + b")R.", r"a call of what was made before, REDUCE at byte 4"),
    "call of a storage": (PROTO + named("torch", "FloatStorage") + b")R.", r"a call of torch\.FloatStorage"),
    "state of a list": (PROTO + b"]}b.", r"the inner state of an object, BUILD at byte 4"),
    "state of a dictionary": (
        PROTO + named("collections", "OrderedDict") + b")R}" + text("items") + b"NsbR.",
        r"the inner state of an object, BUILD at byte",
    ),
    "loader of bytes": (
        PROTO + named("torch.storage", "_load_from_bytes") + group1(b"N") + b"R.",
        r"torch\.storage\._load_from_bytes",
    ),
    "name that steers a terminal": (PROTO + b"cos\x1b[2J\nx\n.", r"\('os\\x1b\[2J\.x', GLOBAL at byte 2\)"),
    "hooks": (table(a=tensor(hooks=b"K\x01")), "not described as torch does"),
    "reaches beyond": (table(a=tensor((5,))), "reaches beyond its values"),
    "begins beyond": (table(a=tensor((0,), (1,), 5)), "reaches beyond its values"),
    "negative size": (table(a=tensor((-4,))), "not described as torch does"),
    "negative stride": (table(a=tensor((4,), (-1,), 3)), "not described as torch does"),
    "negative place": (table(a=tensor((1,), (1,), -1)), "not described as torch does"),
    "product that runs over": (table(a=tensor((1 << 40, 1 << 40), (0, 0))), "a shape that no tensor has"),
    "no product": (table(a=tensor((1 << 62, 4), (0, 0))), "not described as torch does"),
    "many axes": (table(a=tensor((1,) * 17, (1,) * 17)), "a shape that no tensor has"),
    "axes that differ": (table(a=tensor((2, 2), (1,))), "a shape that no tensor has"),
    "number for a truth": (table(a=tensor((4,), (1,), 0, evil.storage(count=-4))), "is no storage"),
    "missing record": (table(a=tensor(of=evil.storage("9"))), "damaged"),
    "record of another size": (table(a=tensor((1,), (1,), 0, evil.storage(count=1 << 40))), "damaged"),
    "path for a key": (table(a=tensor(of=evil.storage("../../../../etc/passwd"))), "damaged"),
    "no storage": (table(a=group1(text("x")) + b"Q"), "is no storage"),
    "a class for a value": (table(a=named("torch", "FloatStorage")), "a class of torch's stands in it"),
    "a storage for a value": (table(a=evil.storage()), "a class of torch's stands in it"),
    "long of 2 GB": (PROTO + b"\x8b" + struct.pack("<i", (1 << 31) - 1) + b"\1" * 99, "damaged"),
    "long of less than nothing": (PROTO + b"\x8b" + struct.pack("<i", -1) + b".", "damaged"),
    "text of 4 GB": (PROTO + b"X" + b"\xff" * 4 + b"abc.", "damaged"),
    "text of 2 ** 63": (b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7f" + b"abc.", "damaged"),
    "long number": (PROTO + b"}" + text("a") + number(1 << 65) + b"s.", "larger than any size"),
    "long decimal": (b"L" + b"9" * 100_000 + b"L\n.", "damaged"),
    "long text": (table(a=text("x" * (MB + 1))), "longer than any name"),
    "marks": (PROTO + MARK * 100_000 + STOP, "nested deeper"),
    "lists in lists": (PROTO + b"]" * 100_000 + b"a" * 99_999 + STOP, "nested deeper"),
    "tuples in tuples": (PROTO + b")" + b"\x85" * 100_000 + STOP, "nested deeper"),
    "bomb of tuples": (doubled(60), "more than any checkpoint"),
    "holds itself": (PROTO + b"}" + text("a") + b"]q\0h\0as.", "holds itself"),
    "keys that hash alike": (
        PROTO + b"}" + MARK + b"".join(number(n * ((1 << 61) - 1)) + b"N" for n in range(1, 20_000)) + b"u.",
        "larger than any size|no word that can be shown, and no number",
    ),
    "a tuple for a key": (PROTO + b"}" + b")\x85" + b"Ns.", "a key in it is no word"),
    "a float for a key": (PROTO + b"}G" + b"\x7f\xf8" + b"\0" * 6 + b"Ns.", "a key in it is no word"),
    "a key that steers a terminal": (PROTO + b"}" + text("\x1b]0;x\x07") + b"Ns.", "a key in it is no word"),
    "half a character": (PROTO + b"}" + text("\ud800") + b"Ns.", "a key in it is no word"),
    "keys into a list": (PROTO + b"]" + text("a") + b"Ns.", "no dictionary"),
    "odd keys": (PROTO + b"}" + MARK + text("a") + b"u.", "no dictionary"),
    "items into a dictionary": (PROTO + b"}Na.", "appends to what is no list"),
    "a list in a set": (PROTO + named("__builtin__", "set") + group1(b"]]a") + b"R.", "more than words and"),
    "a set of no list": (
        PROTO + named("builtins", "set") + group1(b"N") + b"R.",
        "a set in it is not written",
    ),
    "nothing": (b"", "damaged"),
    "only an end": (STOP, "damaged"),
    "two values": (PROTO + b"NN.", "damaged"),
    "an open mark": (PROTO + b"N(.", "damaged"),
    "more behind it": (table(a=b"N") + b"cos\nsystem\n", "damaged"),
    "taken from nothing": (PROTO + b"R.", "damaged"),
    "never put aside": (PROTO + b"h\x07.", "damaged"),
    "two protocols": (PROTO + b"\x80\x05}.", ""),
    "endless steps": (PROTO + MARK + b"}" * 1_100_000 + b"t.", "more steps than that of any checkpoint"),
    "another step": (PROTO + b"N0" * 10, "a step that plain data has not: POP"),
    "buffer outside": (b"\x80\x05\x97.", "a step that plain data has not: NEXT_BUFFER"),
    "set": (b"\x80\x04\x8f.", "a step that plain data has not: EMPTY_SET"),
}


@pytest.mark.parametrize("case", EVIL)
def test_an_index_that_means_harm_is_refused_by_name(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, what = EVIL[case]
    monkeypatch.chdir(tmp_path)
    path = archive(tmp_path / "x.pt", index)
    for read in (open_checkpoint, lambda of: plain_objects(of, limit_bytes=4 * MB)):
        if not what:
            read(path)
            continue
        with pytest.raises(SongdeskError, match=what) as told:
            read(path)
        assert str(told.value).isprintable()
        assert (told.value.where, bool(told.value.hint)) == (str(path), True)
    assert [found.name for found in tmp_path.iterdir()] == ["x.pt"]


def test_eval_through_names_put_aside_is_named(tmp_path: Path) -> None:
    stored = b"\x80\x04" + short("eval") + b"\x94" + short("builtins") + b"\x94"
    index = stored + b"h\x01h\x00\x93" + group1(text("open('executed', 'w')")) + b"R" + STOP
    with pytest.raises(SongdeskError, match=r"builtins\.eval, STACK_GLOBAL at byte 24"):
        open_checkpoint(archive(tmp_path / "x.pt", index))
