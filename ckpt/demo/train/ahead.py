"""Batches made ahead of their steps by processes of their own, and brought to where a network is."""

import dataclasses
import signal
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Generic, TypeVar, cast

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

T = TypeVar("T")


class Ahead(Generic[T]):
    """The batch of each step as `make(step)` makes it, on `device`; asked for step after step.

    With `workers` processes a few of the next steps are ready before they are asked for; with none each is
    made when it is asked for. Either way a step's batch is the same.
    """

    def __init__(self, make: Callable[[int], T], *, device: str = "cpu", workers: int = 0) -> None:
        self._make, self._device, self._workers = make, torch.device(device), workers
        self._coming: Iterator[T] | None = None
        self._next = -1

    def __call__(self, step: int) -> T:
        """The batch of a step."""
        if not self._workers:
            return moved(self._make(step), self._device)
        if self._coming is None or step != self._next:
            self._coming = iter(_loader(_Steps(self._make), step, self._workers))
        self._next = step + 1
        return moved(next(self._coming), self._device)


class _Steps(Dataset[T]):
    def __init__(self, make: Callable[[int], T]) -> None:
        self._make = make

    def __getitem__(self, step: int) -> T:
        return self._make(step)


def _loader(steps: Dataset[T], first: int, workers: int) -> "DataLoader[T]":
    return DataLoader(
        steps, batch_size=None, sampler=count(first), num_workers=workers, prefetch_factor=4,
        collate_fn=_same, multiprocessing_context="fork", worker_init_fn=_deaf,
    )  # fmt: skip


def _deaf(_: int) -> None:
    """Let the training alone hear that it is to end: it needs the batch of the step at hand."""
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, signal.SIG_IGN)


def _same(batch: T) -> T:
    return batch


def moved(value: T, device: torch.device) -> T:
    """A tensor, or a data class or tuple of such, on a device; anything else as it is."""
    found: Any = value
    if isinstance(value, Tensor):
        found = value.to(device, non_blocking=True)
    elif isinstance(value, tuple):
        found = tuple(moved(one, device) for one in value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        found = dataclasses.replace(value, **{name: moved(part, device) for name, part in parts.items()})
    return cast("T", found)
