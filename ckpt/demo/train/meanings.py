"""Codebooks whose rows are made of what their symbols mean: rare codes are learned with those like them."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.symbols import BOOKS, Symbol


class Meanings(nn.Module):
    """The rows of one codebook: each is the sum of vectors for its symbol's kind and values."""

    places: Tensor

    def __init__(self, book: int, width: int) -> None:
        super().__init__()
        meanings = [_meanings(symbol) for symbol in BOOKS[book]]
        order = {one: at for at, one in enumerate(sorted({one for row in meanings for one in row}, key=repr))}
        longest, empty = max(map(len, meanings)), len(order)
        filled = [[order[one] for one in row] + [empty] * (longest - len(row)) for row in meanings]
        self.register_buffer("places", torch.tensor(filled), persistent=False)
        self.vectors = nn.Embedding(len(order) + 1, width, padding_idx=empty)

    def forward(self) -> Tensor:
        """The rows [symbols, width], of length 1."""
        vectors: Tensor = self.vectors(self.places)
        return F.normalize(vectors.sum(dim=1), dim=-1)

    def table(self, codes: int) -> Tensor:
        """All rows of a codebook [codes, width]; what means nothing is row 0 again, which is found first."""
        rows = self().detach()
        return torch.cat((rows, rows[:1].expand(codes - len(rows), -1)))


def _meanings(symbol: Symbol) -> tuple[Symbol, ...]:
    """A symbol's kind, and each of its values as one of that kind at its place."""
    kind, *values = symbol
    return (kind,), *((kind, at, value) for at, value in enumerate(values))
