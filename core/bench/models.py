"""The networks of phase 3 to be measured: a model's own weights, or random ones of its shapes."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.checkpoints import find_role, model_folder
from core.levo.demo import demo_weights
from core.levo.shapes import Shapes, shapes_of
from core.levo.synthesis.flow import Flow
from core.levo.synthesis.render import Synthesis, load_synthesis
from core.levo.vae import VaeDecoder
from core.levo.weights import hollow
from core.registry import Variant

_DEVIATIONS = {"alpha": 0.3, "beta": 0.3, "table": 0.3, "mean": 0.2}
"""Of parameters known by name; of tables of embeddings 0.5, of products what keeps a signal's size."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured, and whose weights it has."""

    models: Synthesis
    weights: str
    """In words."""


def subject(chosen: Variant, device: torch.device) -> Subject:
    """A model's networks in fp32: made by rule, or from its files where they are here, else random.

    Raises SongdeskError when a file does not fit.
    """
    shapes = shapes_of(chosen.shapes)
    if chosen.weights == "rule":
        demo_weights(shapes, model_folder(chosen))
    flow, vae = find_role(chosen, "flow"), find_role(chosen, "vae")
    if flow is None or vae is None:
        return Subject(random_synthesis(shapes, device), "random, of its sizes: its own are not here")
    by_rule = "made by rule" if chosen.weights == "rule" else f"its own, from {flow.parent}"
    return Subject(load_synthesis(shapes, flow, vae, device), by_rule)


def random_synthesis(shapes: Shapes, device: torch.device) -> Synthesis:
    """Networks of these shapes whose signals keep their size; the same values each time on one device."""
    with hollow():
        flow, decoder = Flow(shapes), VaeDecoder(shapes.vae)
    draw = torch.Generator(device).manual_seed(0)
    for network in (flow, decoder):
        network.to_empty(device=device).eval().requires_grad_(False)
        for name, owner in network.named_modules():
            for leaf, parameter in owner.named_parameters(recurse=False):
                _fill(parameter, owner, leaf, draw, is_branch=name.endswith("conv2"))
    return Synthesis(shapes, flow, decoder)


def _fill(parameter: Tensor, owner: nn.Module, leaf: str, draw: torch.Generator, *, is_branch: bool) -> None:
    if leaf in _DEVIATIONS:
        parameter.normal_(std=_DEVIATIONS[leaf], generator=draw)
    elif isinstance(owner, nn.Embedding):
        parameter.normal_(std=0.5, generator=draw)
    elif parameter.ndim > 1:
        gain = 0.3 if is_branch else 1.0
        parameter.normal_(std=gain / math.sqrt(_meeting(parameter, owner)), generator=draw)
    else:
        parameter.fill_(0.0 if leaf == "bias" else 1.0)


def _meeting(weight: Tensor, owner: nn.Module) -> float:
    """Inputs that meet in one output."""
    if isinstance(owner, nn.ConvTranspose1d):
        return weight.shape[0] * weight.shape[2] / owner.stride[0]
    return math.prod(weight.shape[1:])
