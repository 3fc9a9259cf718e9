"""A published language model of a few thousand weights, for what reads checkpoints."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from core.levo.demo import rule_state
from core.levo.shapes import TokenShapes, shapes_of
from core.levo.tokens.model import TokenModel
from core.registry import variant, variants

_TOKENS = {
    "width": 32, "ffn": 48, "heads": 2, "main_layers": 2, "sub_layers": 1, "main_rope_base": 10000,
    "sub_rope_base": 10000, "codes": 64, "lyric_rows": 40, "style_rows": 30, "lyric_length": 8,
    "prompt_length": 6, "style_length": 4, "delays": [0, 5, 5],
}  # fmt: skip


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TokenShapes:
    """The shapes of a model listed as `tiny`, whose weights would be published; $SONGDESK_CKPT is empty."""
    home = tmp_path / "config"
    (home / "songdesk").mkdir(parents=True)
    entry = {
        "family": "levo", "title": "Tiny", "note": "for tests", "version": "v2",
        "limits": {"seconds": 60, "lyric_tokens": 8, "style_tokens": 4},
        "shapes": {**variant("demo").shapes, "tokens": _TOKENS},
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
    with torch.device("meta"):
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
