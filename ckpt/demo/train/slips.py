"""Slips in what a song is said to have told so far: a model that errs must find its place again.

Taught by flawless songs alone it takes the last syllable told for its place in the text, and after one wrong
syllable of its own it is lost: it repeats a line, or ends.
"""

import numpy as np
import torch
from torch import Tensor

from train.symbols import MIX

_KINDS = ("sound", "pitch")
_NEAR = 0.5
"""Share of slips that are of the same song; others are any of the kind."""


def slipped(columns: Tensor, rng: np.random.Generator, share: float) -> Tensor:
    """What is fed, int64 [B, 3, S], with so large a share of syllables and pitches replaced in codebook 0."""
    fed = columns.clone()
    for kind in _KINDS:
        codes = [code for code, symbol in enumerate(MIX) if symbol[0] == kind]
        first, last = codes[0], codes[-1]
        for row in fed[:, 0]:
            at = torch.nonzero((row >= first) & (row <= last)).flatten()
            chosen = at[torch.from_numpy(rng.random(len(at)) < share)]
            if len(chosen):
                near = row[at[torch.from_numpy(rng.integers(len(at), size=len(chosen)))]]
                others = torch.from_numpy(rng.integers(first, last + 1, size=len(chosen)))
                is_near = torch.from_numpy(rng.random(len(chosen)) < _NEAR)
                row[chosen] = torch.where(is_near, near, others)
    return fed
