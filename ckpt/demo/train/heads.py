"""What a token model is asked while it learns: the next codes, and by heads of its own what it must know."""

from collections.abc import Mapping
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.levo.shapes import TokenShapes
from core.levo.tokens.model import TokenModel
from train.composed import share_rows
from train.drawing import FACTS
from train.rows import Batch
from train.symbols import LINES, MIX, PLACES

_KINDS = ("hold", "section", "bar", "chord", "beat", "half", "end", "pitch", "line", "place", "sound")
_SOUNDS = len(MIX) - sum(symbol[0] == "sound" for symbol in MIX)
"""The first code of a syllable that begins; those behind it are others."""
_TURNS = ("section", "bar", "end", "chord", "line", "place")
"""What a song tells seldom, and on which all that follows hangs."""
_VOICE = ("sound", "pitch")
_OPENING = 60
"""Columns of a song that must know what was asked for."""


Told = dict[str, float | Tensor]
"""Figures of a step by name; nan where a batch has nothing of a kind."""


class Learner(nn.Module):
    """The product's model, and heads that only training has: how the text sounds, and what came before.

    The latter is asked for at a syllable's place in the text as well as in the song before it is sung, which
    brings both to like states: so that one finds the other.
    """

    def __init__(self, shapes: TokenShapes) -> None:
        super().__init__()
        self.model = TokenModel(shapes)
        self.ear = nn.Linear(shapes.width, len(MIX) - _SOUNDS)
        self.echo = nn.Linear(shapes.width, 2 * (len(MIX) - _SOUNDS))
        self.kept = nn.Linear(shapes.width, len(MIX))
        self.facts = nn.Linear(shapes.width, sum(FACTS))
        self.place = nn.Linear(shapes.width, LINES + len(PLACES))
        sounds = MIX[_SOUNDS:]
        twice = [*sounds, *((f"before {kind}", *values) for kind, *values in sounds)]
        places = [symbol for symbol in MIX if symbol[0] in ("line", "place")]
        heads = [(self.ear, sounds), (self.echo, twice), (self.kept, MIX), (self.place, places)]
        share_rows(self.model, heads)


def book_cost(
    model: TokenModel, book: int, states: Tensor, batch: Batch, told: Told, *, turns: float = 1.0
) -> Tensor:
    """The mean cross-entropy of one codebook; in codebook 0 what is told seldom counts so many times,
    and what is sung half as many."""
    wanted = batch.targets[:, book]
    is_asked = wanted >= 0
    logits, wanted = model.head(book, states[is_asked]), wanted[is_asked]
    each = F.cross_entropy(logits, wanted, reduction="none")
    told[f"book_{book}"] = each.detach().mean()
    with torch.no_grad():
        _figures(book, logits, wanted, each, told)
    if book == 0 and turns != 1:
        each = each * _counts(logits.shape[-1], turns, logits.device)[wanted]
    return each.mean()


def _figures(book: int, logits: Tensor, wanted: Tensor, each: Tensor, told: Told) -> None:
    if book:
        right = (logits.argmax(-1) == wanted).float()
        told[f"right_{book}"] = right.mean()
        if book == 1:
            told["right_voiced"] = _mean(right, wanted > 0)
        return
    kinds = _kinds(logits.shape[-1], logits.device)[wanted]
    for at, kind in enumerate((*_KINDS, "eos")):
        told[kind] = _mean(each, kinds == at)
    among = logits[:, _SOUNDS : len(MIX)].argmax(-1) + _SOUNDS
    told["sound_right"] = _mean((among == wanted).float(), kinds == _KINDS.index("sound"))


def _mean(values: Tensor, inside: Tensor) -> Tensor:
    """The mean of some values; nan of none."""
    return torch.where(inside, values, 0).sum() / inside.sum()


@lru_cache(maxsize=2)
def _kinds(count: int, device: torch.device) -> Tensor:
    """The kind of each code of codebook 0 as a number; the last is the end of the song."""
    kinds = [_KINDS.index(str(symbol[0])) for symbol in MIX] + [0] * (count - len(MIX))
    kinds[-1] = len(_KINDS)
    return torch.tensor(kinds, device=device)


@lru_cache(maxsize=2)
def _counts(count: int, turns: float, device: torch.device) -> Tensor:
    """How often each code of codebook 0 counts."""
    often = {**dict.fromkeys(_TURNS, turns), **dict.fromkeys(_VOICE, max(1.0, turns / 2))}
    return torch.tensor([often.get(kind, 1.0) for kind in (*_KINDS, "")], device=device)[
        _kinds(count, device)
    ]


def ear_cost(learner: Learner, states: Tensor, batch: Batch, told: Told) -> Tensor:
    """How badly the sounds of syllables can be told at their own places in the text."""
    row, at, code = batch.sounds[:, :3].unbind(1)
    if not len(row):
        return states.new_zeros(())
    logits = learner.ear(states[row, at])
    cost = F.cross_entropy(logits, code - _SOUNDS)
    told["ear"] = cost.detach()
    told["ear_right"] = (logits.argmax(-1) == code - _SOUNDS).float().mean()
    return cost


def place_cost(learner: Learner, states: Tensor, batch: Batch, told: Told) -> Tensor:
    """How badly a syllable's place in the text tells which line of its section it is in, and where there."""
    row, at = batch.sounds[:, :2].unbind(1)
    if not len(row):
        return states.new_zeros(())
    lines, places = learner.place(states[row, at]).split((LINES, len(PLACES)), dim=-1)
    costs = F.cross_entropy(lines, batch.sounds[:, 5]), F.cross_entropy(places, batch.sounds[:, 6])
    told["text_line"], told["text_place"] = (cost.detach() for cost in costs)
    return torch.stack(costs).sum()


def echo_cost(learner: Learner, states: Tensor, batch: Batch, told: Told) -> Tensor:
    """How badly the two sounds before can be told, at a syllable's place in the text and in the song."""
    columns, count = batch.columns.shape[-1], batch.before.shape[1]
    first = states.shape[1] - columns
    row, at = batch.sounds[:, :2].unbind(1)
    cost = states.new_zeros(())
    places = (
        (states[row, at], batch.sounds[:, 3:5]),
        (states[:, first : first + count], batch.before[..., :2]),
    )
    for name, (here, wanted) in zip(("text", "song"), places, strict=True):
        is_asked = wanted[..., 0] >= 0
        if not bool(is_asked.any()):
            continue
        logits = learner.echo(here[is_asked]).unflatten(-1, (2, -1)).flatten(0, 1)
        codes = wanted[is_asked].flatten()
        found = F.cross_entropy(logits, (codes - _SOUNDS).clamp_min(-1), ignore_index=-1)
        told[f"echo_{name}"] = found.detach()
        cost = cost + found
    return cost


def facts_cost(learner: Learner, states: Tensor, batch: Batch, told: Told) -> Tensor:
    """How badly the song's first columns can tell what the description asks for."""
    first = states.shape[1] - batch.columns.shape[-1]
    logits = learner.facts(states[:, first : first + _OPENING]).split(FACTS, dim=-1)
    costs = []
    for name, some, wanted in zip(("gender", "family", "mode", "tempo"), logits, batch.facts.T, strict=True):
        is_asked = wanted >= 0
        if bool(is_asked.any()):
            codes = wanted[is_asked, None].expand(-1, some.shape[1])
            costs.append(F.cross_entropy(some[is_asked].flatten(0, 1), codes.flatten()))
            told[name] = costs[-1].detach()
    return torch.stack(costs).sum() if costs else states.new_zeros(())


def kept_cost(learner: Learner, states: Tensor, batch: Batch, told: Told) -> Tensor:
    """How badly main's last states tell what was last told."""
    wanted = batch.before[..., (0, 2, 3)]
    is_asked = (wanted >= 0).all(dim=-1)
    if not bool(is_asked.any()):
        return states.new_zeros(())
    logits = learner.kept(states[:, : wanted.shape[1]][is_asked])
    cost = states.new_zeros(())
    for at, name in enumerate(("sound", "pitch", "chord")):
        first = _firsts()[name]
        inside = slice(first, first + sum(symbol[0] == name for symbol in MIX))
        found = F.cross_entropy(logits[:, inside], wanted[is_asked][:, at] - first)
        told[f"kept_{name}"] = found.detach()
        cost = cost + found
    return cost


@lru_cache(maxsize=1)
def _firsts() -> Mapping[str, int]:
    """The first code of each kind of codebook 0."""
    kinds = [str(symbol[0]) for symbol in MIX]
    return {kind: kinds.index(kind) for kind in dict.fromkeys(kinds)}
