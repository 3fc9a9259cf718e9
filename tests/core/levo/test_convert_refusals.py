"""Files that are no whole checkpoint are refused by name, and nothing in them runs."""

import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from core.errors import SongdeskError
from core.levo.convert import convert

Spoil = Callable[[Path, dict[str, Tensor]], object]
MARK = b"executed"


def archive(path: Path, records: Mapping[str, bytes], *, packing: int = zipfile.ZIP_STORED) -> Path:
    """A zip file as torch lays it out, with whatever index."""
    with zipfile.ZipFile(path, "w", packing) as file:
        for name, content in records.items():
            file.writestr(f"model/{name}", content)
    return path


def spoil_state(change: Callable[[dict[str, Tensor]], object]) -> Spoil:
    def spoil(path: Path, state: dict[str, Tensor]) -> None:
        change(state)
        torch.save(state, path)

    return spoil


def cut_short(save: Callable[[dict[str, Tensor], Path], object]) -> Spoil:
    def spoil(path: Path, state: dict[str, Tensor]) -> None:
        save(state, path)
        path.write_bytes(path.read_bytes()[:-2000])

    return spoil


def evil(path: Path) -> bytes:
    """A pickle that makes a file beside `path` when it is loaded."""
    return f"cos\nsystem\n(S'touch {path.parent / MARK.decode()}'\ntR.".encode()


BAD: dict[str, tuple[Spoil, str]] = {
    "missing": (lambda path, _: None, "no such file"),
    "folder": (lambda path, _: path.mkdir(), "a folder"),
    "empty": (lambda path, _: path.write_bytes(b""), "an empty file"),
    "pointer": (
        lambda path, _: path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        "only a Git LFS pointer",
    ),
    "page": (lambda path, _: path.write_bytes(b"\n<!DOCTYPE html><html>sign in</html>"), "a web page"),
    "noise": (lambda path, _: path.write_bytes(bytes(range(256)) * 9), "no checkpoint"),
    "bare pickle": (lambda path, _: path.write_bytes(b"\x80\x02" + evil(path)), "a bare pickle"),
    "code": (lambda path, _: archive(path, {"data.pkl": evil(path), "version": b"3"}), "holds code"),
    "broken index": (lambda path, _: archive(path, {"data.pkl": b"\x80\x02}q", "version": b"3"}), "damaged"),
    "other archive": (lambda path, _: archive(path, {"notes.txt": b"hello"}), "none that torch wrote"),
    "packed": (
        lambda path, _: archive(path, {"data.pkl": b"x" * 99}, packing=zipfile.ZIP_DEFLATED),
        "not as torch writes",
    ),
    "not a dictionary": (lambda path, _: torch.save([torch.ones(2)], path), "no dictionary of tensors"),
    "torch, cut": (cut_short(torch.save), "cut short or damaged"),
    "safetensors, cut": (cut_short(save_file), "cut short or damaged"),
    "another model": (
        lambda path, _: torch.save({"decoder.weight": torch.ones(2)}, path),
        "nothing of LeVo's",
    ),
    "no weights": (
        lambda path, _: torch.save({"state_dict": {"steps": 7}, "epoch": 3}, path),
        "nothing of LeVo's",
    ),
    "missing key": (
        spoil_state(lambda s: s.pop("audiolm.transformer.model.layers.0.self_attn.k_proj.weight")),
        r"1 tensors are missing: transformer\.model\.layers\.0\.self_attn\.k_proj",
    ),
    "missing layer": (
        spoil_state(lambda s: [s.pop(key) for key in list(s) if "transformer.model.layers.1." in key]),
        "main layers 1 where 2 belongs",
    ),
    "shape": (
        spoil_state(lambda s: s.update({"audiolm.mlp.0.weight": torch.ones(32, 32)})),
        "mlp.0.weight is 32×32 where 32×64 belongs",
    ),
    "whole numbers": (
        spoil_state(lambda s: s.update({"audiolm.mlp.0.weight": torch.ones(32, 64, dtype=torch.int8)})),
        "hold no 16- or 32-bit floats: audiolm.mlp.0.weight",
    ),
    "no numbers": (
        spoil_state(lambda s: s["audiolm.mlp.0.bias"].fill_(float("nan"))),
        "audiolm.mlp.0.bias has values that are no numbers",
    ),
    "transposed": (
        spoil_state(lambda s: s.update({"audiolm.mlp.0.weight": torch.ones(64, 32).t()})),
        "audiolm.mlp.0.weight is not stored as a row of values",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_is_no_whole_checkpoint_is_refused_by_name(
    case: str, published: dict[str, Tensor], tmp_path: Path
) -> None:
    spoil, what = BAD[case]
    path = tmp_path / "model.pt"
    spoil(path, published)
    with pytest.raises(SongdeskError, match=what) as told:
        convert(path)
    assert (told.value.where, bool(told.value.hint)) == (str(path), True)
    assert "\n" not in str(told.value)
    assert not (tmp_path / MARK.decode()).exists()
    assert not list((tmp_path / "ckpt").rglob("*.safetensors"))


def test_the_pickle_that_is_refused_would_have_run(tmp_path: Path) -> None:
    path = archive(tmp_path / "model.pt", {"data.pkl": evil(tmp_path / "model.pt"), "version": b"3"})
    run = "import sys, torch; torch.load(sys.argv[1], weights_only=False)"
    subprocess.run([sys.executable, "-c", run, str(path)], capture_output=True, check=False)
    assert (tmp_path / MARK.decode()).exists()
