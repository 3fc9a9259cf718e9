"""The KV cache: what attention has seen so far, in one allocation made before the first step."""

from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from core.kernels.causal import causal_attention
from core.levo.portions import heads_at_once
from core.levo.tokens.codecs import Codec, Linear8, Mulaw8, Scratch

if TYPE_CHECKING:
    from collections.abc import Callable

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
        dtype: torch.dtype, device: torch.device, scratch: Scratch | None = None,
    ) -> None:  # fmt: skip
        """A scratch may be shared by caches of as many positions that are not used at the same time."""
        self.store = torch.empty(layers, 2, rows, heads, positions, dim, dtype=dtype, device=device)
        self.length = 0
        self._scratch = scratch or Scratch(positions, device)
        self._layers = [(layer[0], layer[1]) for layer in self.store]

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Write k and v behind what is held and attend from q to all of it."""
        new, held = k.shape[-2], self.length + k.shape[-2]
        keys, values = self._layers[layer]
        assert held <= keys.shape[-2], "the cache was planned shorter than the song"
        keys.narrow(-2, self.length, new).copy_(k)
        values.narrow(-2, self.length, new).copy_(v)
        keys, values = keys.narrow(-2, 0, held), values.narrow(-2, 0, held)
        if keys.dtype == q.dtype:
            return causal_attention(q, keys, values)

        def unpack(first: int, count: int) -> tuple[Tensor, Tensor]:
            return (
                self._as(q, "k", keys.narrow(1, first, count)),
                self._as(q, "v", values.narrow(1, first, count)),
            )

        return _by_heads(q, self._scratch, unpack)

    def advance(self, count: int) -> None:
        """Count the positions every layer has written."""
        self.length += count

    def _as(self, q: Tensor, name: str, held: Tensor) -> Tensor:
        return self._scratch.room(name, held.shape, q.dtype).copy_(held)


class CodedCache:
    """Keys (after rotation) and values as a codec's codes and scales, all decoded anew to attend to them."""

    def __init__(
        self, codec: Codec, *, layers: int, rows: int, heads: int, positions: int, dim: int,
        device: torch.device, scratch: Scratch | None = None, fresh: int = 0,
    ) -> None:  # fmt: skip
        """A scratch may be shared by caches of as many positions that are not used at the same time.

        A call that ends within the first `fresh` positions attends to its own keys and values as they come,
        not as they will be remembered; which calls those are must not depend on how a song is taken in.
        """
        codes = torch.Size((layers, 2, rows, heads, positions, dim))
        scales = codec.scales(codes)
        begin = codes.numel() + codes.numel() % 2
        size = begin + codec.scale_type.itemsize * scales.numel()
        self.store = torch.empty(size, dtype=torch.uint8, device=device)
        self.codes = self.store[: codes.numel()].view(torch.int8).view(codes)
        self.scales = self.store[begin:].view(codec.scale_type).view(scales)
        self.length = 0
        self._codec, self._scratch = codec, scratch or Scratch(positions, device)
        self._fresh = fresh

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Write k and v behind what is held and attend from q to all of it, what is new decoded as well."""
        assert self.length + k.shape[-2] <= self.codes.shape[-2], (
            "the cache was planned shorter than the song"
        )
        self._write(layer, 0, k)
        self._write(layer, 1, v)
        held = self.length + k.shape[-2]
        is_fresh = held <= self._fresh
        if is_fresh and not self.length:
            return causal_attention(q, k, v)

        def unpack(first: int, count: int) -> tuple[Tensor, Tensor]:
            keys, values = (self._read(layer, part, held, first, q, count) for part in range(2))
            if is_fresh:
                keys[..., self.length :, :] = k.narrow(1, first, count)
                values[..., self.length :, :] = v.narrow(1, first, count)
            return keys, values

        return _by_heads(q, self._scratch, unpack)

    def advance(self, count: int) -> None:
        """Count the positions every layer has written."""
        self.length += count

    def _write(self, layer: int, part: int, x: Tensor) -> None:
        stored = (
            store[layer, part].narrow(-2, self.length, x.shape[-2]) for store in (self.codes, self.scales)
        )
        self._codec.write(x, *stored)

    def _read(self, layer: int, part: int, held: int, first: int, q: Tensor, count: int) -> Tensor:
        codes, scales = (store[layer, part].narrow(-2, 0, held) for store in (self.codes, self.scales))
        codes = codes.narrow(1, first, count)
        if scales.shape[1] > 1:
            scales = scales.narrow(1, first, count)
        seen = self._scratch.room("kv"[part], codes.shape, q.dtype)
        self._codec.read(codes, scales, seen, self._scratch)
        return seen


def _by_heads(q: Tensor, scratch: Scratch, unpack: "Callable[[int, int], tuple[Tensor, Tensor]]") -> Tensor:
    """Attention from q [B, H, T, D] over what `unpack` gives for a first head and a number of them."""
    rows, heads, _, dim = q.shape
    count = heads_at_once(heads, 2 * rows * scratch.positions * dim * q.element_size())
    if count == heads:
        return causal_attention(q, *unpack(0, heads))
    parts = [
        causal_attention(q.narrow(1, first, count), *unpack(first, count)) for first in range(0, heads, count)
    ]
    return torch.cat(parts, dim=1)


def make_cache(
    kind: str, *, layers: int, rows: int, heads: int, positions: int, dim: int, device: torch.device,
    mu: float = 64.0, scratch: Scratch | None = None, fresh: int = 0,
) -> KVCache:  # fmt: skip
    """A cache of one of the known formats, for `positions` positions and never more; `mu` is mulaw8's.

    Within the first `fresh` positions int8 attends to what is new before it is rounded. The others do not:
    fp32 and fp16 attend to what they hold, mulaw8 to its codes as the published programs do.
    """
    if kind in FORMATS:
        return PlainCache(
            layers=layers, rows=rows, heads=heads, positions=positions, dim=dim,
            dtype=FORMATS[kind], device=device, scratch=scratch,
        )  # fmt: skip
    codecs: dict[str, Callable[[], Codec]] = {"int8": Linear8, "mulaw8": lambda: Mulaw8(mu, device)}
    return CodedCache(
        codecs[kind](), layers=layers, rows=rows, heads=heads, positions=positions, dim=dim, device=device,
        scratch=scratch, fresh=fresh if kind == "int8" else 0,
    )  # fmt: skip
