"""How near the ways come to the reference path: logits of steps that are all fed the same columns."""

import math
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from core.bench.decode.midway import Midway, same
from core.bench.decode.plain import PlainSong
from core.bench.decode.subject import Subject
from core.bench.decode.traffic import ROWS, Form
from core.levo.tokens.model import TokenModel
from core.levo.tokens.pattern import EVERY_BOOK
from core.levo.tokens.sample import guide

STEPS = 64
GUIDANCE = 1.5
"""Mixed with it as published, logits differ more than each row of them."""


class Listener(Protocol):
    """What takes in columns and gives logits."""

    def feed(self, columns: Tensor) -> None:
        """Take in the next column, int64 [3, 1]."""

    def logits(self, books: tuple[int, ...]) -> Tensor:
        """Logits of the next column: fp32 [B, len(books), codes + 1]."""


@dataclass(frozen=True, slots=True)
class Nearness:
    """How far a way's logits are from others, over steps, rows and codebooks."""

    error: float
    """The largest difference of a logit."""
    spread: float
    """Standard deviation of the logits it stands beside."""
    mean: float
    """Kullback-Leibler divergence (nats) of what is drawn from, after guidance, at temperature 1."""
    most: float
    """The largest of a step and codebook."""
    agreed: float
    """Share of steps and codebooks with the same likeliest token."""

    @property
    def is_sound(self) -> bool:
        """Whether everything is a number."""
        return all(map(math.isfinite, (self.error, self.mean, self.most)))


@dataclass(frozen=True, slots=True)
class Lesson:
    """What everything is compared with: the reference path, with weights and cache as they compute."""

    prefix: tuple[Tensor, Tensor]
    """Embeddings [B, prefix, W] for main and sub."""
    columns: Tensor
    """int64 [3, 1 + steps]: the first is special, the others were drawn by the reference path."""
    logits: Tensor
    """fp32 [steps, B, 3, V]."""
    _begun: dict[Form, Midway] = field(default_factory=dict)
    """The song begun last, which several ways take over."""

    def begin(self, model: TokenModel, form: Form) -> Midway:
        """A song of the product in one form, which `model` has, that has taken in prefix and first column."""
        if form not in self._begun:
            self._begun.clear()
            self._begun[form] = begun(model, form.cache, self.prefix, self.columns[:, :1])
        return self._begun[form].twin()


def lesson(subject: Subject) -> Lesson:
    """Let the reference path write some columns behind a prefix of codes that were drawn at random."""
    shapes, model, draw = subject.shapes, subject.model, torch.Generator(subject.device).manual_seed(0)

    def some(*size: int) -> Tensor:
        return torch.randint(0, shapes.codes, size, generator=draw, device=subject.device)

    # Both rows have a prefix of their own, as the conditioned and the null one do.
    codes = some(ROWS, 3, shapes.prefix)
    main = torch.cat([model.embed_main(row, 1) for row in codes])
    sub = torch.cat([model.embed_sub(row, 1) for row in codes])
    columns = torch.full((3, 1 + STEPS), shapes.special, dtype=torch.int64, device=subject.device)
    song = begun(model, subject.plain.cache, (main, sub), columns[:, :1])
    heard = []
    for step in range(1, 1 + STEPS):
        heard.append(song.logits(EVERY_BOOK))
        shares = guide(heard[-1], GUIDANCE).softmax(-1)
        shares[:, shapes.eos] = 0
        columns[:, step] = torch.multinomial(shares, 1, generator=draw).squeeze(1)
        song.feed(columns[:, step : step + 1])
    return Lesson((main, sub), columns, torch.stack(heard))


def begun(model: TokenModel, cache: str, prefix: tuple[Tensor, Tensor], first: Tensor) -> Midway:
    """A song of the product that has taken in a prefix and its first column."""
    song = Midway(model, positions=model.shapes.prefix + 1 + STEPS, cache=cache)
    song.prefill(prefix, first)
    return song


def plain_begun(subject: Subject, form: Form, taught: Lesson) -> PlainSong:
    """The baseline with what the product's prefill left in its cache, one column before the first logits."""
    song = taught.begin(subject.model, Form("full", form.cache))
    plain = PlainSong(subject.model, positions=subject.shapes.prefix + 1 + STEPS, cache=form.cache)
    for into, held in zip(plain.caches, song.caches, strict=True):
        same(into, held)
    plain.put(subject.shapes.prefix)
    plain.feed(taught.columns[:, :1])
    return plain


def follow(song: Listener, taught: Lesson) -> Tensor:
    """The logits, fp32 [steps, B, 3, V], of a song that is fed the lesson's columns."""
    heard = []
    for step in range(1, 1 + STEPS):
        heard.append(song.logits(EVERY_BOOK))
        song.feed(taught.columns[:, step : step + 1])
    return torch.stack(heard)


def nearness(logits: Tensor, beside: Tensor) -> Nearness:
    """How far logits [steps, B, 3, V] are from others."""
    mine, theirs = (torch.stack([guide(step, GUIDANCE) for step in some]) for some in (logits, beside))
    there = theirs.log_softmax(-1)
    apart = (there.exp() * (there - mine.log_softmax(-1))).sum(-1)  # [steps, 3]
    return Nearness(
        error=float((logits - beside).abs().max()),
        spread=float(beside.std()),
        mean=float(apart.mean()),
        most=float(apart.max()),
        agreed=float((mine.argmax(-1) == theirs.argmax(-1)).float().mean()),
    )
