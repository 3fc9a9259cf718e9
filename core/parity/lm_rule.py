"""Weights, codes and noise by rule, so that vectors need no stored weights (tests/golden/lm/README.md)."""

import ast
import math
import re
import zlib
from collections.abc import Mapping

import torch
from torch import Tensor

from core.errors import SongdeskError

CODES = 16384
"""Drawn codes lie below this."""
_NORMS = ("layernorm.weight", ".model.norm.weight", "out_norm.weight")
_TABLES = frozenset({"emb", "layer2_emb", "embed_tokens", "output_proj", "structure_emb"})
_VECTORS = frozenset({"EOT_emb", "layer2_EOT_emb"})
_HEADS = frozenset({"lm_head", "linears"})
_CALL = re.compile(r"(rule_codes|rule_randn)\(\s*('[^']*')\s*,\s*(\([^)]*\))\s*\)")


def rule_state(shapes: Mapping[str, tuple[int, ...]], salt: str) -> dict[str, Tensor]:
    """A float32 value for each published key."""
    return {key: rule_tensor(key, shape, salt) for key, shape in shapes.items()}


def rule_tensor(key: str, shape: tuple[int, ...], salt: str = "") -> Tensor:
    """The value of one published key, float32 on the host: drawn in one call and scaled by what it is."""
    drawn = drawn_by(salt + key, shape)
    if key.endswith(_NORMS):
        return 1.0 + 0.1 * drawn
    return drawn * _scale(key, shape)


def rule_codes(tag: str, shape: tuple[int, ...]) -> Tensor:
    """Codes int64 in [0, CODES)."""
    return torch.randint(0, CODES, shape, generator=generator_of(tag))


def rule_randn(tag: str, shape: tuple[int, ...]) -> Tensor:
    """Standard normal numbers, float32."""
    return drawn_by(tag, shape)


def from_recipe(recipe: str) -> Tensor:
    """The tensor of the call a manifest writes as `rule_codes('tag',(2,3,9))` or `rule_randn(…)`."""
    call = _CALL.search(recipe)
    if call is None:
        raise SongdeskError(f"unknown recipe {recipe!r}", hint="this folder needs a newer songdesk")
    make = rule_codes if call[1] == "rule_codes" else rule_randn
    return make(ast.literal_eval(call[2]), ast.literal_eval(call[3]))


def _scale(key: str, shape: tuple[int, ...]) -> float:
    parts = key.split(".")
    if parts[-1] == "bias":
        return 0.1
    if parts[-1] in _VECTORS or not _TABLES.isdisjoint(parts):
        return 0.5
    gain = 1.0 if _HEADS.isdisjoint(parts) else 3.0
    return gain / math.sqrt(shape[-1])


def drawn_by(tag: str, shape: tuple[int, ...]) -> Tensor:
    """Standard normal numbers, float32, that a text stands for."""
    return torch.randn(shape, generator=generator_of(tag))


def generator_of(tag: str) -> torch.Generator:
    """The generator that a text stands for."""
    return torch.Generator().manual_seed(zlib.crc32(tag.encode()))
