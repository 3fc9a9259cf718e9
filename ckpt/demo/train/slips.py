"""Slips in what a song is said to have told so far, and in what was heard of a reference.

A model that errs must find its place again: taught by flawless songs alone it takes the last syllable told
for its place in the text, and after one wrong syllable of its own it is lost: it repeats a line, or ends.
"""

import numpy as np
import torch
from torch import Tensor

from train.codes import Codes
from train.symbols import BOOKS, CODES, MIX

_HOLDS = range(CODES[0]["hold", 1, 0], 1 + max(CODES[0][one] for one in MIX if one[0] == "hold"))
"""Of codebook 0 the codes of frames in which nothing begins; the next frame's is two higher."""
_MISSED = ("sound", "pitch", "chord", "place", "line", "section")
"""What an encoder hardly hears in a mix."""
_MIST = 0.4
"""Share of the frames of vocal and backing at most that an encoder hears as others of the same song."""
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


def misheard(codes: Codes, rng: np.random.Generator) -> Codes:
    """Codes [3, frames] of a song about as encoders hear them: few of the mix's events, most of the rest."""
    heard, missed = codes.copy(), float(rng.random())
    for frame, code in enumerate(codes[0].tolist()):
        if MIX[code][0] in _MISSED and rng.random() < missed:
            before = int(heard[0, frame - 1]) if frame else -1
            heard[0, frame] = next((one for one in (before + 2, before) if one in _HOLDS), _HOLDS[0])
    for book in (1, 2):
        kinds = np.array([str(BOOKS[book][code][0]) for code in codes[book].tolist()])
        wrong = rng.random(codes.shape[1]) < _MIST * rng.random()
        for at in np.flatnonzero(wrong):
            alike = np.flatnonzero(kinds == kinds[at])
            heard[book, at] = codes[book, alike[int(rng.integers(len(alike)))]]
    return heard
