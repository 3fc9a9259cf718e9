"""Tables whose rows are learned in common: each is a row of its own and what its symbol is made of.

A code of a syllable is met a few times an hour, its vowel all the time: so the row of `sound tx ai n` is the
sum of a row of its own and of rows for sounds, for tx, for ai and for n. The product gets the sums.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from core.errors import SongdeskError
from core.levo.tokens.model import TokenModel
from train.symbols import BOOKS, Symbol

_SHARE = 0.5
"""How much the common rows count, which move at every step."""
_NEAR = 4
"""Neighbouring numbers that have one row in common."""


class Composed(nn.Module):
    """Adds to a matrix [N, W] the rows that its symbols have in common."""

    made_of: Tensor

    def __init__(self, symbols: Sequence[Symbol], rows: int, width: int) -> None:
        """Row n is that of symbol n; rows behind the last symbol are of their own."""
        super().__init__()
        parts = [list(_parts(symbol)) for symbol in symbols]
        numbers = {part: at for at, part in enumerate(dict.fromkeys(one for row in parts for one in row))}
        made_of = torch.zeros(rows, len(numbers))
        for row, own in enumerate(parts):
            made_of[row, [numbers[part] for part in own]] = _SHARE
        self.register_buffer("made_of", made_of, persistent=False)
        self.common = nn.Parameter(torch.zeros(len(numbers), width))

    def forward(self, own: Tensor) -> Tensor:
        """The whole matrix."""
        return own + self.made_of @ self.common


def _parts(symbol: Symbol) -> Iterator[Symbol]:
    """The kind of a symbol, each of its values by their place, and numbers also with those near."""
    kind, *values = symbol
    yield (kind,)
    for place, value in enumerate(values):
        yield (kind, place, value)
        if isinstance(value, int):
            yield (kind, place, "near", value // _NEAR)


def share_rows(model: TokenModel, heads: Sequence[tuple[nn.Linear, Sequence[Symbol]]]) -> None:
    """Make the tables and heads of the three codebooks, and `heads` with their symbols, composed ones."""
    prompt = model.condition_provider.conditioners["prompt_audio"]
    sub = model.layer2_emb
    prompts: Any = prompt.emb
    tables = ((model.emb[0], sub["1"], sub["2"]), tuple(prompts))
    outputs = (model.transformer.lm_head, *model.linears)
    book: int
    symbols: Sequence[Symbol]
    for book, symbols in enumerate(BOOKS):
        for table in tables:
            _share(table[book], symbols)
        _share(outputs[book], symbols)
    for head, symbols in heads:
        _share(head, symbols)


def summed(model: TokenModel) -> dict[str, Tensor]:
    """The product's weights of a model with composed tables, which is whole again afterwards."""
    for module in model.modules():
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    return model.state_dict()


def take(model: TokenModel, weights: Mapping[str, Tensor]) -> None:
    """Begin a model with composed tables at the product's weights: whole in the own rows, common ones zero.

    Raises SongdeskError where they are not those of such a model.
    """
    mine = model.state_dict()
    for name, value in mine.items():
        if name.endswith(".common"):
            value.zero_()
        else:
            whole = weights.get(name.replace("parametrizations.weight.original", "weight"))
            if whole is None or whole.shape != value.shape:
                raise SongdeskError(f"no weights for {name}", hint="begin with a role file of this model")
            value.copy_(whole)


def _share(module: nn.Module, symbols: Sequence[Symbol]) -> None:
    weight = module.weight
    assert isinstance(weight, Tensor)
    rows, width = weight.shape
    parametrize.register_parametrization(module, "weight", Composed(symbols, rows, width))
