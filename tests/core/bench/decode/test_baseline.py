"""The straightforward way is right: it gives what the product gives, and draws from the same tokens."""

import pytest
import torch

from core.bench.decode.midway import Midway, fill, same
from core.bench.decode.plain import PlainSong, draw
from core.bench.decode.subject import Subject
from core.levo.tokens.pattern import EVERY_BOOK
from core.levo.tokens.sample import Knobs
from tests.core.bench.decode.conftest import FORMATS, SHAPES

GREEDY = Knobs(temperature=0.0, guidance=1.5, repetition_penalty=1.0)


@pytest.mark.parametrize("kind", FORMATS)
def test_it_gives_the_logits_of_the_product(kind: str, tiny_subject: Subject) -> None:
    room, begun = SHAPES.prefix + 12, SHAPES.prefix + 4
    song = Midway(tiny_subject.model, positions=room, cache=kind)
    plain = PlainSong(tiny_subject.model, positions=room, cache=kind)
    for cache, other in zip(song.caches, plain.caches, strict=True):
        fill(cache)
        same(other, cache)
    song.put(begun)
    plain.put(begun)
    columns = torch.randint(0, SHAPES.codes, (3, 6))
    for column in torch.split(columns, 1, dim=1):
        song.feed(column)
        plain.feed(column)
        wanted = song.logits(EVERY_BOOK)
        # A value on the border between two codes may fall to either side.
        assert torch.allclose(plain.logits(EVERY_BOOK), wanted, atol=2e-2 if "8" in kind else 1e-4)
    assert song.caches[0].length == plain.held == begun + 6


@pytest.mark.parametrize("kind", FORMATS)
def test_noise_of_every_format_is_of_one_size(kind: str, tiny_subject: Subject) -> None:
    """So that no way attends to something that another does not."""
    song = Midway(tiny_subject.model, positions=SHAPES.prefix + 40, cache=kind)
    for cache in song.caches:
        fill(cache)
    song.put(SHAPES.prefix + 39)
    song.feed(torch.zeros(3, 1, dtype=torch.int64))
    logits = song.logits(EVERY_BOOK)
    assert bool(logits.isfinite().all())
    assert float(logits.std()) > 0.1


def test_without_temperature_it_takes_the_likeliest_that_was_not_heard() -> None:
    logits = torch.zeros(2, 3, SHAPES.codes + 1)
    logits[0, :, 7], logits[0, :, 9], logits[0, :, SHAPES.eos] = 3.0, 2.0, 9.0
    nothing = torch.full((3, 4), SHAPES.special)
    assert draw(logits, nothing, GREEDY) == [7, 7, 7]
    heard = torch.full((3, 4), 7)
    assert draw(logits, heard, Knobs(temperature=0.0, repetition_penalty=2.0)) == [9, 9, 9]


def test_it_draws_from_as_many_as_are_asked_for() -> None:
    logits = torch.randn(2, 3, SHAPES.codes + 1)
    best = (logits[1] + (logits[0] - logits[1]) * 1.5)[0, : SHAPES.codes].topk(5).indices.tolist()
    nothing = torch.full((3, 1), SHAPES.special)
    knobs = Knobs(temperature=5.0, top_k=5, repetition_penalty=1.0)
    drawn = {draw(logits, nothing, knobs)[0] for _ in range(200)}
    assert drawn == set(best)
