"""The decoder stack both transformers are made of: RMSNorm, rotary causal attention, SwiGLU, no biases."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.kernels.packing import groups, int8_weight
from core.kernels.reference import (
    int8_linear,
    linear,
    rms_norm,
    rope_table,
    rotate_halves,
    swiglu,
)
from core.levo.portions import matrix_rows_at_once
from core.levo.shapes import PREFILL_CHUNK
from core.levo.tokens.cache import KVCache


@dataclass(frozen=True, slots=True)
class Rope:
    """Cosines and sines of every position a song can reach, fp32 [positions, D/2]."""

    cos: Tensor
    sin: Tensor

    @staticmethod
    def of(positions: int, dim: int, base: float, *, device: torch.device) -> "Rope":
        """The table of a head of `dim` channels."""
        return Rope(*rope_table(torch.arange(positions, device=device), dim, base))

    def at(self, start: int, count: int) -> "Rope":
        """The rows of `count` positions."""
        return Rope(self.cos.narrow(0, start, count), self.sin.narrow(0, start, count))


class Projection(nn.Linear):
    """A linear layer that is quick with one position a row, as in decoding."""

    def forward(self, x: Tensor) -> Tensor:
        """x [..., D] to [..., N]."""
        return linear(x, self.weight, self.bias)


class Int8Projection(nn.Module):
    """A linear layer whose matrix is kept as int8 codes, a scale to 128 inputs, unpacked part by part."""

    weight: Tensor
    weight_scale: Tensor

    def __init__(self, inputs: int, outputs: int, *, bias: bool) -> None:
        super().__init__()
        self.register_buffer("weight", torch.empty(outputs, inputs, dtype=torch.int8))
        self.register_buffer("weight_scale", torch.empty(outputs, groups(inputs), dtype=torch.float16))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None

    @staticmethod
    def of(exact: nn.Linear) -> "Int8Projection":
        """The same layer with its matrix rounded."""
        made = Int8Projection(exact.in_features, exact.out_features, bias=exact.bias is not None)
        made.weight, made.weight_scale = int8_weight(exact.weight.detach())
        made.bias = exact.bias
        return made

    def forward(self, x: Tensor) -> Tensor:
        """x [..., D] to [..., N]."""
        rows = matrix_rows_at_once(len(self.weight), self.weight.shape[1] * x.element_size())
        return int8_linear(x, self.weight, self.weight_scale, self.bias, rows=rows)


def to_int8(network: nn.Module) -> None:
    """Round every projection of a network to int8; one that is hollow stays so."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, Projection):
                setattr(module, name, int8_of(child))


def int8_of(exact: Projection) -> Int8Projection:
    """The same layer in int8; one that is hollow stays so."""
    if not exact.weight.is_meta:
        return Int8Projection.of(exact)
    made = Int8Projection(exact.in_features, exact.out_features, bias=False)
    made.bias = exact.bias
    return made


class Norm(nn.Module):
    """RMSNorm over the last dimension."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalised and weighed, in the weight's dtype."""
        return rms_norm(x, self.weight)


class Attention(nn.Module):
    """Rotary causal self-attention; query, key and value rows lie in one matrix."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.fused_qkv_proj = Projection(width, 3 * width, bias=False)
        self.o_proj = Projection(width, width, bias=False)

    def forward(self, x: Tensor, rope: Rope, cache: KVCache, layer: int) -> Tensor:
        """x [B, T, W] at the positions of `rope`; keys and values go to the cache's `layer`."""
        qkv = (
            self.fused_qkv_proj(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        )  # [3, B, H, T, D]
        q, k = _turned(qkv[:2], rope).unbind(0)
        seen = cache.attend(layer, q, k, qkv[2])
        projected: Tensor = self.o_proj(seen.transpose(1, 2).flatten(2))
        return projected


class FeedForward(nn.Module):
    """SwiGLU; gate and up rows lie in one matrix."""

    def __init__(self, width: int, ffn: int) -> None:
        super().__init__()
        self.fused_gate_up_proj = Projection(width, 2 * ffn, bias=False)
        self.down_proj = Projection(ffn, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, T, W]; no more than a chunk of positions is four or five times as wide at a time."""
        if x.shape[1] <= PREFILL_CHUNK or _is_learning(x):
            down: Tensor = self.down_proj(swiglu(self.fused_gate_up_proj(x)))
            return down
        out = torch.empty_like(x)
        parts, places = (torch.split(whole, PREFILL_CHUNK, dim=1) for whole in (x, out))
        for part, into in zip(parts, places, strict=True):
            into.copy_(self(part))
        return out


def _is_learning(x: Tensor) -> bool:
    """Whether a gradient will be asked for, which cannot pass a result that is written part by part."""
    return x.requires_grad


def _turned(x: Tensor, rope: Rope) -> Tensor:
    """Queries and keys [2, B, H, T, D] rotated, a chunk of positions at a time."""
    count = x.shape[-2]
    if count <= PREFILL_CHUNK or _is_learning(x):
        return rotate_halves(x, rope.cos, rope.sin)
    out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    for first in range(0, count, PREFILL_CHUNK):
        part = slice(first, min(first + PREFILL_CHUNK, count))
        out[..., part, :] = rotate_halves(x[..., part, :], rope.cos[part], rope.sin[part])
    return out


class Layer(nn.Module):
    """Attention, then feed-forward, each added to its own input."""

    def __init__(self, width: int, ffn: int, heads: int) -> None:
        super().__init__()
        self.input_layernorm = Norm(width)
        self.self_attn = Attention(width, heads)
        self.post_attention_layernorm = Norm(width)
        self.mlp = FeedForward(width, ffn)

    def forward(self, x: Tensor, rope: Rope, cache: KVCache, layer: int) -> Tensor:
        """x [B, T, W] in fp32."""
        x = x + self.self_attn(self.input_layernorm(x), rope, cache, layer)
        after: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return after


class Decoder(nn.Module):
    """Layers and a last norm; the residual stream is fp32 whatever the weights are."""

    def __init__(self, *, layers: int, width: int, ffn: int, heads: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(width, ffn, heads) for _ in range(layers))
        self.norm = Norm(width)

    def forward(self, x: Tensor, rope: Rope, cache: KVCache) -> Tensor:
        """x [B, T, W] goes behind what the cache holds; gives the normalised states [B, T, W]."""
        count = x.shape[1]
        turn = rope.at(cache.length, count)
        x = x.float()
        for index, layer in enumerate(self.layers):
            x = layer(x, turn, cache, index)
        cache.advance(count)
        states: Tensor = self.norm(x)
        return states
