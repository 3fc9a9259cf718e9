"""Half-wide products of the flow: used where they are close to fp32 on the song itself."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.levo.synthesis.euler import Problem, solve
from core.levo.synthesis.flow import Flow
from core.levo.synthesis.transformer import Block, FlowTransformer

FLOOR = 40.0
"""Signal to noise (dB) that half-wide products keep at least on a song's first window.

The demo's flow was measured in this way at 60 in fp16 and 41 in bf16, over ten steps at 67 and 47. What is
left of ten Euler steps beside twenty is 24.
"""
_STEPS = 2
"""Euler steps that the first window is measured with: at noise and half way."""
_NAMES = {torch.float16: "fp16", torch.bfloat16: "bf16"}


@dataclass(frozen=True, slots=True)
class Narrow:
    """What the flow's products are wished to be computed in, and the way back."""

    dtype: torch.dtype
    exact: Callable[[], Flow]
    """Loads the flow in fp32 again."""


def narrowed(
    flow: Flow, first: Problem, wish: Narrow, *,
    guidance: float, tick: Callable[[], object], tell: Callable[[str], object],
) -> Flow:  # fmt: skip
    """The flow as wished, or in fp32 where that would be too far off on the first window of the song.

    The flow given is in fp32 and is used up: never are the weights of both in memory. `tell` hears what was
    measured, `tick` is called after every step of it.
    """
    schedule, known = flow.schedule(_STEPS), first.carried.shape[1]

    def made() -> Tensor:
        solved = solve(flow.transformer, first, schedule, guidance=guidance, tick=tick)
        return solved[:, known:]

    exact = made()
    narrow(flow.transformer, wish.dtype)
    quality, name = decibels(made(), exact), _NAMES[wish.dtype]
    if quality >= FLOOR:
        tell(f"the flow was computed in {name}: {_shown(quality)} on the song's first window")
        return flow
    flow.transformer.blocks = nn.ModuleList()
    tell(f"the flow was computed in fp32: in {name} it is {_shown(quality)}, less than {FLOOR:.0f} dB")
    return wish.exact()


def narrow(transformer: FlowTransformer, dtype: torch.dtype) -> None:
    """Round the matrices inside the blocks, one after the other; everything else stays fp32."""
    for block in transformer.blocks:
        assert isinstance(block, Block)
        for layer in (block.qkv, block.out, block.up, block.down):
            layer.weight = nn.Parameter(layer.weight.to(dtype), requires_grad=False)
            layer.bias = nn.Parameter(layer.bias.to(dtype), requires_grad=False)


def decibels(other: Tensor, exact: Tensor) -> float:
    """Signal to noise (dB) of values beside exact ones; minus infinity where one is not a number."""
    noise = float((other - exact).double().square().sum())
    signal = float(exact.double().square().sum())
    if not math.isfinite(noise) or not math.isfinite(signal):
        return -math.inf
    if noise == 0.0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf


def _shown(quality: float) -> str:
    if quality == -math.inf:
        return "not a number"
    return "no different from fp32" if quality == math.inf else f"{quality:.0f} dB above its error"
