"""The fork's `ckpt/` tree becomes the same weights as the published files, for all that it did to them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from core.levo.convert import convert
from core.levo.published import fuse
from core.levo.roles import SOUND
from core.levo.shapes import TokenShapes, shapes_of
from core.levo.tokens.model import TokenModel
from core.levo.weights import load_module
from core.registry import variant

CPU = torch.device("cpu")
MIX, STEMS, VAE, SEPARATOR = (
    "model_2_fixed.safetensors", "model_2.safetensors", "autoencoder_music_1320k.ckpt", "htdemucs.pth",
)  # fmt: skip
PLACES = {
    MIX: "ckpt/model_1rvq/model_2_fixed_fp32.safetensors",
    STEMS: "ckpt/model_septoken/model_2_fp32.safetensors",
    VAE: "ckpt/vae/autoencoder_music_1320k.ckpt",
    SEPARATOR: "third_party/demucs/ckpt/htdemucs.pth",
}
"""By published file where the fork has it; the tokenizers it widens to 32 bits."""
_DROPPED = ("transformer.model.embed_tokens.weight", "transformer2.model.embed_tokens.weight")

Publish = Callable[[str], Path]


def as_the_fork_has_it(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The language model after the fork's converter: bare names, joined rows, 16 bits (tokens spec §2.2)."""
    bare = {name.removeprefix("audiolm."): value for name, value in published.items()}
    kept = {name: bare[name] for name in ("layer2_emb.0.weight", "transformer2.lm_head.weight")}
    return {name: value.half().contiguous() for name, value in {**fuse(published), **kept}.items()}


@pytest.fixture
def tree(
    published: dict[str, Tensor], audio: dict[str, dict[str, Tensor]], publish: Publish, tmp_path: Path
) -> Path:
    """A folder as the fork leaves it, with models of a few thousand weights."""
    root = tmp_path / "fork"
    for file, place in PLACES.items():
        (root / place).parent.mkdir(parents=True)
        if file in (MIX, STEMS):
            wide = {name: value.float().contiguous() for name, value in audio[file].items()}
            save_file(wide, root / place)
        else:
            publish(file).rename(root / place)
    (root / "ckpt" / "songgeneration_v2").mkdir()
    torch.save(as_the_fork_has_it(published), root / "ckpt" / "songgeneration_v2" / "model_fp16.pt")
    return root


def loaded(role: str, path: Path) -> Mapping[str, Tensor]:
    """What a model computes with that loads a role from a file."""
    shapes = shapes_of(variant("tiny").shapes)
    if role == "tokens":
        return load_module(lambda: TokenModel(shapes.tokens), path, CPU, dtype=torch.float32).state_dict()
    return load_module(lambda: SOUND[role](shapes), path, CPU).state_dict()


def test_the_forks_language_model_has_the_tensors_that_the_specification_counts(
    published: dict[str, Tensor], tiny: TokenShapes
) -> None:
    state = as_the_fork_has_it(published)
    assert len(state) == 6 * (tiny.main_layers + tiny.sub_layers) + 22  # 310 in the large models
    assert not any(name in state for name in (*_DROPPED, "out_norm.weight", "out_norm.bias"))
    width = tiny.width
    layer = "transformer.model.layers.0"
    assert state[f"{layer}.self_attn.fused_qkv_proj.weight"].shape == (3 * width, width)
    assert state[f"{layer}.mlp.fused_gate_up_proj.weight"].shape == (2 * tiny.ffn, width)


def test_the_forks_language_model_is_loaded_as_the_published_one(
    tree: Path, model_pt: Path, tmp_path: Path
) -> None:
    theirs = convert(tree / "ckpt/songgeneration_v2/model_fp16.pt", tmp_path / "theirs")
    ours = convert(model_pt, tmp_path / "ours")
    assert (theirs.variant, theirs.version, theirs.unknown) == (ours.variant, ours.version, ())
    one, other = loaded("tokens", theirs.file), loaded("tokens", ours.file)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("file", [MIX, STEMS, VAE, SEPARATOR])
def test_the_forks_other_files_are_loaded_as_the_published_ones(
    file: str, tree: Path, publish: Publish, tmp_path: Path
) -> None:
    theirs = convert(tree / PLACES[file], tmp_path / "theirs")
    ours = convert(publish(file), tmp_path / "ours")
    assert (theirs.roles, theirs.unknown) == (ours.roles, ours.unknown)
    for role, one_path, other_path in zip(ours.roles, theirs.files, ours.files, strict=True):
        one, other = loaded(role, one_path), loaded(role, other_path)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one), role
