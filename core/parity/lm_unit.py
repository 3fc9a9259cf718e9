"""Golden building blocks: normalisation, rotary embedding, feed-forward and bridge, each on its own."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from core.kernels.reference import rms_norm, rope_table, rotate_halves
from core.levo.published import fuse
from core.levo.tokens.blocks import FeedForward
from core.levo.tokens.model import TokenModel
from core.levo.weights import hollow
from core.parity.bench import Bench
from core.parity.compare import Case, Check, case_of, close, ulps
from core.parity.folder import Entry, by_case
from core.parity.lm_rule import rule_state, rule_tensor

_SINGLE = 1e-5
_HALF_ULPS = 2.0


def unit_cases(bench: Bench, file: str, entry: Entry) -> Iterator[Case]:
    """A line for each block; what a case is shows in the tensors it holds."""
    salt = entry.get("salt", "")
    for name, stored in by_case(bench.golden.tensors(file)).items():
        here = {key: tensor.to(bench.device) for key, tensor in stored.items()}
        if "w" in here:
            checks = [_near("y", rms_norm(here["x"], here["w"]), stored["y"])]
        elif "inv_freq" in here:
            checks = list(_rotary(here, stored))
        elif here["x"].shape == here["y"].shape:
            checks = [_near("y", _feed_forward(bench, salt, here["x"]), stored["y"])]
        else:
            checks = [_near("y", _bridge(bench, salt, here["x"]), stored["y"])]
        yield case_of(f"unit {name}", checks)


def _rotary(here: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> Iterator[Check]:
    dim = here["q"].shape[-1]
    # The last frequency is base^(2/dim - 1): it gives the base back to half a unit.
    base = float(round(float(here["inv_freq"][-1]) ** (-dim / (dim - 2))))
    cos, sin = rope_table(here["pos"][0], dim, base)
    yield close("cos", cos, stored["cos"], _SINGLE)
    yield close("sin", sin, stored["sin"], _SINGLE)
    for name in ("q", "k"):
        turned = rotate_halves(here[name].transpose(1, 2), cos, sin).transpose(1, 2)
        yield _near(f"{name} turned", turned, stored[f"{name}e"])


def _feed_forward(bench: Bench, salt: str, x: Tensor) -> Tensor:
    width, ffn = bench.shapes.width, bench.shapes.ffn
    layer = "transformer.model.layers.0.mlp."
    drawn = {
        f"{layer}{name}.weight": rule_tensor(f"unit.mlp.{name}.weight", shape, salt)
        for name, shape in (
            ("gate_proj", (ffn, width)), ("up_proj", (ffn, width)), ("down_proj", (width, ffn)),
        )
    }  # fmt: skip
    block = FeedForward(width, ffn)
    block.load_state_dict({key.removeprefix(layer): x for key, x in fuse(drawn).items()}, assign=True)
    out: Tensor = block.to(bench.device)(x)
    return out


def _bridge(bench: Bench, salt: str, x: Tensor) -> Tensor:
    with hollow():
        bridge = TokenModel(bench.shapes).mlp
    prefix = "unit.bridge."
    shapes = {prefix + key: tuple(tensor.shape) for key, tensor in bridge.state_dict().items()}
    drawn = rule_state(shapes, salt)
    bridge.load_state_dict({key.removeprefix(prefix): value for key, value in drawn.items()}, assign=True)
    out: Tensor = bridge.to(bench.device)(x)
    return out


def _near(part: str, got: Tensor, want: Tensor) -> Check:
    if want.dtype == torch.float16:
        return ulps(part, got, want, _HALF_ULPS)
    return close(part, got, want, _SINGLE)
