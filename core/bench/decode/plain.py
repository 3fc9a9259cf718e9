"""The baseline: phase 2 the straightforward way, step by step on the product's own weights and formats."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.bench.decode.midway import known
from core.bench.decode.traffic import ROWS
from core.kernels.reference import (
    int8_encode,
    int8_scales,
    mulaw_encode,
    mulaw_table,
    rms_norm,
    rope_table,
    rotate_halves,
)
from core.levo.tokens.cache import CodedCache, PlainCache, make_cache
from core.levo.tokens.model import TokenModel
from core.levo.tokens.sample import Knobs

Cache = PlainCache | CodedCache
MU = 64.0


@dataclass(frozen=True, slots=True)
class PlainLayer:
    """The weights of one layer, each matrix by itself."""

    norm: Tensor
    qkv: tuple[Tensor, ...]
    out: Tensor
    later_norm: Tensor
    gate: Tensor
    up: Tensor
    down: Tensor

    @staticmethod
    def of(layer: nn.Module) -> "PlainLayer":
        """The same weights as a layer of the product, without a copy."""
        weight = layer.get_parameter
        gate, up = weight("mlp.fused_gate_up_proj.weight").chunk(2)
        return PlainLayer(
            norm=weight("input_layernorm.weight"),
            qkv=weight("self_attn.fused_qkv_proj.weight").chunk(3),
            out=weight("self_attn.o_proj.weight"),
            later_norm=weight("post_attention_layernorm.weight"),
            gate=gate,
            up=up,
            down=weight("mlp.down_proj.weight"),
        )


@dataclass(frozen=True, slots=True)
class PlainStack:
    """One transformer with what it remembers."""

    layers: tuple[PlainLayer, ...]
    norm: Tensor
    base: float
    """Of the rotation."""
    cache: Cache


class PlainSong:
    """Main and sub in lockstep, one position a call, with nothing fused and nothing kept between steps.

    Each layer multiplies query, key, value, gate and up each by its own part of the matrix, decodes all of
    its cache to new memory, and attends to it through scaled_dot_product_attention, whose shapes grow.
    """

    def __init__(self, model: TokenModel, *, positions: int, cache: str) -> None:
        """With room for so many positions, prefix included; the weights must be as they are stored."""
        shapes = model.shapes
        self.model, self.shapes, self.held = model, shapes, 0
        stacks = (
            (model.transformer.model, shapes.main_rope_base),
            (model.transformer2.model, shapes.sub_rope_base),
        )
        self._stacks = tuple(
            PlainStack(
                tuple(PlainLayer.of(layer) for layer in network.layers),
                network.norm.weight,
                base,
                known(
                    make_cache(
                        cache, layers=len(network.layers), rows=ROWS, heads=shapes.heads, positions=positions,
                        dim=shapes.width // shapes.heads, device=model.device, mu=MU,
                    )
                ),
            )
            for network, base in stacks
        )  # fmt: skip
        self.caches = tuple(stack.cache for stack in self._stacks)
        weight = model.get_parameter
        self._bridge = [(weight(f"mlp.{at}.weight"), weight(f"mlp.{at}.bias")) for at in (0, 2)]
        self._heads = [weight(f"{name}.weight") for name in ("transformer.lm_head", "linears.0", "linears.1")]
        self._table = mulaw(model.device)
        self._last: tuple[Tensor, ...] = ()

    def put(self, held: int) -> None:
        """Go on as if so many positions had been taken in: what is written there now is the history."""
        self.held = held

    def feed(self, columns: Tensor) -> None:
        """Take in the next column, int64 [3, 1]."""
        main, sub = self.model.embed_main(columns, ROWS), self.model.embed_sub(columns, ROWS)
        states = self._through(main, self._stacks[0])
        first, second = self._bridge
        bridged = F.linear(F.gelu(F.linear(torch.cat((sub, states), dim=-1), *first)), *second)
        below = self._through(bridged, self._stacks[1])
        self._last = states[:, -1], below[:, -1]
        self.held += 1

    def logits(self, books: tuple[int, ...]) -> Tensor:
        """Logits of the next column: fp32 [B, len(books), codes + 1]."""
        rows = [F.linear(self._last[min(book, 1)], self._heads[book]) for book in books]
        return torch.stack(rows, dim=1).float()

    def _through(self, x: Tensor, stack: PlainStack) -> Tensor:
        """Normalised states [B, 1, W] of x [B, 1, W]."""
        place = torch.tensor([self.held], device=x.device)
        turn = rope_table(place, self.shapes.width // self.shapes.heads, stack.base)
        x = x.float()
        for index, layer in enumerate(stack.layers):
            x = x + self._attended(rms_norm(x, layer.norm), layer, turn, stack.cache, index)
            near = rms_norm(x, layer.later_norm)
            wide = F.silu(F.linear(near, layer.gate)) * F.linear(near, layer.up)
            x = x + F.linear(wide, layer.down)
        return rms_norm(x, stack.norm)

    def _attended(
        self, x: Tensor, layer: PlainLayer, turn: tuple[Tensor, Tensor], cache: Cache, index: int
    ) -> Tensor:
        q, k, v = (
            F.linear(x, weight).view(len(x), 1, self.shapes.heads, -1).transpose(1, 2) for weight in layer.qkv
        )
        for part, new in enumerate((rotate_halves(k, *turn), v)):
            remember(cache, index, part, self.held, new)
        keys, values = (
            recalled(cache, index, part, self.held + 1, dtype=x.dtype, table=self._table) for part in range(2)
        )
        seen = F.scaled_dot_product_attention(rotate_halves(q, *turn), keys, values)
        return F.linear(seen.transpose(1, 2).flatten(2), layer.out)


def remember(cache: Cache, layer: int, part: int, at: int, new: Tensor) -> None:
    """Write keys (part 0) or values (1) [B, H, 1, D] of a position."""
    here = slice(at, at + 1)
    if isinstance(cache, PlainCache):
        store = cache.store[layer, part]
        store[:, :, here] = new.to(store.dtype)
        return
    codes, scales = cache.codes[layer, part], cache.scales[layer, part]
    is_linear = scales.dtype == torch.uint8
    codes[:, :, here], scales[:, :, here] = int8_encode(new) if is_linear else mulaw_encode(new, MU)


def recalled(
    cache: Cache, layer: int, part: int, length: int, *, dtype: torch.dtype, table: Tensor
) -> Tensor:  # fmt: skip
    """All keys or values so far, [B, H, length, D], in new memory; `table` is what `mulaw` gives."""
    if isinstance(cache, PlainCache):
        return cache.store[layer, part][:, :, :length].to(dtype)
    codes, scales = (store[layer, part][:, :, :length] for store in (cache.codes, cache.scales))
    if scales.dtype != torch.uint8:
        index = codes.contiguous().view(torch.uint8).int()
        return (table[index] * scales).to(dtype)
    steps = int8_scales(scales).to(dtype).unsqueeze(-1)
    return (codes.reshape(*scales.shape, -1) * steps).flatten(-2)


def mulaw(device: torch.device) -> Tensor:
    """What the codes of µ-law stand for at scale 1, by their bytes, fp16 [256]."""
    return mulaw_table(MU).roll(128).to(device)


def draw(logits: Tensor, history: Tensor, knobs: Knobs) -> list[int]:
    """The tokens of the next column, by sorting, from logits [B, n, V] and what was lately heard, [n, W]."""
    scores = logits[1] + (logits[0] - logits[1]) * knobs.guidance
    end, tokens = scores.shape[1] - 1, []
    for book, row in enumerate(scores):
        heard = torch.unique(history[book][history[book] < end])
        row[heard] = row[heard] / knobs.repetition_penalty
        row[end] = -torch.inf  # for the measure the song does not end
        temperature = knobs.stem_temperature if book else knobs.temperature
        if temperature <= 0:
            tokens.append(int(row.argmax()))
            continue
        shares, ids = (row / temperature).softmax(-1).sort(descending=True)
        if knobs.top_k:
            shares[knobs.top_k :] = 0
        if 0 < knobs.top_p < 1:
            shares[shares.cumsum(-1) - shares > knobs.top_p] = 0
        tokens.append(int(ids[torch.multinomial(shares / shares.sum(), 1)]))
    return tokens
