"""Slips: only of what may be wrong, about as many as asked for, each of its own kind."""

import numpy as np
import torch

from corpus.song import compose
from train.codes import codes_of
from train.slips import misheard, slipped
from train.symbols import BOOKS, MIX


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


def test_of_a_reference_the_mix_loses_events_and_the_stems_keep_their_kinds() -> None:
    codes = codes_of(compose(1, seconds=40.0))[:, 100:350]
    before = codes.copy()
    heard = [misheard(codes, np.random.default_rng(seed)) for seed in range(12)]
    assert (codes == before).all()
    kinds = [[symbol[0] for symbol in book] for book in BOOKS]
    for one in heard:
        changed = one[0] != codes[0]
        assert {kinds[0][code] for code in one[0, changed]} <= {"hold"}
        assert not {kinds[0][code] for code in codes[0, changed]} & {"hold", "bar", "beat", "half"}
        for book in (1, 2):
            assert [kinds[book][code] for code in one[book]] == [kinds[book][code] for code in codes[book]]
            assert set(one[book]) <= set(codes[book])
    shares = [(one != codes).mean(axis=1) for one in heard]
    assert max(share[0] for share in shares) > 0.15
    assert 0.05 < max(share[2] for share in shares) < 0.4
