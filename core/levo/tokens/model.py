"""The token model: conditions and columns of codes in, logits of the next column out."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from core.levo.artifacts import Conditions
from core.levo.shapes import CODEBOOKS, TokenShapes
from core.levo.tokens.blocks import Decoder, Projection, Rope
from core.levo.tokens.cache import KVCache, make_cache
from core.levo.tokens.prefix import ConditionProvider

CHUNK = 256
"""Positions of a prefill computed at a time."""


class Stack(nn.Module):
    """A decoder under the name the published checkpoint gives it, with or without a head."""

    def __init__(self, shapes: TokenShapes, *, layers: int, head: nn.Module | None = None) -> None:
        super().__init__()
        self.model = Decoder(layers=layers, width=shapes.width, ffn=shapes.ffn, heads=shapes.heads)
        self.lm_head = head


class TokenModel(nn.Module):
    """Main reads codebook 0 alone; sub reads main's states and codebooks 1 and 2 (levo-tokens spec §5)."""

    def __init__(self, shapes: TokenShapes) -> None:
        super().__init__()
        self.shapes = shapes
        width, ids = shapes.width, shapes.codes + 2
        self.condition_provider = ConditionProvider(shapes)
        self.emb = nn.ModuleList([nn.Embedding(ids, width)])
        self.layer2_emb = nn.ModuleDict({book: nn.Embedding(ids, width) for book in ("1", "2")})
        self.transformer = Stack(shapes, layers=shapes.main_layers, head=_head(shapes))
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

    def embed(self, columns: Tensor, rows: int) -> tuple[Tensor, Tensor]:
        """Embeddings [B, S, W] of columns int64 [3, S], the same in every row, for main and for sub."""
        main = self.emb[0](columns[0])
        sub = self.layer2_emb["1"](columns[1]) + self.layer2_emb["2"](columns[2])
        return main.expand(rows, -1, -1), sub.expand(rows, -1, -1)

    def main(self, x: Tensor, rope: Rope, cache: KVCache) -> Tensor:
        """Main's states [B, T, W], normalised."""
        states: Tensor = self.transformer.model(x, rope, cache)
        return states

    def sub(self, x: Tensor, states: Tensor, rope: Rope, cache: KVCache) -> Tensor:
        """Sub's states [B, T, W] from its own embeddings and main's states of the same positions."""
        bridged = self.mlp(torch.cat((x, states), dim=-1))
        below: Tensor = self.transformer2.model(bridged, rope, cache)
        return below

    def head(self, book: int, states: Tensor, below: Tensor) -> Tensor:
        """Logits of one codebook in fp32, [B, codes + 1], from main's and sub's states [B, W]."""
        if book == 0:
            assert self.transformer.lm_head is not None
            logits: Tensor = self.transformer.lm_head(states)
        else:
            logits = self.linears[book - 1](below)
        return logits.float()


class Decoding:
    """One song's pass through the model: a cache for each transformer and the states of the last position."""

    def __init__(self, model: TokenModel, *, rows: int, columns: int, cache: str) -> None:
        """Plan for the prefix and `columns` columns; `cache` names its format; `rows` is 1 or 2."""
        shapes, device = model.shapes, model.device
        self.model, self.shapes, self.rows = model, shapes, rows
        positions, dim = shapes.prefix + columns, shapes.width // shapes.heads
        self._caches = [
            make_cache(
                cache,
                layers=layers,
                rows=rows,
                heads=shapes.heads,
                positions=positions,
                dim=dim,
                device=device,
            )
            for layers in (shapes.main_layers, shapes.sub_layers)
        ]
        tables = {
            base: Rope.of(positions, dim, base, device=device)
            for base in {shapes.main_rope_base, shapes.sub_rope_base}
        }
        self._ropes = (tables[shapes.main_rope_base], tables[shapes.sub_rope_base])
        self._last: tuple[Tensor, Tensor] | None = None

    def prefill(
        self,
        conditions: Conditions,
        columns: Tensor,
        *,
        chunk: int = CHUNK,
        pause: Callable[[], object] = int,
    ) -> None:
        """Take in the conditions and the first columns int64 [3, S], `chunk` positions at a time.

        `pause` is called before each chunk and may raise to give up.
        """
        prefix, first = self.model.prefix(conditions, self.rows), self.model.embed(columns, self.rows)
        main, sub = (torch.cat(pair, dim=1) for pair in zip(prefix, first, strict=True))
        for start in range(0, main.shape[1], chunk):
            pause()
            self._run(main[:, start : start + chunk], sub[:, start : start + chunk])

    def feed(self, columns: Tensor) -> None:
        """Take in the next columns, int64 [3, S]."""
        self._run(*self.model.embed(columns, self.rows))

    def logits(self, books: tuple[int, ...]) -> Tensor:
        """Logits of the next column for some codebooks: fp32 [B, len(books), codes + 1]."""
        assert self._last is not None, "prefill comes first"
        states, below = self._last
        return torch.stack([self.model.head(book, states, below) for book in books], dim=1)

    def _run(self, main: Tensor, sub: Tensor) -> None:
        states = self.model.main(main, self._ropes[0], self._caches[0])
        below = self.model.sub(sub, states, self._ropes[1], self._caches[1])
        self._last = (states[:, -1], below[:, -1])


def _head(shapes: TokenShapes) -> Projection:
    return Projection(shapes.width, shapes.codes + 1, bias=False)
