"""The flow transformer: the velocity of latents at a time, given codes and the latents already known."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.kernels.reference import attention, rope_table, rotate_pairs
from core.levo.shapes import FlowShapes

Rope = tuple[Tensor, Tensor]
_ROPE_BASE = 10_000.0
_TIME_SCALE = 1000.0
_SHIFTS = 6


@dataclass(frozen=True, slots=True)
class Modulation:
    """What a time does to every layer: S times side by side, each ready to use as a batch row."""

    blocks: Tensor
    """float32 [S, blocks, 6, width]: shift, scale, gate of attention, then of the feed-forward."""
    final: Tensor
    """float32 [S, 2, width]: shift, scale."""

    def at(self, step: int) -> "Modulation":
        """One time, to be shared by a batch."""
        return Modulation(self.blocks[step : step + 1], self.final[step : step + 1])

    def select(self, step: Tensor) -> "Modulation":
        """That of a step int64 [1] which only the device knows."""
        return Modulation(self.blocks.index_select(0, step), self.final.index_select(0, step))


class TimeEmbedding(nn.Module):
    """A time in [0, 1] as a vector, and from it the six rows every block adds to its own."""

    def __init__(self, shapes: FlowShapes) -> None:
        super().__init__()
        self.width = shapes.time_width
        self.enter = nn.Linear(shapes.time_width, shapes.width)
        self.leave = nn.Linear(shapes.width, shapes.width)
        self.rows = nn.Linear(shapes.width, _SHIFTS * shapes.width)

    def forward(self, times: Tensor) -> tuple[Tensor, Tensor]:
        """Times [S], fp32, to embeddings [S, width] and rows [S, 6, width]."""
        embedded: Tensor = self.leave(F.silu(self.enter(sinusoids(times, self.width))))
        rows: Tensor = self.rows(F.silu(embedded))
        return embedded, rows.view(len(times), _SHIFTS, -1)


class Block(nn.Module):
    """Attention that sees every frame, then a feed-forward, each shifted, scaled and gated by the time."""

    def __init__(self, shapes: FlowShapes, dtype: torch.dtype) -> None:
        super().__init__()
        width = shapes.width
        self.heads = shapes.heads
        self.attention_norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, dtype=dtype)
        self.out = nn.Linear(width, width, dtype=dtype)
        self.ffn_norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, shapes.ffn, dtype=dtype)
        self.down = nn.Linear(shapes.ffn, width, dtype=dtype)
        self.table = nn.Parameter(torch.empty(_SHIFTS, width))

    def forward(self, x: Tensor, rows: Tensor, rope: Rope) -> Tensor:
        """Add to x [B, T, width]; rows [B|1, 6, width] hold this block's shifts, scales and gates."""
        shift, scale, gate, ffn_shift, ffn_scale, ffn_gate = rows[:, :, None].unbind(
            1
        )  # each [B|1, 1, width]
        x = torch.addcmul(x, gate, self._attend(_modulate(self.attention_norm(x), shift, scale), rope))
        hidden = F.gelu(
            _linear(self.up, _modulate(self.ffn_norm(x), ffn_shift, ffn_scale)), approximate="tanh"
        )
        return torch.addcmul(x, ffn_gate, _linear(self.down, hidden).to(x.dtype))

    def _attend(self, x: Tensor, rope: Rope) -> Tensor:
        heads = _linear(self.qkv, x).view(*x.shape[:2], 3, self.heads, -1)  # [B, T, 3, H, D]
        q, k, v = heads.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = attention(rotate_pairs(q, *rope), rotate_pairs(k, *rope), v)  # [B, H, T, D]
        return _linear(self.out, mixed.transpose(1, 2).flatten(-2)).to(x.dtype)


class FlowTransformer(nn.Module):
    """Blocks over the concatenated input; of the output only the latent channels are computed.

    The network is that of levo-audio spec §4. The products inside the blocks take the dtype they are built
    with; residual stream, norms, times and output stay fp32.
    """

    def __init__(self, shapes: FlowShapes, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.shapes = shapes
        self.time = TimeEmbedding(shapes)
        self.positions = nn.Embedding(shapes.positions, shapes.width)
        self.blocks = nn.ModuleList(Block(shapes, dtype) for _ in range(shapes.blocks))
        self.norm = nn.LayerNorm(shapes.width)
        self.table = nn.Parameter(torch.empty(2, shapes.width))
        self.head = nn.Linear(shapes.width, shapes.latent)

    def modulation(self, times: Tensor) -> Modulation:
        """Everything that depends on the times [S] alone: worth making once for a whole song."""
        embedded, rows = self.time(times)
        tables = torch.stack([block.table for block in self._blocks()])
        return Modulation(tables + rows[:, None], self.table + embedded[:, None])

    def rope(self, frames: int) -> Rope:
        """Cosines and sines [frames, D/2] for windows of up to `frames`."""
        places = torch.arange(frames, device=self.table.device)
        return rope_table(places, self.shapes.width // self.shapes.heads, _ROPE_BASE)

    def forward(self, x: Tensor, modulation: Modulation, rope: Rope) -> Tensor:
        """The velocity [B, T, latent] of x [B, T, width] at the modulation's B times, or its one for all."""
        frames = x.shape[1]
        near = (rope[0][:frames], rope[1][:frames])
        x = x + self.positions.weight[:frames]
        for index, block in enumerate(self._blocks()):
            x = block(x, modulation.blocks[:, index], near)
        shift, scale = modulation.final[:, :, None].unbind(1)
        return _linear(self.head, _modulate(self.norm(x), shift, scale)).to(x.dtype)

    def _blocks(self) -> list[Block]:
        return [block for block in self.blocks if isinstance(block, Block)]


def sinusoids(times: Tensor, width: int) -> Tensor:
    """Cosines, then sines, [S, width] of 1000 · (times [S] · 10000^(-j / (width/2))), levo-audio spec §4.

    The exponents are rounded to fp32 as in the published model, their powers from fp64: an fp32 power differs
    in its last place from processor to processor, which angles of up to 1000 make audible to a test.
    """
    half = width // 2
    exponents = -math.log(_ROPE_BASE) * torch.arange(half, device=times.device, dtype=torch.float32) / half
    angles = _TIME_SCALE * (times[:, None] * exponents.double().exp().float()[None])
    return torch.cat((angles.cos(), angles.sin()), dim=-1)


def _modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return torch.addcmul(shift, x, 1 + scale)


def _linear(layer: nn.Linear, x: Tensor) -> Tensor:
    return F.linear(x.to(layer.weight.dtype), layer.weight, layer.bias)
