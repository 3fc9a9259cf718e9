"""The KV cache: what attention has seen so far, in one allocation made before the first step."""

from typing import Protocol

import torch
from torch import Tensor

from core.kernels.reference import causal_attention

FORMATS = {"fp32": torch.float32, "fp16": torch.float16}
"""Formats that keep keys and values as they are."""


class KVCache(Protocol):
    """One stack's memory; it owns attention over itself, so a format may attend to its own codes directly."""

    @property
    def length(self) -> int:
        """Positions held."""

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Write k and v [B, H, T, D] behind what is held; attend causally from q to it all: [B, H, T, D]."""

    def advance(self, count: int) -> None:
        """Count the positions every layer has written."""


class PlainCache:
    """Keys (after rotation) and values in `dtype`: [layers, 2, B, H, positions, D]."""

    def __init__(
        self, *, layers: int, rows: int, heads: int, positions: int, dim: int,
        dtype: torch.dtype, device: torch.device,
    ) -> None:  # fmt: skip
        self.store = torch.empty(layers, 2, rows, heads, positions, dim, dtype=dtype, device=device)
        self.length = 0
        self._layers = [(layer[0], layer[1]) for layer in self.store]

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Write k and v behind what is held and attend from q to all of it."""
        new, held = k.shape[-2], self.length + k.shape[-2]
        keys, values = self._layers[layer]
        assert held <= keys.shape[-2], "the cache was planned shorter than the song"
        keys.narrow(-2, self.length, new).copy_(k)
        values.narrow(-2, self.length, new).copy_(v)
        seen = (keys.narrow(-2, 0, held), values.narrow(-2, 0, held))
        return causal_attention(q, seen[0].to(q.dtype), seen[1].to(q.dtype))

    def advance(self, count: int) -> None:
        """Count the positions every layer has written."""
        self.length += count


def make_cache(
    kind: str, *, layers: int, rows: int, heads: int, positions: int, dim: int, device: torch.device
) -> KVCache:
    """A cache of one of the known formats, for `positions` positions and never more."""
    return PlainCache(
        layers=layers,
        rows=rows,
        heads=heads,
        positions=positions,
        dim=dim,
        dtype=FORMATS[kind],
        device=device,
    )
