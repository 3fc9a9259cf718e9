"""What tests share: a folder for weights, and a model small enough to run in a blink."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

import core.registry
from core.registry import Limits, Variant

os.environ.setdefault("OMP_NUM_THREADS", "1")

_TEXT_ROWS = {
    key: value
    for key, value in core.registry.variant("demo").shapes["tokens"].items()
    if key in ("lyric_rows", "style_rows")
}
_TOY_SHAPES: Mapping[str, Mapping[str, object]] = {
    "tokens": {
        "width": 32, "ffn": 48, "heads": 2, "main_layers": 2, "sub_layers": 1, "main_rope_base": 10000,
        "sub_rope_base": 10000, "codes": 64, **_TEXT_ROWS, "lyric_length": 64,
        "prompt_length": 12, "style_length": 24, "delays": [0, 5, 5],
    },
    "quantizer": {"codes": 64, "code_width": 4, "width": 8},
    "flow": {
        "blocks": 1, "heads": 2, "ffn": 32, "positions": 60, "carried": 20, "mask_width": 4, "latent": 8,
        "condition": 8, "time_width": 16,
    },
    "vae": {"channels": 4, "multipliers": [1, 1, 2, 2, 4, 4], "strides": [2, 4, 4, 6, 10], "latent": 8},
}  # fmt: skip


@pytest.fixture(scope="session")
def toy_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the toy model's weights are made once."""
    return tmp_path_factory.mktemp("ckpt")


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, toy_weights: Path) -> str:
    """A LeVo model of a few thousand weights that goes the whole way; gives its name."""
    monkeypatch.setenv("SONGDESK_CKPT", str(toy_weights))
    model = Variant(
        id="toy",
        family="levo",
        title="Toy",
        note="for tests",
        version="v2",
        limits=Limits(60, 64, 24),
        shapes=_TOY_SHAPES,
        defaults={"length": 4, "kv_cache": "fp32", "flow_steps": 2},
        weights="rule",
    )
    known = {**core.registry.variants(), "toy": model}
    monkeypatch.setattr(core.registry, "variants", lambda: known)
    return "toy"
