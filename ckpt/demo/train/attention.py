"""What the decoders attend to while they learn: all positions at once, with help in the beginning."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from core.levo.shapes import TokenShapes
from core.levo.tokens.blocks import Rope
from core.levo.tokens.model import TokenModel
from train.drawing import RECALLED
from train.rows import Batch, Layout

_FAR = 6.0
"""How much less likely a head looks where it should not at first, as a logarithm."""
_COLUMNS = 6000
"""Columns of the longest song."""


class Memory:
    """What the product's cache is to a decoder, for all positions at once and with a gradient."""

    length = 0

    def __init__(
        self, bias: Sequence[Tensor], batch: Batch | None = None, guided: Sequence[int] = (),
        recalling: Mapping[str, Sequence[int]] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        """`bias` [1 or H, N, N] is added to scores, the second one in the layers `guided`.

        In those head 0 is held to the spans of the batch. `recalling` names the layer and the head that are
        held to each thing that the batch recalls.
        """
        self._bias, self._batch, self._guided, self._recalling = bias, batch, guided, recalling
        self.missed: list[Tensor] = []
        """Of each guided layer, -log of the attention that falls on the aims, [M]."""
        self.forgotten: dict[str, Tensor] = {}
        """The same of what is to be recalled, [M]."""

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Causal attention [B, H, N, D] over all."""
        is_guided = layer in self._guided and self._batch is not None
        bias = self._bias[is_guided]
        if is_guided and self._batch is not None:
            self.missed.append(self._miss(q[:, 0], k[:, 0], self._batch, bias[0]))
        for name, (where, head) in self._recalling.items():
            if where == layer and self._batch is not None:
                own = bias[head % len(bias)]
                self.forgotten[name] = self._forget(q[:, head], k[:, head], self._batch, name, own)
        # The quick kernel takes masks of two or four axes alone; with three, torch writes every score down.
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias[None])

    def advance(self, count: int) -> None:
        """Nothing is kept."""

    @staticmethod
    def _forget(q: Tensor, k: Tensor, batch: Batch, name: str, bias: Tensor) -> Tensor:
        recalls = batch.recalls[..., RECALLED.index(name)]
        scores, first = _scores(q, k, batch, bias)
        found = scores.gather(-1, first + recalls.clamp_min(0)[..., None])[..., 0]
        return (scores.logsumexp(-1) - found)[recalls >= 0]

    @staticmethod
    def _miss(q: Tensor, k: Tensor, batch: Batch, bias: Tensor) -> Tensor:
        scores, _ = _scores(q, k, batch, bias)
        at = torch.arange(batch.text, device=scores.device)
        aimed = (at >= batch.spans[..., :1]) & (at <= batch.spans[..., 1:])
        found = scores[..., : batch.text].masked_fill(~aimed, -1e9).logsumexp(-1)
        return (scores.logsumexp(-1) - found)[batch.spans[..., 0] >= 0]


def _scores(q: Tensor, k: Tensor, batch: Batch, bias: Tensor) -> tuple[Tensor, int]:
    """One head's scores [B, S', N] of the song's columns, and where those begin."""
    count, first = batch.spans.shape[1], q.shape[1] - batch.columns.shape[-1]
    asked = q[:, first : first + count]
    return asked @ k.transpose(1, 2) / math.sqrt(q.shape[-1]) + bias[first : first + count], first


def embedded(model: TokenModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """The prefix for main and for sub, [B, P, W], at the layout's positions."""
    tables, layout = model.condition_provider.conditioners, batch.layout
    lyrics = tables["description"](batch.lyric[:, layout.lyric], batch.structure[:, layout.lyric])
    prompts = [stream[:, layout.prompt] for stream in tables["prompt_audio"](batch.slots)]
    style = tables["type_info"](batch.style[:, layout.style])
    main, sub = (torch.cat((lyrics, prompt, style), dim=1) for prompt in prompts)
    return main, sub


def tables(shapes: TokenShapes, layout: Layout) -> tuple[tuple[Rope, Rope], Tensor]:
    """Rotations of both transformers at the layout's positions, and the bias of every score."""
    places = layout.places
    whole = [_rope(shapes, base, places.device) for base in (shapes.main_rope_base, shapes.sub_rope_base)]
    main, sub = (Rope(rope.cos[places], rope.sin[places]) for rope in whole)
    bias = layout.weights.log().expand(len(places), -1)
    return (main, sub), bias.masked_fill(~torch.ones_like(bias, dtype=torch.bool).tril(), -torch.inf)


def helped(bias: Tensor, batch: Batch, shapes: TokenShapes, share: float) -> tuple[Tensor, Tensor]:
    """The biases [H, N, N] of plain layers and of guided ones, with `share` of the first help.

    Among a thousand positions that look alike a head learns next to nothing of the one that matters. So at
    first head 0 sees little but the description, two see little but what was a short while ago, the last one
    also what was long ago, and the guided heads little but text; in the end there is no such help, as in the
    product.
    """
    if not share:
        return bias[None], bias[None]
    places = batch.layout.places
    is_song = places >= shapes.prefix
    across = is_song[:, None].float() * share
    style = shapes.lyric_length + shapes.prompt_length
    is_style = (places >= style) & (places < shapes.prefix)
    far = -_FAR * across * (~is_song)
    late = (places[:, None] - places).clamp_min(0) * is_song * across
    told = bias - _FAR * across * (~is_style)
    heads = [told, bias + far - 0.3 * late, bias + far - 0.06 * late]
    heads += [bias + far * ~is_style] * (shapes.heads - 3)
    text = bias - _FAR * across * (torch.arange(len(places), device=places.device) >= batch.text)
    return torch.stack(heads[: shapes.heads]), torch.stack([text, *heads[1:]][: shapes.heads])


@lru_cache(maxsize=2)
def _rope(shapes: TokenShapes, base: float, device: torch.device) -> Rope:
    return Rope.of(shapes.prefix + _COLUMNS, shapes.width // shapes.heads, base, device=device)
