"""Models small enough to run in a blink, as entries of `models.yaml` and in the engine's own words."""

from collections.abc import Mapping
from typing import Any

from core.registry import variant

SHAPES: Mapping[str, Mapping[str, Any]] = {
    "tokens": {
        "width": 32, "ffn": 48, "heads": 2, "main_layers": 2, "sub_layers": 1, "main_rope_base": 10000,
        "sub_rope_base": 10000, "codes": 64, "lyric_rows": 40, "style_rows": 30, "lyric_length": 8,
        "prompt_length": 6, "style_length": 4, "delays": [0, 5, 5],
    },
    "quantizer": {"codes": 64, "code_width": 4, "width": 8, "neutral": [3, 5]},
    "encoder": {
        "channels": 4, "width": 8, "heads": 2, "ffn": 16, "kernel": 7, "mix_tap": 2, "vocal_tap": 3,
        "backing_tap": 1,
    },
    "separator": {"channels": 8, "bottom_channels": 16, "layers": 1, "heads": 2, "parameters": 0},
    "flow": {
        "blocks": 2, "heads": 2, "ffn": 32, "positions": 60, "carried": 20, "mask_width": 4, "latent": 8,
        "condition": 8, "time_width": 16,
    },
    "vae": {"channels": 4, "multipliers": [1, 1, 2, 2, 4, 4], "strides": [2, 4, 4, 6, 10], "latent": 8},
}  # fmt: skip
"""The sizes of every network, a few thousand weights in all."""


def _toy(**flow: int) -> dict[str, object]:
    rows = {key: variant("demo").shapes["tokens"][key] for key in ("lyric_rows", "style_rows")}
    room = {"lyric_length": 64, "prompt_length": 12, "style_length": 24}
    shapes = {
        **SHAPES,
        "tokens": {**SHAPES["tokens"], **rows, **room},
        "flow": {**SHAPES["flow"], "blocks": 1, **flow},
        "vae": {**SHAPES["vae"], "channels": 2},
    }
    return {
        "family": "levo",
        "title": "Toy",
        "note": "for tests",
        "version": "v2",
        "weights": "rule",
        "limits": {"seconds": 60, "lyric_tokens": 64, "style_tokens": 24},
        "defaults": {"length": 2, "kv_cache": "fp32", "flow_steps": 2},
        "shapes": shapes,
    }


def toys() -> dict[str, dict[str, object]]:
    """Two models that go the whole way: `toy`, which a recording can lead, and one of short windows."""
    return {"toy": _toy(positions=300), "windowed": _toy(positions=60)}
