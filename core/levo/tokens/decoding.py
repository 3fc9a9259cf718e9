"""One song's pass through the token model: conditions and columns in, logits of the next column out."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from core.levo.shapes import PREFILL_CHUNK
from core.levo.tokens.blocks import Decoder, Rope
from core.levo.tokens.cache import KVCache, make_cache
from core.levo.tokens.codecs import Scratch
from core.levo.tokens.model import TokenModel

Streams = tuple[Tensor, ...]
"""Embeddings [B, T, W] of the same positions: for main, for sub, or for both."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much memory a song is given: known before its first step and never more."""

    rows: int
    """2 with guidance, 1 without."""
    columns: int
    cache: str
    """Format of the KV cache."""
    mu: float = 64.0
    """Of the µ-law format."""

    def chunk(self, start: int, prefix: int) -> int:
        """Positions that a prefill takes in together from `start` on.

        The prefix with the first column never shares a chunk with later columns: it is taken in alike whether
        these are known or not. µ-law takes it in at once, with one scale for all of it, as published.
        """
        left = prefix + 1 - start if prefix else 0
        if left <= 0:
            return PREFILL_CHUNK
        return left if self.cache == "mulaw8" and start == 0 else min(PREFILL_CHUNK, left)

    def positions(self, model: TokenModel) -> int:
        """The prefix and the columns."""
        return model.shapes.prefix + self.columns

    def memory(self, model: TokenModel, *layers: int) -> tuple[KVCache, ...]:
        """The caches of transformers of so many layers, which unpack into the same scratch."""
        shapes, positions = model.shapes, self.positions(model)
        scratch = Scratch(positions, model.device)
        return tuple(
            make_cache(
                self.cache, layers=count, rows=self.rows, heads=shapes.heads, positions=positions,
                dim=shapes.width // shapes.heads, device=model.device, mu=self.mu, scratch=scratch,
                fresh=shapes.prefix + 1,
            )
            for count in layers
        )  # fmt: skip

    def rope(self, model: TokenModel, base: float) -> Rope:
        """The table of one rope base."""
        shapes = model.shapes
        return Rope.of(self.positions(model), shapes.width // shapes.heads, base, device=model.device)


@dataclass(frozen=True, slots=True)
class Transformer:
    """A decoder with what it remembers of one song."""

    decoder: Decoder
    rope: Rope
    cache: KVCache


class Pass(ABC):
    """Takes in positions in chunks and knows how many columns it has."""

    transformers: tuple[Transformer, ...]
    """In the order in which a position passes them."""

    def __init__(self, model: TokenModel, room: Room) -> None:
        self.model, self.shapes, self.rows, self.room = model, model.shapes, room.rows, room
        self._at = 0

    def hold(self, columns: int) -> None:
        """Count so many columns as taken in: a static step has written the last of them to the caches."""
        count = self.shapes.prefix + columns - self._at
        for each in self.transformers:
            each.cache.advance(count)
        self._at += count

    @property
    def taken(self) -> int:
        """Columns taken in."""
        return max(0, self._at - self.shapes.prefix)

    def prefill(
        self,
        prefix: Streams,
        columns: Tensor,
        *,
        chunk: int = 0,
        pause: Callable[[], object] = int,
    ) -> None:
        """Take in the prefix and the first columns int64 [3, S], `chunk` at a time (0: as the cache wants).

        The prefix may be in the host's memory: each chunk goes to the device by itself. `pause` is called
        before each chunk and may raise to give up.
        """
        self._take(prefix, columns, chunk, pause)

    def feed(self, columns: Tensor) -> None:
        """Take in the next columns, int64 [3, S]."""
        self._take((), columns, 0, int)

    @abstractmethod
    def logits(self, books: tuple[int, ...]) -> Tensor:
        """Logits of the next column for some codebooks: fp32 [B, len(books), codes + 1]."""

    @abstractmethod
    def _embed(self, columns: Tensor) -> Streams: ...

    @abstractmethod
    def _run(self, streams: Streams) -> None: ...

    def _take(self, prefix: Streams, columns: Tensor, chunk: int, pause: Callable[[], object]) -> None:
        ahead = prefix[0].shape[1] if prefix else 0
        total, start = ahead + columns.shape[1], 0
        while start < total:
            pause()
            end = min(total, start + (chunk or self.room.chunk(start, ahead)))
            known = [stream[:, start:end].to(columns.device) for stream in prefix if start < ahead]
            made = self._embed(columns[:, max(0, start - ahead) : end - ahead]) if end > ahead else known
            both = zip(known, made, strict=True) if known and end > ahead else None
            self._run(tuple(torch.cat(pair, dim=1) for pair in both) if both else tuple(made))
            self._at, start = self._at + end - start, end


class Decoding(Pass):
    """Main and sub in lockstep; its prefix is main's and sub's."""

    def __init__(self, model: TokenModel, *, rows: int, columns: int, cache: str, mu: float = 64.0) -> None:
        """Plan for the prefix and `columns` columns; `cache` names its format; `rows` is 1 or 2."""
        room, shapes = Room(rows, columns, cache, mu), model.shapes
        super().__init__(model, room)
        bases = (shapes.main_rope_base, shapes.sub_rope_base)
        tables = {base: room.rope(model, base) for base in set(bases)}
        decoders = (model.transformer.model, model.transformer2.model)
        caches = room.memory(model, shapes.main_layers, shapes.sub_layers)
        self.transformers = tuple(
            Transformer(decoder, tables[base], cache)
            for decoder, base, cache in zip(decoders, bases, caches, strict=True)
        )
        self._last: Streams = ()

    def logits(self, books: tuple[int, ...]) -> Tensor:
        """Logits of the next column for some codebooks: fp32 [B, len(books), codes + 1]."""
        assert self._last, "prefill comes first"
        return torch.stack([self.model.head(book, self._last[min(book, 1)]) for book in books], dim=1)

    def _embed(self, columns: Tensor) -> Streams:
        return self.model.embed_main(columns, self.rows), self.model.embed_sub(columns, self.rows)

    def _run(self, streams: Streams) -> None:
        main, sub = self.transformers
        states = self.model.main(streams[0], main.rope, main.cache)
        below = self.model.sub(streams[1], states, sub.rope, sub.cache)
        self._last = (states[:, -1], below[:, -1])


class MainPass(Pass):
    """Main alone, which writes codebook 0 and keeps every state for sub; its prefix is main's."""

    def __init__(self, model: TokenModel, room: Room) -> None:
        """The model needs main only."""
        super().__init__(model, room)
        weight = model.transformer.model.norm.weight
        size = (room.rows, room.positions(model), model.shapes.width)
        self.states = torch.empty(size, dtype=weight.dtype, device=weight.device)
        """Main's normalised states, [B, positions, W]."""
        (cache,) = room.memory(model, model.shapes.main_layers)
        rope = room.rope(model, model.shapes.main_rope_base)
        self.transformers = (Transformer(model.transformer.model, rope, cache),)

    def logits(self, books: tuple[int, ...]) -> Tensor:
        """Logits of codebook 0 in the next column: fp32 [B, 1, codes + 1]."""
        assert books == (0,), "main knows codebook 0 alone"
        return self.model.head(0, self.states[:, self._at - 1]).unsqueeze(1)

    def _embed(self, columns: Tensor) -> Streams:
        return (self.model.embed_main(columns, self.rows),)

    def _run(self, streams: Streams) -> None:
        (main,) = self.transformers
        states = self.model.main(streams[0], main.rope, main.cache)
        self.states[:, self._at : self._at + states.shape[1]] = states


class SubPass(Pass):
    """Sub alone, over the states main has left, which writes codebooks 1 and 2; its prefix is sub's."""

    def __init__(self, model: TokenModel, room: Room, states: Tensor) -> None:
        """The model needs sub only; `states` are main's, [B, positions, W]."""
        super().__init__(model, room)
        self.states = states
        (cache,) = room.memory(model, model.shapes.sub_layers)
        rope = room.rope(model, model.shapes.sub_rope_base)
        self.transformers = (Transformer(model.transformer2.model, rope, cache),)
        self._last: Tensor | None = None

    def logits(self, books: tuple[int, ...]) -> Tensor:
        """Logits of the next column for codebooks 1 and 2: fp32 [B, len(books), codes + 1]."""
        last = self._last
        assert last is not None, "prefill comes first"
        assert 0 not in books, "sub does not know codebook 0"
        return torch.stack([self.model.head(book, last) for book in books], dim=1)

    def _embed(self, columns: Tensor) -> Streams:
        return (self.model.embed_sub(columns, self.rows),)

    def _run(self, streams: Streams) -> None:
        (x,) = streams
        states = self.states[:, self._at : self._at + x.shape[1]]
        (sub,) = self.transformers
        self._last = self.model.sub(x, states, sub.rope, sub.cache)[:, -1]
