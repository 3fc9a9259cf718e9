"""Slips: only syllables and pitches of what is fed, about as many as asked for, each of its own kind."""

import numpy as np
import torch

from corpus.song import compose
from train.codes import codes_of
from train.slips import slipped
from train.symbols import MIX


def test_a_share_of_syllables_and_pitches_is_wrong_and_all_else_stands() -> None:
    codes = torch.from_numpy(codes_of(compose(1, seconds=60.0)).astype(np.int64))
    fed = torch.stack([codes, codes])
    told = slipped(fed, np.random.default_rng(1), 0.25)
    assert torch.equal(told[:, 1:], fed[:, 1:])
    kinds = np.array([symbol[0] for symbol in MIX])
    before, after = (kinds[part[:, 0].numpy()] for part in (fed, told))
    assert (before == after).all()
    changed = (told[:, 0] != fed[:, 0]).numpy()
    assert set(before[changed]) == {"sound", "pitch"}
    for kind in ("sound", "pitch"):
        share = changed[before == kind].mean()
        assert 0.1 < share < 0.3, "some slips are to the same code"
    assert torch.equal(slipped(fed, np.random.default_rng(1), 0.25), told)
    assert torch.equal(slipped(fed, np.random.default_rng(1), 0.0), fed)
