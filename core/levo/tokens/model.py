"""The token model's weights, whole or part by part, under the names of the published checkpoint."""

from typing import Literal

import torch
from torch import Tensor, nn

from core.levo.artifacts import Conditions
from core.levo.shapes import CODEBOOKS, TokenShapes
from core.levo.tokens.blocks import Decoder, Projection, Rope
from core.levo.tokens.cache import KVCache
from core.levo.tokens.prefix import ConditionProvider

Part = Literal["text", "main", "sub"]
PARTS: tuple[Part, ...] = ("text", "main", "sub")
"""What a model can be loaded by: the tables read before the first step, and the two transformers."""


class Stack(nn.Module):
    """A decoder under the name the published checkpoint gives it, with or without a head."""

    def __init__(self, shapes: TokenShapes, *, layers: int, head: nn.Module | None = None) -> None:
        super().__init__()
        self.model = Decoder(layers=layers, width=shapes.width, ffn=shapes.ffn, heads=shapes.heads)
        self.lm_head = head


class TokenModel(nn.Module):
    """Main reads codebook 0 alone; sub reads main's states and codebooks 1 and 2 (levo-tokens spec §5)."""

    def __init__(self, shapes: TokenShapes, parts: tuple[Part, ...] = PARTS) -> None:
        """Only the tensors of `parts` exist, so only they are loaded."""
        super().__init__()
        self.shapes = shapes
        width, ids = shapes.width, shapes.codes + 2
        if "text" in parts:
            self.condition_provider = ConditionProvider(shapes)
        if "main" in parts:
            self.emb = nn.ModuleList([nn.Embedding(ids, width)])
            self.transformer = Stack(shapes, layers=shapes.main_layers, head=_head(shapes))
        if "sub" in parts:
            self.layer2_emb = nn.ModuleDict({book: nn.Embedding(ids, width) for book in ("1", "2")})
            self.mlp = nn.Sequential(Projection(2 * width, width), nn.GELU(), Projection(width, width))
            self.transformer2 = Stack(shapes, layers=shapes.sub_layers)
            self.linears = nn.ModuleList(_head(shapes) for _ in range(CODEBOOKS - 1))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def prefix(self, conditions: Conditions, rows: int) -> tuple[Tensor, Tensor]:
        """Embeddings [B, prefix, W] of the conditions, for main and sub; row 0 conditioned, row 1 null."""
        streams: tuple[Tensor, Tensor] = self.condition_provider(conditions, rows)
        return streams

    def embed_main(self, columns: Tensor, rows: int) -> Tensor:
        """Main's embeddings [B, S, W] of columns int64 [3, S], the same in every row."""
        embedded: Tensor = self.emb[0](columns[0])
        return embedded.expand(rows, -1, -1)

    def embed_sub(self, columns: Tensor, rows: int) -> Tensor:
        """Sub's embeddings [B, S, W] of columns int64 [3, S], the same in every row."""
        embedded: Tensor = self.layer2_emb["1"](columns[1]) + self.layer2_emb["2"](columns[2])
        return embedded.expand(rows, -1, -1)

    def main(self, x: Tensor, rope: Rope, cache: KVCache) -> Tensor:
        """Main's states [B, T, W], normalised."""
        states: Tensor = self.transformer.model(x, rope, cache)
        return states

    def sub(self, x: Tensor, states: Tensor, rope: Rope, cache: KVCache) -> Tensor:
        """Sub's states [B, T, W] from its own embeddings and main's states of the same positions."""
        bridged = self.mlp(torch.cat((x, states), dim=-1))
        below: Tensor = self.transformer2.model(bridged, rope, cache)
        return below

    def head(self, book: int, states: Tensor) -> Tensor:
        """Logits of one codebook in fp32, [B, codes + 1], from its own stack's states [B, W]."""
        head = self.linears[book - 1] if book else self.transformer.lm_head
        assert head is not None
        logits: Tensor = head(states)
        return logits.float()


def _head(shapes: TokenShapes) -> Projection:
    return Projection(shapes.width, shapes.codes + 1, bias=False)
