"""The token model to be measured: a model's own weights, or random ones of its shapes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from core.bench.decode.traffic import Form, weight_bytes
from core.checkpoints import find_role, model_folder
from core.device import Device, free_memory
from core.errors import SongdeskError
from core.levo.demo import HEADS, demo_weights
from core.levo.plan import is_half
from core.levo.shapes import TokenShapes, shapes_of
from core.levo.tokens.blocks import to_int8
from core.levo.tokens.fourbits import to_int4
from core.levo.tokens.model import Part, TokenModel
from core.levo.weights import hollow, load_module
from core.registry import Variant

_PARTS: tuple[Part, ...] = ("main", "sub")
_BRANCHES: Mapping[str, float] = {"o_proj.weight": 0.25, "down_proj.weight": 0.25}
"""Gains of what a layer adds to its input: with 1 the smallest difference grows from layer to layer."""
_HEAD = 3.0
"""Gain of the rows that give logits, so that some tens of tokens are in question."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured, and whose weights it has."""

    name: str
    shapes: TokenShapes
    model: TokenModel
    """Main and sub, without what the prefix is made with."""
    weights: str
    """Where they are from, in words."""

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        """The numbers it computes in."""
        return self.model.transformer.model.norm.weight.dtype

    @property
    def plain(self) -> Form:
        """Its weights and its cache as they compute."""
        return Form("full", "fp16" if self.dtype == torch.float16 else "fp32")

    def in_form(self, weights: str) -> TokenModel:
        """The model itself, or a twin of it with rounded matrices that shares all else."""
        if weights == "full":
            return self.model
        with hollow():
            twin = TokenModel(self.shapes, _PARTS)
        twin.load_state_dict(self.model.state_dict(), assign=True)
        {"int8": to_int8, "int4": to_int4}[weights](twin)
        return twin.eval().requires_grad_(False)


def small_shapes(published: TokenShapes) -> TokenShapes:
    """Shapes of the published form, its prefix and its heads' width, that a processor is up to."""
    return replace(
        published, width=384, ffn=2064, heads=3, main_layers=4, sub_layers=2, codes=1024, delays=(0, 25, 25)
    )


def subject(chosen: Variant, device: torch.device, *, is_small: bool) -> Subject:
    """A model's main and sub, from its file where that is here, else random, in the numbers it computes in.

    `is_small` makes it one of the small shapes instead. Raises SongdeskError when the file does not fit, and
    when the device has no room for the weights.
    """
    shapes = shapes_of(chosen.shapes).tokens
    if is_small:
        shapes = small_shapes(shapes)
        return Subject("small", shapes, random_model(shapes, device, torch.float32), "random")
    dtype = torch.float16 if is_half(chosen, _kind(device)) else torch.float32
    _has_room(chosen.id, shapes, dtype, device)
    if chosen.weights == "rule":
        demo_weights(shapes_of(chosen.shapes), model_folder(chosen))
    path = find_role(chosen, "tokens")
    if path is None:
        why = "random, of its sizes: its own are not here"
        return Subject(chosen.id, shapes, random_model(shapes, device, dtype), why)
    whose = "made by rule" if chosen.weights == "rule" else f"its own, from {path.parent}"
    model = load_module(lambda: TokenModel(shapes, _PARTS), path, device, dtype=dtype)
    return Subject(chosen.id, shapes, model, whose)


def random_model(shapes: TokenShapes, device: torch.device, dtype: torch.dtype) -> TokenModel:
    """Main and sub whose signals keep their size; the same values each time on one device."""
    with hollow():
        model = TokenModel(shapes, _PARTS).to(dtype)
    model.to_empty(device=device).eval().requires_grad_(False)
    draw = torch.Generator(device).manual_seed(0)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            parameter.fill_(0.0 if name.endswith("bias") else 1.0)
        elif ".emb" in f".{name}" or "layer2_emb" in name:
            parameter.normal_(std=0.5, generator=draw)
        else:
            parameter.normal_(std=_gain(name) / math.sqrt(parameter.shape[1]), generator=draw)
    return model


def bytes_of(model: TokenModel) -> int:
    """Bytes of a model's weights."""
    return sum(tensor.nbytes for tensor in model.state_dict().values())


def _gain(name: str) -> float:
    if name.endswith(HEADS):
        return _HEAD
    return next((gain for end, gain in _BRANCHES.items() if name.endswith(end)), 1.0)


def _has_room(name: str, shapes: TokenShapes, dtype: torch.dtype, device: torch.device) -> None:
    need = weight_bytes(shapes, "full", bytes_each=dtype.itemsize)
    free = free_memory(_kind(device))
    if free is not None and free < need:
        raise SongdeskError(
            f"{name}: its weights take {need / 1e9:.1f} GB and {free / 1e9:.1f} GB are free",
            hint="close other programs, or measure small shapes: songdesk bench decode --small",
        )


def _kind(device: torch.device) -> Device:
    return "cpu" if device.type == "cpu" else "cuda"
