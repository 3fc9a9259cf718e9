"""What tests share: a folder for weights, and a model small enough to run in a blink."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.registry import variant, variants

os.environ.setdefault("OMP_NUM_THREADS", "1")

_TEXT_ROWS = {
    key: value
    for key, value in variant("demo").shapes["tokens"].items()
    if key in ("lyric_rows", "style_rows")
}
_SHAPES = {
    "tokens": {
        "width": 32, "ffn": 48, "heads": 2, "main_layers": 2, "sub_layers": 1, "main_rope_base": 10000,
        "sub_rope_base": 10000, "codes": 64, **_TEXT_ROWS, "lyric_length": 64,
        "prompt_length": 12, "style_length": 24, "delays": [0, 5, 5],
    },
    "quantizer": {"codes": 64, "code_width": 4, "width": 8, "neutral": [3, 5]},
    "encoder": {
        "channels": 4, "width": 8, "heads": 2, "ffn": 16, "kernel": 7, "mix_tap": 2, "vocal_tap": 3,
        "backing_tap": 1,
    },
    "separator": {"channels": 8, "bottom_channels": 16, "layers": 1, "heads": 2, "parameters": 0},
    "flow": {
        "blocks": 1, "heads": 2, "ffn": 32, "positions": 60, "carried": 20, "mask_width": 4, "latent": 8,
        "condition": 8, "time_width": 16,
    },
    "vae": {"channels": 4, "multipliers": [1, 1, 2, 2, 4, 4], "strides": [2, 4, 4, 6, 10], "latent": 8},
}  # fmt: skip
_TOY = {
    "family": "levo",
    "title": "Toy",
    "note": "for tests",
    "version": "v2",
    "weights": "rule",
    "limits": {"seconds": 60, "lyric_tokens": 64, "style_tokens": 24},
    "defaults": {"length": 4, "kv_cache": "fp32", "flow_steps": 2},
    "shapes": _SHAPES,
}


@pytest.fixture(scope="session", autouse=True)
def _home_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the settings, songs and log of whoever runs the tests out of them, and the tests out of those."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("CONFIG", "STATE", "DATA", "CACHE"):
            patch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
        patch.delenv("SONGDESK_CKPT", raising=False)
        patch.setenv("SONGDESK_LIBRARY", str(home / "songs"))
        yield


@pytest.fixture(scope="session")
def toy_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the toy model's weights are made once."""
    return tmp_path_factory.mktemp("ckpt")


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, toy_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a LeVo model of a few thousand weights that goes the whole way, in child processes too."""
    home = tmp_path_factory.mktemp("home")
    (home / "config" / "songdesk").mkdir(parents=True)
    (home / "config" / "songdesk" / "models.yaml").write_text(json.dumps({"toy": _TOY}))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("SONGDESK_LIBRARY", str(home / "songs"))
    monkeypatch.setenv("SONGDESK_CKPT", str(toy_weights))
    variants.cache_clear()
    return "toy"


@pytest.fixture(autouse=True)
def _known_models() -> Iterator[None]:
    """Read the model registry afresh after each test that may have changed it."""
    yield
    variants.cache_clear()
