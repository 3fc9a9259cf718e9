"""Every tensor of the published audio checkpoints is accounted for, at their full size and with no values."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from core.levo.convert_audio import AudioConversion, plan_audio
from core.levo.roles import SOUND
from core.levo.shapes import shapes_of
from core.levo.stored import open_checkpoint
from core.levo.weights import hollow
from core.registry import variant
from core.tensors import DTYPES, Layout, _header
from tests.core.levo.conversion import written_and_taken

INVENTORY = Path(__file__).parents[2] / "golden" / "audio" / "inventory"
ROLES = {
    "model_1rvq": ("mix_encoder",),
    "model_septoken": ("stem_encoder", "flow"),
    "vae": ("vae",),
    "htdemucs": ("separator",),
}
BEYOND_THE_SPEC = {f"rvq_bestrq_emb.quantizers.0.out_proj.{x}" for x in ("weight_g", "weight_v", "bias")}
"""Read from the smaller tokenizer though only its codes are used: our quantizers have both sides."""


def inventory(name: str) -> dict[str, tuple[Layout, str]]:
    """Layout and use of every tensor of a published file; what the inventory leaves open is F32 and used."""
    tensors = json.loads((INVENTORY / f"{name}.json").read_text())["tensors"]
    return {
        key: (
            Layout(DTYPES[about.get("published_dtype", "F32")], tuple(about["shape"])),
            about.get("use", ""),
        )
        for key, about in tensors.items()
    }


def sparse(path: Path, layout: Mapping[str, Layout], values: Mapping[str, Tensor] | None = None) -> Path:
    """A safetensors file of zeros but for some tensors; the zeros take no room on the disk."""
    with path.open("wb") as file:
        start = file.write(_header(layout, {}))
        file.truncate(start + sum(each.bytes for each in layout.values()))
    tensors = open_checkpoint(path).tensors
    with path.open("r+b") as file:
        for name, value in (values or {}).items():
            file.seek(tensors[name].offset)
            file.write(value.to(layout[name].dtype).contiguous().numpy().tobytes())
    return path


def state_of(build: Callable[[], nn.Module]) -> dict[str, Tensor]:
    with hollow():
        return build().state_dict()


def planned(path: Path, out: Path | None = None) -> AudioConversion:
    plan = plan_audio(open_checkpoint(path), out)
    assert plan is not None
    return plan


@pytest.mark.parametrize("name", ROLES)
def test_every_published_tensor_is_used_or_knowingly_left_out(name: str, tmp_path: Path) -> None:
    listed = inventory(name)
    plan = planned(sparse(tmp_path / "x", {key: layout for key, (layout, _) in listed.items()}), tmp_path)
    assert plan.unknown == ()
    assert {*plan.kept, *plan.dropped} == listed.keys()
    assert len(plan.kept) + len(plan.dropped) == len(listed)
    used = {key for key, (_, use) in listed.items() if use != "unused"}
    assert {*plan.kept} == used | (BEYOND_THE_SPEC if name == "model_1rvq" else set())
    assert plan.fit.models == ("v2-large", "v2-medium", "v1-large", "v1-base-full", "v1-base")
    shapes = {key: layout.shape for key, (layout, _) in listed.items()}
    assert plan.fit.wanted(plan.fit.made).items() <= shapes.items()


@pytest.mark.parametrize("name", ROLES)
def test_every_tensor_of_ours_is_made_in_its_shape_and_dtype(name: str, tmp_path: Path) -> None:
    listed = inventory(name)
    plan = planned(sparse(tmp_path / "x", {key: layout for key, (layout, _) in listed.items()}), tmp_path)
    shapes = shapes_of(variant("v2-large").shapes)
    assert tuple(target.role for target in plan.targets) == ROLES[name]
    for target in plan.targets:
        ours = state_of(lambda role=target.role: SOUND[role](shapes))  # type: ignore[misc]
        assert {key: layout.shape for key, layout in target.layout.items()} == {
            key: tuple(like.shape) for key, like in ours.items()
        }
        short = {key for key, layout in target.layout.items() if layout.dtype is torch.float16}
        assert bool(short) == (name != "vae" and name != "htdemucs")
        assert not any(key.endswith((".factor", ".offset", "enter.weight_g")) for key in short)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's account of memory")
def test_a_published_size_takes_a_few_tensors_of_memory(tmp_path: Path) -> None:
    """3.8 GB, read from a file of holes and written as 3 GB, within 1.5 GB over what importing takes."""
    layout = {key: about for key, (about, _) in inventory("model_septoken").items()}
    directions = {key: torch.ones(about.shape) for key, about in layout.items() if key.endswith("weight_v")}
    path = sparse(tmp_path / "x", layout, directions | {"normfeat.counts": torch.tensor([1e5])})
    assert path.stat().st_size > 3.7e9
    written, more = written_and_taken(path, tmp_path / "out", config=tmp_path)
    for left in (tmp_path / "out").iterdir():
        left.unlink()
    assert written > 2.9e9
    assert more < 1.5e9
