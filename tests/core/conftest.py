"""Published checkpoints of a few thousand weights, for what reads them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from core.levo.demo import rule_state
from core.levo.published_audio import Source, sources
from core.levo.roles import SOUND
from core.levo.shapes import TokenShapes, shapes_of
from core.levo.tokens.model import TokenModel
from core.levo.weights import hollow
from core.parity import audio_rule
from core.registry import variant, variants
from tests.toy import SHAPES

_ROLES = {
    "model_2_fixed.safetensors": ("mix_encoder",),
    "model_2.safetensors": ("stem_encoder", "flow"),
    "autoencoder_music_1320k.ckpt": ("vae",),
    "htdemucs.pth": ("separator",),
}
"""By published file the roles that are in it."""
_UNUSED = (
    "bestrq.model.cls_token", "bestrq.model.conformer.layers.9.final_layer_norm.weight",
    "bestrq.model.conformer.layers.0.conv_module.batch_norm.num_batches_tracked",
    "bestrq.model.conformer.pos_conv_embed.conv.weight_g", "rvq_bestrq_emb.quantizers.0.stale_counter",
    "rsp48toclap.kernel", "zero_cond_embedding1", "normfeat.sum_target_x2",
)  # fmt: skip
"""A few of those that both tokenizers have; values of no use come with them."""
_SHORT = ("bestrq.", "rvq_")
"""Beginnings of the names whose tensors have 16 bits in the larger tokenizer too."""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TokenShapes:
    """The shapes of a model listed as `tiny`, whose weights would be published; $SONGDESK_CKPT is empty."""
    home = tmp_path / "config"
    (home / "songdesk").mkdir(parents=True)
    entry = {
        "family": "levo", "title": "Tiny", "note": "for tests", "version": "v2",
        "limits": {"seconds": 60, "lyric_tokens": 8, "style_tokens": 4},
        "shapes": SHAPES,
    }  # fmt: skip
    (home / "songdesk" / "models.yaml").write_text(json.dumps({"tiny": entry}))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.setenv("SONGDESK_CKPT", str(tmp_path / "ckpt"))
    monkeypatch.delenv("SONGDESK_QWEN2", raising=False)
    variants.cache_clear()
    return shapes_of(variant("tiny").shapes).tokens


@pytest.fixture
def published(tiny: TokenShapes) -> dict[str, Tensor]:
    """A state dict of the tiny model as it would be published: 16 bits in main and text tables, else 32."""
    with hollow():
        model = TokenModel(tiny)
    state: dict[str, Tensor] = {}
    for key, value in rule_state(model).items():
        short = key.startswith(("transformer.", "condition_provider."))
        state |= _parts("audiolm." + key, value.bfloat16() if short else value)
    heads, width = torch.ones(tiny.codes + 1, tiny.width), torch.ones(tiny.width)
    for name in ("transformer.model.embed_tokens", "transformer2.model.embed_tokens", "transformer2.lm_head"):
        state[f"audiolm.{name}.weight"] = heads.clone()
    state["audiolm.layer2_emb.0.weight"] = torch.ones(tiny.codes + 2, tiny.width)
    return state | {"audiolm.out_norm.weight": width, "audiolm.out_norm.bias": width.clone()}


@pytest.fixture(scope="session")
def made() -> dict[str, dict[str, Source]]:
    """By role of the tiny model's sound, and by key of ours, of what it is made."""
    shapes = shapes_of(SHAPES)
    by_role = {}
    for role, build in SOUND.items():
        with hollow():
            state = build(shapes).state_dict()
        ours = {key: tuple(like.shape) for key, like in state.items()}
        by_role[role] = sources(role, ours, width=shapes.flow.width)
    return by_role


@pytest.fixture(scope="session")
def _drawn(made: dict[str, dict[str, Source]]) -> dict[str, dict[str, Tensor]]:
    states = {}
    for file, roles in _ROLES.items():
        ours = (source for role in roles for source in made[role].values())
        wanted = {name: shape for source in ours for name, shape in source.wanted.items()}
        drawn = audio_rule.rule_state(wanted, file)
        states[file] = {
            name: drawn[name] if name in drawn else torch.rand(shape) for name, shape in wanted.items()
        }
    return states


@pytest.fixture
def audio(tiny: TokenShapes, _drawn: dict[str, dict[str, Tensor]]) -> dict[str, dict[str, Tensor]]:
    """By published file the tiny model's tensors as they are in it: 16 bits in tokenizers, else 32."""
    states = {file: {name: x.clone() for name, x in state.items()} for file, state in _drawn.items()}
    mix, stems = states["model_2_fixed.safetensors"], states["model_2.safetensors"]
    for state in (mix, stems):
        state |= {name: torch.full((2,), torch.nan) for name in _UNUSED}
        state |= {name: x.half() for name, x in state.items() if state is mix or name.startswith(_SHORT)}
    stems["cfm_wrapper.estimator.wte.weight"] = torch.full((99, 20), torch.nan)
    return states


@pytest.fixture
def publish(audio: dict[str, dict[str, Tensor]], tmp_path: Path) -> Callable[[str], Path]:
    """Writes one of the tiny model's audio checkpoints, as it stands, in the form of the published file."""

    def write(file: str) -> Path:
        path, state = tmp_path / file, audio[file]
        if path.suffix == ".safetensors":
            save_file({name: x.clone() for name, x in state.items()}, path)
        elif path.suffix == ".ckpt":
            torch.save({"state_dict": state, "epoch": 3, "optimizer": [{"lr": torch.ones(2)}]}, path)
        else:
            torch.save(state, path)
        return path

    return write


@pytest.fixture
def model_pt(published: dict[str, Tensor], tmp_path: Path) -> Path:
    """The tiny model's published file."""
    torch.save(published, tmp_path / "model.pt")
    return tmp_path / "model.pt"


def _parts(key: str, value: Tensor) -> dict[str, Tensor]:
    head, _, fused = key.rpartition(".fused_")
    if fused == "qkv_proj.weight":
        return {
            f"{head}.{part}_proj.weight": rows.clone()
            for part, rows in zip("qkv", value.chunk(3), strict=True)
        }
    if fused == "gate_up_proj.weight":
        gate, up = (rows.clone() for rows in value.chunk(2))
        return {f"{head}.gate_proj.weight": gate, f"{head}.up_proj.weight": up}
    return {key: value}
