"""Weights made by rule, each tensor drawn from its own name: of any shapes, and without anything learned."""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core.levo.conditions.encoder import encoder_tables
from core.levo.identity import RULE
from core.levo.roles import SOUND
from core.levo.shapes import CODEBOOKS, REFERENCE_FRAMES, EncoderShapes, Shapes
from core.levo.tokens.model import TokenModel
from core.levo.weights import hollow
from core.registry import Variant
from core.song import BUILT_IN_STYLES
from core.tensors import metadata_of, save_tensors

_MADE_BY = "songdesk_rule"
_SCALES = {"alpha": 0.3, "beta": 0.3, "table": 0.3, "mean": 0.2}
"""Deviations of parameters known by name: log scales of the snakes, shifts, the normaliser's means."""
_TABLES = {"codebook": 1.0, "positions": 0.1}
"""Deviations of embedding tables; 0.5 for the others."""
HEADS = ("lm_head.weight", "linears.0.weight", "linears.1.weight")
"""How the keys of the token model's heads end."""
_HEAD = 3.0
"""Gain of the rows that give logits: a spread that leaves some tens of tokens in question."""
_MODULES: Mapping[str, Callable[[Shapes], nn.Module]] = {
    "tokens": lambda shapes: TokenModel(shapes.tokens),
    **SOUND,
}
"""By role the module whose state its file is."""
_BRANCHES = ("conv2.weight",)
_BRANCH = 0.3
"""Gain of what the decoder's residual units add, so that it does not grow from unit to unit."""
_QUIET = 0.03
"""Gain of the decoder's last convolution: untrained sound at about -19 dBFS."""


def untrained(chosen: Variant) -> Variant:
    """A model of the same sizes that has learned nothing, under a name and in a folder of its own."""
    return replace(chosen, id=f"{chosen.id}-untrained", weights="rule", files=())


def empty_module(role: str, shapes: Shapes) -> nn.Module:
    """The module whose state is a role's file, without memory of its own."""
    with hollow():
        return _MODULES[role](shapes)


def demo_weights(shapes: Shapes, folder: Path) -> None:
    """Make the role files of `shapes` in `folder` unless this rule made them already for these shapes.

    Raises SongdeskError when the folder cannot be written.
    """
    for role in _MODULES:
        path, made_by = folder / f"{role}.safetensors", _signature(role, shapes, RULE)
        if metadata_of(path).get(_MADE_BY) != made_by:
            tables = _tables(shapes.encoder) if role.endswith("encoder") else {}
            save_tensors(path, {**rule_state(empty_module(role, shapes)), **tables}, {_MADE_BY: made_by})
    _make_styles(shapes, folder / "styles.safetensors")


def rule_state(module: nn.Module) -> dict[str, Tensor]:
    """A float32 value for every key of a module built on meta; the same for the same key and shape."""
    owners = dict(module.named_modules())
    return {
        key: _value(key, tuple(like.shape), owners[key.rpartition(".")[0]])
        for key, like in module.state_dict().items()
    }


@lru_cache(maxsize=64)
def _signature(role: str, shapes: Shapes, rule: str) -> str:
    """The rule's version and a fingerprint of the keys and shapes it is applied to."""
    state = empty_module(role, shapes).state_dict()
    listing = "\n".join(f"{key} {tuple(like.shape)}" for key, like in state.items())
    return f"{rule}-{hashlib.sha256(listing.encode()).hexdigest()[:16]}"


def _tables(shapes: EncoderShapes) -> dict[str, Tensor]:
    """What is not learned in a music encoder."""
    tables = encoder_tables(shapes.width // shapes.heads)
    return {f"encoder.{key}": table for key, table in tables.items()}


def _make_styles(shapes: Shapes, path: Path) -> None:
    """Make a table of built-in references like the published one: some for each style and language."""
    codes = shapes.quantizer.codes
    made_by = f"{RULE}-{codes}"
    if metadata_of(path).get(_MADE_BY) == made_by:
        return
    names = (
        f"{style}/{spoken}/{k}" for style in BUILT_IN_STYLES for spoken in ("en", "zh") for k in range(2)
    )
    table = {
        name: torch.from_numpy(_source(name).integers(0, codes, (CODEBOOKS, REFERENCE_FRAMES))).short()
        for name in names
    }
    save_tensors(path, table, {_MADE_BY: made_by})


def _draw(key: str, shape: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(_source(key).standard_normal(shape, dtype=np.float32))


def _source(key: str) -> np.random.Generator:
    seed = int.from_bytes(hashlib.sha256(f"songdesk demo {RULE} {key}".encode()).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(key=seed))


def _value(key: str, shape: tuple[int, ...], owner: nn.Module) -> Tensor:
    """Draw a tensor and scale it by what it is, so that signals keep their size through the networks."""
    drawn = _draw(key, shape)
    leaf = key.rpartition(".")[2]
    if leaf.endswith("bias") or leaf == "offset":
        return drawn * 0.02
    if leaf in _SCALES:
        return drawn * _SCALES[leaf]
    if leaf == "deviation":
        return (drawn * 0.3).exp()
    if drawn.ndim == 1:
        return drawn * 0.1 + 1
    if isinstance(owner, nn.Embedding):
        return drawn * _TABLES.get(key.split(".")[-2], 0.5)
    if isinstance(owner, nn.Conv1d) and owner.bias is None:  # the decoder's last: no constant in the sound
        drawn = (drawn - drawn.mean(-1, keepdim=True)) * _QUIET
    if key.endswith(HEADS):
        drawn = drawn * _HEAD
        drawn[-1] = 0  # the end of the song: behind every token the top-k filter keeps
    if key.endswith(_BRANCHES):
        drawn = drawn * _BRANCH
    return drawn / math.sqrt(_fan_in(owner, shape))


def _fan_in(owner: nn.Module, shape: tuple[int, ...]) -> float:
    """Inputs that meet in one output."""
    if isinstance(owner, nn.ConvTranspose1d):
        return shape[0] * shape[2] / owner.stride[0]
    return math.prod(shape[1:])
