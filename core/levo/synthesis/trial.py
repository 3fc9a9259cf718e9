"""Whether a device replays the flow's steps rightly: a small flow solved with and without a recording."""

from functools import partial

import torch
from torch import Tensor

from core.levo.graphs import Work, proved, recorded
from core.levo.shapes import FlowShapes
from core.levo.synthesis.euler import Problem, Record, Replays, Schedule, schedule_of, solve
from core.levo.synthesis.transformer import FlowTransformer

_SHAPES = FlowShapes(
    blocks=2, heads=2, ffn=448, positions=96, carried=24,
    mask_width=12, latent=32, condition=72, time_width=64,
)  # fmt: skip
"""Two heads of 110 channels, as in the published flow: what is filled up for fused attention is so here."""
_STEPS = 4
_LENGTHS = (96, 41)


def recorder(device: torch.device, *, pause: Work = int) -> tuple[Record | None, str]:
    """What records the flow's steps on a device, None where they are made one by one, and in words why.

    Ask before weights are loaded: the first time another process tries it, while which `pause` is called,
    which may raise to give up.
    """
    answer = proved(__name__, device, pause=pause)
    if not answer.is_yes:
        return None, answer.why
    return _recorder(), answer.why


def check(device: torch.device, record: Record | None = None) -> str:
    """What differs between steps replayed and steps made one by one; nothing for nothing."""
    for dtype in (torch.float32, torch.float16):
        with torch.inference_mode():
            difference = _compared(_transformer(dtype, device), record or _recorder(), device)
        if difference:
            return f"{difference} in {str(dtype).removeprefix('torch.')}"
    return ""


def _recorder() -> Record:
    """Recordings that share memory of their own, which is gone for good with the last of them."""
    return partial(recorded, trials=1, pool=torch.cuda.graph_pool_handle())


def _compared(transformer: FlowTransformer, record: Record, device: torch.device) -> str:
    said: list[str] = []
    plain = schedule_of(transformer, _STEPS)
    replayed = schedule_of(transformer, _STEPS, Replays(record, _LENGTHS, said.append))
    for number, frames in enumerate((*_LENGTHS, *_LENGTHS)):
        problem = _problem(number, frames, device)
        one, other = (_solved(transformer, problem, schedule) for schedule in (plain, replayed))
        if said:
            return said[0]
        if not torch.equal(one, other):
            return f"window {number + 1} is off by {float((one - other).abs().max()):.2g}"
    return ""


def _solved(transformer: FlowTransformer, problem: Problem, schedule: Schedule) -> Tensor:
    return solve(transformer, problem, schedule, guidance=1.5, tick=int)


def _transformer(dtype: torch.dtype, device: torch.device) -> FlowTransformer:
    draw = torch.Generator().manual_seed(3)
    network = FlowTransformer(_SHAPES, dtype).requires_grad_(False).eval()
    for tensor in network.parameters():
        tensor.copy_(0.5 * torch.randn(tensor.shape, generator=draw) / tensor.shape[-1] ** 0.5)
    return network.to(device)


def _problem(seed: int, frames: int, device: torch.device) -> Problem:
    draw, shapes = torch.Generator().manual_seed(seed), _SHAPES

    def drawn(count: int, width: int) -> Tensor:
        return torch.randn(1, count, width, generator=draw).to(device)

    return Problem(
        marks=drawn(frames, shapes.mask_width),
        carried=drawn(shapes.carried * (seed % 2), shapes.latent),
        condition=drawn(frames, 2 * shapes.condition),
        noise=drawn(frames, shapes.latent),
    )
