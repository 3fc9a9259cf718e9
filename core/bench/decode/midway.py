"""Songs that begin in their middle: the product's, with a history that nobody made."""

from dataclasses import replace

import torch
from torch import Tensor

from core.bench.decode.traffic import ROWS
from core.kernels.reference import int8_encode
from core.levo.tokens.cache import CodedCache, KVCache, PlainCache
from core.levo.tokens.decoding import Decoding
from core.levo.tokens.model import TokenModel

_PATTERN = 1 << 20
"""Values of noise that are laid side by side: drawing them for every place would take longer than a lap."""
_REACH = 4.0
"""The largest key or value of the noise."""


class Midway(Decoding):
    """The product's lockstep song, which can be put at any position."""

    def __init__(
        self, model: TokenModel, *, positions: int, cache: str, delays: tuple[int, int, int] | None = None
    ) -> None:
        """With room for so many positions, prefix included; its codebooks may be less late than usual."""
        super().__init__(model, rows=ROWS, columns=positions - model.shapes.prefix, cache=cache)
        self.shapes = replace(model.shapes, delays=delays or model.shapes.delays)
        self.caches = tuple(known(each.cache) for each in self.transformers)

    def put(self, held: int) -> None:
        """Go on as if so many positions had been taken in: what is written there now is the history."""
        for cache in self.caches:
            cache.length = held
        self._at = held

    def twin(self) -> "Midway":
        """Another song that stands where this one does, with memory of its own."""
        positions = self.shapes.prefix + self.room.columns
        other = Midway(self.model, positions=positions, cache=self.room.cache, delays=self.shapes.delays)
        for into, held in zip(other.caches, self.caches, strict=True):
            same(into, held)
        other._at, other._last = self._at, self._last
        return other


def known(cache: KVCache) -> PlainCache | CodedCache:
    """A cache of one of the formats of the product."""
    assert isinstance(cache, PlainCache | CodedCache), "a format that the bench does not know"
    return cache


def fill(cache: PlainCache | CodedCache) -> None:
    """Write noise to every place of a cache, whatever its format."""
    if isinstance(cache, PlainCache):
        _lay(cache.store, torch.randn(_PATTERN, device=cache.store.device))
        return
    device = cache.codes.device
    _lay(cache.codes, torch.randint(-127, 128, (_PATTERN,), dtype=torch.int8, device=device))
    scales = cache.scales
    if scales.dtype == torch.uint8:
        scales.copy_(int8_encode(torch.full((32,), _REACH, device=device))[1])
    else:
        scales.fill_(_REACH)


def same(cache: PlainCache | CodedCache, other: PlainCache | CodedCache) -> None:
    """Copy what another cache of the same format and no more room holds."""
    if isinstance(cache, PlainCache) and isinstance(other, PlainCache):
        pairs = [(cache.store, other.store)]
    else:
        assert isinstance(cache, CodedCache), "caches of one format"
        assert isinstance(other, CodedCache), "caches of one format"
        pairs = [(cache.codes, other.codes), (cache.scales, other.scales)]
    for into, held in pairs:
        into[..., : held.shape[-2], :].copy_(held)
    cache.length = other.length


def _lay(place: Tensor, pattern: Tensor) -> None:
    flat, count = place.view(-1), len(pattern)
    whole = flat.numel() // count * count
    flat[:whole].view(-1, count).copy_(pattern)
    flat[whole:].copy_(pattern[: flat.numel() - whole])
