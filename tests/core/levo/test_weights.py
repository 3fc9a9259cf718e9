"""Weights come in whole, in the dtype asked for, or with one clear line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.overrides import TorchFunctionMode

from core.errors import SongdeskError
from core.levo import weights
from core.levo.weights import hollow, load_module, module_by_pieces

CPU = torch.device("cpu")


def build() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.Embedding(5, 3))


def saved(path: Path, **changes: torch.Tensor | None) -> Path:
    state = {**build().state_dict(), **changes}
    save_file({key: value for key, value in state.items() if value is not None}, path)
    return path


class Noted(TorchFunctionMode):
    """Notes from which modules of torch functions are called."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        self.seen.add(getattr(func, "__module__", None) or "")
        return func(*args, **(kwargs or {}))


def test_a_hollow_module_has_its_shapes_and_no_memory_and_nothing_fills_it() -> None:
    with Noted() as usual:
        filled = build()
    with Noted() as noted, hollow():
        module = build()
    assert nn.init.__name__ in usual.seen
    assert nn.init.__name__ not in noted.seen
    assert all(tensor.is_meta for tensor in module.state_dict().values())
    assert [x.shape for x in module.state_dict().values()] == [x.shape for x in filled.state_dict().values()]
    assert not nn.Linear(2, 2).weight.is_meta, "outside, all is as before"


def test_every_tensor_of_the_file_arrives_and_nothing_is_left_on_meta(tmp_path: Path) -> None:
    wanted = build()
    save_file(wanted.state_dict(), tmp_path / "w.safetensors")
    loaded = load_module(build, tmp_path / "w.safetensors", CPU)
    assert not loaded.training
    for key, value in loaded.state_dict().items():
        assert value.device == CPU
        assert not value.requires_grad
        assert torch.equal(value, wanted.state_dict()[key])


@pytest.mark.parametrize(("piece", "pauses"), [(1, 3), (40, 2), (1 << 20, 0)])
def test_between_pieces_of_some_bytes_there_is_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int, pauses: int
) -> None:
    monkeypatch.setattr(weights, "_PIECE", piece)
    wanted = build()
    save_file(wanted.state_dict(), tmp_path / "w.safetensors")
    loading, seen = module_by_pieces(build, tmp_path / "w.safetensors", CPU), 0
    while True:
        try:
            next(loading)
        except StopIteration as end:
            loaded = end.value
            break
        seen += 1
    assert seen == pauses
    assert all(torch.equal(value, wanted.state_dict()[key]) for key, value in loaded.state_dict().items())


def test_halves_become_what_the_module_declares_unless_another_dtype_is_asked_for(tmp_path: Path) -> None:
    halves = {key: value.half() for key, value in build().state_dict().items()}
    save_file(halves, tmp_path / "w.safetensors")
    assert load_module(build, tmp_path / "w.safetensors", CPU)[0].weight.dtype == torch.float32
    other = load_module(build, tmp_path / "w.safetensors", CPU, dtype=torch.bfloat16)
    assert other[0].weight.dtype == torch.bfloat16


def test_keys_of_others_are_ignored_and_a_prefix_picks_ours(tmp_path: Path) -> None:
    ours = build()
    state = {f"part.{key}": value for key, value in ours.state_dict().items()}
    save_file({**state, "stray": torch.zeros(2)}, tmp_path / "w.safetensors")
    loaded = load_module(build, tmp_path / "w.safetensors", CPU, prefix="part.")
    assert torch.equal(loaded.state_dict()["1.weight"], ours.state_dict()["1.weight"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SongdeskError, match="not here") as caught:
        load_module(build, tmp_path / "absent.safetensors", CPU)
    assert caught.value.where.endswith("absent.safetensors")


def test_missing_tensors_are_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.safetensors", **{"0.bias": None})
    with pytest.raises(SongdeskError, match=r"1 of 3 tensors are missing: 0\.bias"):
        load_module(build, path, CPU)


def test_another_shape_is_named_with_both_shapes(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.safetensors", **{"0.weight": torch.zeros(4, 2)})
    with pytest.raises(SongdeskError, match=r"0\.weight is 4×2 where 4×3 belongs"):
        load_module(build, path, CPU)


def test_a_git_lfs_pointer_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n")
    with pytest.raises(SongdeskError, match="LFS pointer") as caught:
        load_module(build, path, CPU)
    assert "git lfs pull" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip, say", b"\xff" * 100])
def test_a_damaged_file_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(SongdeskError, match="damaged"):
        load_module(build, path, CPU)


def test_a_file_cut_short_is_damaged(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.safetensors")
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(SongdeskError, match="damaged"):
        load_module(build, path, CPU)
