"""What int8 weights cost on the goldens' networks: how far the logits' distributions move, beside fp16's."""

from collections.abc import Iterator

import torch
from torch import Tensor

from core.levo.tokens.blocks import to_int8
from core.parity.bench import Bench
from core.parity.compare import Case, Check, case_of
from core.parity.folder import Entry, codes
from core.parity.lm_network import forced

_MEAN, _MOST = 0.004, 0.012
"""Nats that a distribution may move by, on average and at the worst; measured were 0.0015 and 0.003.

Random weights are harsher than trained ones, so that this tells of the arithmetic, not of songs.
"""
_RATIO = 450
"""How many times fp16's mean that may be; measured were 163, and 240 in a study of another random network."""


def int8_cases(bench: Bench, file: str, entry: Entry) -> Iterator[Case]:
    """Teacher-forced steps with int8 weights against full ones, both in fp32; fp16 weights are the floor."""
    stored = bench.golden.tensors(file)
    _, given = bench.conditions_entry(entry["condition"])
    sequence = codes(stored["sequence"])

    def logits(*, rounded: bool = False, dtype: torch.dtype = torch.float32) -> Tensor:
        model = bench.model(entry["salt"], dtype=dtype)
        if rounded:
            to_int8(model)
        return forced(model, bench, given, sequence, "fp32")["logits"]

    full = logits()
    moved, floor = (divergence(full, other) for other in (logits(rounded=True), logits(dtype=torch.float16)))
    mean, most, ratio = float(moved.mean()), float(moved.max()), float(moved.mean() / floor.mean())
    checks = [
        Check("mean KL", mean, _MEAN, "nats"),
        Check("largest KL", most, _MOST, "nats"),
        Check("mean KL", ratio, _RATIO, "times that of fp16"),
    ]
    note = f"KL mean {mean:.2g}, largest {most:.2g} nats; {ratio:.0f} times fp16's; weights are random"
    yield case_of(f"int8 weights {entry['condition']}", checks, note)


def divergence(full: Tensor, other: Tensor) -> Tensor:
    """KL divergence of each row of logits [..., V] from that of full weights, in nats, fp64 [...]."""
    ours, theirs = (x.double().log_softmax(-1) for x in (full, other))
    return (ours.exp() * (ours - theirs)).sum(-1)
