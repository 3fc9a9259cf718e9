"""Weights from anywhere, spoiled in any way, are read or refused; nothing is written but where it belongs."""

from pathlib import Path

import pytest
import torch
from hypothesis import strategies as st
from safetensors.torch import save
from torch import nn

from core.headers import SIZES
from core.levo.artifacts import Conditions, Start, Tokens
from core.levo.claims import ALLOWED
from core.levo.convert import convert, plan_conversion
from core.levo.stored import open_checkpoint, plain_objects
from core.levo.weights import load_module
from core.parity.folder import folders_in, open_folder
from core.takes.tokenhash import hash_of
from core.tensors import load_tensors, metadata_of, read_tensors
from tests.fuzz import evil
from tests.fuzz.spoil import fuzzed, holds, spoiled

TINY = {"0.weight": torch.ones(4, 3), "0.bias": torch.ones(4), "latents.mix": torch.ones(2, 3)}
ARTIFACTS = {
    "lyric_ids": torch.ones(2, 3, dtype=torch.int64), "structure": torch.ones(2, 3, dtype=torch.int64),
    "style_ids": torch.ones(2, 3, dtype=torch.int64), "prompt_codes": torch.ones(3, 0, dtype=torch.int64),
    "prompt_latents": torch.ones(3, 0, 4), "codes": torch.ones(3, 5, dtype=torch.int32),
}  # fmt: skip
SOUND = save({**TINY, **ARTIFACTS}, {"made_from": "x", "role": "tokens", "songdesk_layout": "1"})
FOREIGN = save({"audiolm.mlp.0.weight": torch.ones(2, 2), "audiolm.mlp.0.bias": torch.ones(2)}, {"of": "x"})
MB = 1 << 20


def all_of(path: Path) -> None:
    """Every way that a file of tensors is read."""
    for read in (open_checkpoint, lambda of: plain_objects(of, limit_bytes=MB), load_tensors, _loaded,
                 Conditions.load, Tokens.load, Start.load, read_whole, planned):  # fmt: skip
        holds(read, path)
    metadata_of(path)
    read_tensors(path)
    hash_of(path)


def _loaded(path: Path) -> None:
    load_module(lambda: nn.Sequential(nn.Linear(3, 4)), path, torch.device("cpu"))


def read_whole(path: Path) -> None:
    """Every float of a checkpoint."""
    checkpoint = open_checkpoint(path)
    with path.open("rb") as file:
        for name, stored in checkpoint.tensors.items():
            assert stored.values >= 0
            if stored.dtype is not None:
                checkpoint.whole(file, name)


def planned(path: Path) -> None:
    """What a conversion would come to, and the conversion where there is one."""
    out = path.parent / "out"
    plan_conversion(open_checkpoint(path), out)
    convert(path, out)


@pytest.fixture(scope="module")
def torch_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What torch writes of everything."""
    return evil.saved(tmp_path_factory.mktemp("torch") / "x.pt")


def _spoiled_torch(walls: Path, torch_file: bytes, data: st.DataObject) -> None:
    (walls / "x.pt").write_bytes(data.draw(spoiled(torch_file)))
    all_of(walls / "x.pt")


def _spoiled_tensors(walls: Path, data: bytes) -> None:
    (walls / "x.safetensors").write_bytes(data)
    all_of(walls / "x.safetensors")


ALONE = b"(.012N}])\x85\x86\x87tldaesuRbQo\x81\x92\x93\x94\x88\x89\x8f\x90\x91\x97\x98"
WITH_MORE = (
    b"q\0", b"h\0", b"q\1", b"h\1", b"\x80\x02", b"\x80\x04", b"\x82\1", b"ios\nsystem\n", b"Px\n",
    b"I7\n", b"F1.5\n", b"L7L\n", b"\x95" + bytes(8),
)  # fmt: skip
OPS = st.sampled_from([*(bytes([code]) for code in ALONE), *WITH_MORE])
NAMES = st.sampled_from(
    [*((name.rpartition(".")[0], name.rpartition(".")[2]) for name in sorted(ALLOWED)), ("os", "system"),
     ("builtins", "eval"), ("torch.storage", "_load_from_bytes"), ("torch\\x2e_utils", "x"), ("a b", "c")]
)  # fmt: skip
NUMBERS = st.integers(-3, 9) | st.sampled_from(
    [1 << 31, 1 << 40, 1 << 48, 1 << 62, -(1 << 40), (1 << 61) - 1]
)
TEXTS = st.sampled_from(
    ["storage", "0", "1", "cpu", "latin1", "state_dict", "../../x", "\x1b[2J", "\ud800", "a", ""]
)
PIECES = st.one_of(
    OPS,
    NAMES.map(lambda name: evil.named(*name)),
    NUMBERS.map(evil.number),
    TEXTS.map(evil.text),
    st.tuples(st.sampled_from(["0", "1", "../x"]), NUMBERS).map(lambda of: evil.storage(of[0], of[1])),
    st.tuples(st.lists(NUMBERS, max_size=3), st.lists(NUMBERS, max_size=3), NUMBERS).map(
        lambda of: evil.tensor(tuple(of[0]), tuple(of[1]), of[2])
    ),
)
INDEXES = st.one_of(
    st.lists(PIECES, max_size=25).map(lambda parts: b"\x80\x02" + b"".join(parts) + b"."),
    st.lists(st.tuples(TEXTS, PIECES), max_size=6).map(
        lambda parts: b"\x80\x02}(" + b"".join(evil.text(key) + value for key, value in parts) + b"u."
    ),
)


def _streams(walls: Path, index: bytes, floats: int) -> None:
    all_of(evil.archive(walls / "x.pt", index, {"data/0": bytes(floats), "data/1": b"", "version": b"3"}))


SHAPES: st.SearchStrategy[object] = st.lists(NUMBERS, max_size=4) | st.sampled_from(
    [None, "x", 1.5, [1.5], [True], [[1]], {}]
)
ENTRIES = st.fixed_dictionaries(
    {"dtype": st.sampled_from([*SIZES, "F4", "", None, 3]), "shape": SHAPES},
    optional={"data_offsets": SHAPES | st.lists(st.integers(0, 40), min_size=2, max_size=2), "x": st.none()},
)
HEADERS = st.dictionaries(
    TEXTS | st.sampled_from(["__metadata__", "codes", "0.weight", "x" * 2000]) | st.text(max_size=5),
    ENTRIES | st.none() | st.dictionaries(st.text(max_size=4), st.text(max_size=4) | st.none(), max_size=2),
    max_size=5,
)


def _headers(walls: Path, said: object, values: int, length: int | None) -> None:
    (walls / "x.safetensors").write_bytes(evil.header(said, bytes(values), length=length))
    all_of(walls / "x.safetensors")


def _sound_headers(walls: Path, sizes: list[tuple[str, list[int]]]) -> None:
    """Headers that hold, of every type: what is accepted is there in full."""
    said, at = {}, 0
    for n, (dtype, shape) in enumerate(sizes):
        end = at + SIZES[dtype] * torch.Size(shape).numel()
        said[f"latents.{n}"] = {"dtype": dtype, "shape": shape, "data_offsets": [at, end]}
        at = end
    path = walls / "x.safetensors"
    path.write_bytes(evil.header(said, bytes(at)))
    assert {name: list(each.shape) for name, each in load_tensors(path).items()} == {
        f"latents.{n}": shape for n, (_, shape) in enumerate(sizes)
    }
    all_of(path)


MANIFEST = b'{"cases": [{"name": "a", "file": "../../x"}], "tiny_config": {"a": [1, 2]}}'


def _manifests(walls: Path, data: bytes) -> None:
    def read(path: Path) -> None:
        for folder in folders_in(path.parent):
            golden = open_folder(folder)
            assert golden.kind in ("lm", "audio", "other")
            golden.entries("manifest.json")

    (walls / "manifest.json").write_bytes(data)
    holds(read, walls / "manifest.json")


LENGTHS = st.none() | st.sampled_from([0, 1, 8, 1 << 31, 1 << 63, (1 << 64) - 1])
SIZED = st.lists(
    st.tuples(st.sampled_from(sorted(SIZES)), st.lists(st.integers(0, 3), max_size=3)), max_size=5
)

test_torch_files, test_torch_files_long = fuzzed(_spoiled_torch, data=st.data())
test_safetensors, test_safetensors_long = fuzzed(_spoiled_tensors, data=spoiled(SOUND) | spoiled(FOREIGN))
test_opcodes, test_opcodes_long = fuzzed(_streams, index=INDEXES, floats=st.sampled_from([0, 16, 40]))
test_headers, test_headers_long = fuzzed(_headers, said=HEADERS, values=st.integers(0, 64), length=LENGTHS)
test_sound_headers, test_sound_headers_long = fuzzed(_sound_headers, sizes=SIZED)
test_manifests, test_manifests_long = fuzzed(_manifests, data=spoiled(MANIFEST))
