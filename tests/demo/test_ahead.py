"""Batches that are made ahead: the same ones, in the same order, however many processes make them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from train.ahead import Ahead, moved


@dataclass(frozen=True, slots=True)
class _Batch:
    step: int
    values: Tensor
    inner: tuple[Tensor, ...]


def _made(step: int) -> _Batch:
    values = torch.arange(4) * step
    return _Batch(step, values, (values + 1, values + 2))


def test_the_steps_come_in_order_from_wherever_one_begins() -> None:
    for workers in (0, 2):
        batches = Ahead(_made, workers=workers)
        found = [batches(step) for step in (7, 8, 9, 3, 4)]
        assert [batch.step for batch in found] == [7, 8, 9, 3, 4]
        assert all(torch.equal(batch.values, torch.arange(4) * batch.step) for batch in found)


def test_all_tensors_of_a_batch_are_brought_along() -> None:
    there = moved(_made(2), torch.device("meta"))
    assert (there.step, there.values.device.type) == (2, "meta")
    assert [one.device.type for one in there.inner] == ["meta", "meta"]
