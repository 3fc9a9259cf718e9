"""The decoder stack both transformers are made of: RMSNorm, rotary causal attention, SwiGLU, no biases."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.kernels.reference import linear, rms_norm, rope_table, rotate_halves, swiglu
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
        q, k = rotate_halves(qkv[:2], rope.cos, rope.sin).unbind(0)
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
        """x [B, T, W]."""
        down: Tensor = self.down_proj(swiglu(self.fused_gate_up_proj(x)))
        return down


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
