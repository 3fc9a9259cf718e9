"""Songs composed for real: how soon they begin, how much memory they take, and how soon they obey."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor

from core.bench.decode.subject import Subject, bytes_of
from core.bench.decode.traffic import Form
from core.bench.measure import finish, followed, taken_up
from core.engine import Artifact, FreshRun, Verdict
from core.errors import Cancelled
from core.levo.artifacts import Conditions, Tokens
from core.levo.plan_tokens import lockstep_plan
from core.levo.shapes import CODEBOOKS, TokenShapes, frames_in
from core.levo.tokens.compose import compose
from core.levo.tokens.model import Part, TokenModel
from core.random import Stream
from core.settings import Value, Values

_KNOB, _FROM, _TO = "temperature", 0.0, 2.0
"""What is turned: from the likeliest token to one of many, so that the first token that obeys is known."""
_WITHIN = 0.4
"""Of a step: a person acts somewhere inside one."""
_MEASURED_FOR_MEMORY = 2
"""Columns after the prefill: each later one takes what these take."""
_LONG = 600.0
"""Seconds that a song's actor waits for it at most."""


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes that a song took at its fullest moment, and that were planned for it."""

    memory: int
    planned: int

    @property
    def plan_error(self) -> float:
        """How far the plan is above what it took, as a share of it; below 0 it promised too little."""
        return self.planned / self.memory - 1


@dataclass(frozen=True, slots=True)
class Delays:
    """How soon songs in one form begin and obey, in seconds."""

    form: Form
    begun: float
    """From the start to the end of the first step, without loading."""
    columns: int
    """That a song was followed for."""
    cancel: float
    """From giving up to the end of composing, the longer of two songs."""
    knob: float | None
    """From turning a knob to the end of the first step that obeyed; None where none did."""
    knob_steps: int | None
    """Steps from the last one reported before the turn to the first one that obeyed."""


class Witness(FreshRun):
    """A run that keeps what it is told; a person may turn a knob or give up at any moment."""

    def __init__(self, device: torch.device, values: Values, *, until: float = 0.0) -> None:
        self.device, self.values, self.until = device, values, until
        self.turned: dict[str, Value] = {}
        self.reports: list[tuple[float, int]] = []
        """When, and how many columns were said to be done."""
        self.codes: list[list[int]] = [[] for _ in range(CODEBOOKS)]
        self.is_given_up = False
        self._heard = threading.Condition()

    def step(self, done: int, total: int) -> Verdict:  # noqa: ARG002
        """Note the time; Cancelled once given up.

        A device that works ahead is waited for once after the prefill, and from the turn of a knob on: what
        was set off by then had to be done first for anybody.
        """
        if self.turned or (done and self.reports[-1][1] == 0):
            finish(self.device)
        with self._heard:
            self.reports.append((time.perf_counter(), done))
            self._heard.notify_all()
        if self.is_given_up:
            raise Cancelled
        return Verdict.GO

    def live(self, key: str) -> Value:
        """The value it was given, or turned to."""
        return self.turned.get(key, self.values[key])

    def stream(self, name: str) -> Stream:
        """A stream of seed 0."""
        return Stream(0, name)

    def keep(self, books: Sequence[Sequence[int]], *, frames: int | None = None) -> None:  # noqa: ARG002
        """Keep the codes."""
        for mine, new in zip(self.codes, books, strict=True):
            mine.extend(new)

    def note(self, what: str) -> None:
        """Nobody listens."""

    def weights(self, role: str) -> Path:
        """There are none on disk."""
        raise AssertionError(role)

    def save(self, kind: str, tensors: object, meta: object) -> Artifact:  # noqa: ARG002
        """Nothing is saved."""
        raise AssertionError(kind)

    def audio(self, samples: Tensor, stem: str = "mix") -> NoReturn:  # noqa: ARG002
        """There is no sound."""
        raise AssertionError

    def wait(self, columns: int) -> int:
        """Wait until so many columns are said to be done, and a part of a step longer; gives how many are."""
        with self._heard:
            self._heard.wait_for(lambda: bool(self.reports) and self.reports[-1][1] >= columns, _LONG)
            times = [when for when, done in self.reports if done > 0]
        if len(times) > 1:
            time.sleep(_WITHIN * (times[-1] - times[0]) / (len(times) - 1))
        return self.reports[-1][1] if self.reports else 0

    def said(self, columns: int) -> float:
        """When so many columns were first said to be done."""
        return next(when for when, done in self.reports if done >= columns)


def room(subject: Subject, form: Form, values: Values, *, seconds: float) -> Room:
    """Compose the first steps of a song that is given room for so many seconds."""
    values = _greedy(values, form, seconds)
    model = subject.in_form(form.weights)
    with followed(subject.device) as most:
        before = taken_up(subject.device)
        _compose(model, Witness(subject.device, values), gives_up=_MEASURED_FOR_MEMORY)
    memory = most() - before + bytes_of(model)
    each = subject.dtype.itemsize
    plan = lockstep_plan(subject.shapes, values, frames=frames_in(seconds), bytes_each=each)
    return Room(memory, plan.peak)


def delays(subject: Subject, form: Form, values: Values, *, seconds: float, columns: int) -> Delays:
    """Compose the same columns of a song twice, and turn a knob on the way in the second."""
    values = _greedy(values, form, seconds)
    model = subject.in_form(form.weights)
    still, turned = (Witness(subject.device, values) for _ in range(2))
    began = time.perf_counter()
    cancel = _compose(model, still, gives_up=columns).gave_up
    acted = _compose(model, turned, gives_up=columns, turns=columns // 2)
    obeyed = _first_other(still.codes[0], turned.codes[0])
    return Delays(
        form=form,
        begun=still.said(1) - began,
        columns=columns,
        cancel=max(cancel, acted.gave_up),
        knob=turned.said(obeyed) - acted.turned_at if obeyed else None,
        knob_steps=obeyed - acted.turned_after if obeyed else None,
    )


def _greedy(values: Values, form: Form, seconds: float) -> Values:
    always = {_KNOB: _FROM, "stem_temperature": 0.0, "minimum_length": seconds}
    return values.replace(length=seconds, kv_cache=form.cache, weights=form.weights, **always)


def composed(subject: Subject, form: Form, values: Values, *, draft: float) -> tuple[Tokens, float]:
    """A draft of so many seconds by the product, and the seconds that it took."""
    values = values.replace(length=draft, minimum_length=draft, kv_cache=form.cache, weights=form.weights)
    model = subject.in_form(form.weights)
    began = time.perf_counter()
    tokens = _tokens(model, Witness(subject.device, values))
    finish(subject.device)
    return tokens, time.perf_counter() - began


class Words(TokenModel):
    """In the place of the tables that a prefix is made with, which are not here: noise."""

    def prefix(self, conditions: Conditions, rows: int) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Embeddings [B, prefix, W] for main and for sub."""
        drawn = torch.Generator().manual_seed(0)
        size = (rows, self.shapes.prefix, self.shapes.width)
        main, sub = (torch.randn(size, generator=drawn).mul_(0.5) for _ in range(2))
        return main, sub


@dataclass(frozen=True, slots=True)
class _Acts:
    """What a person did to a song."""

    gave_up: float
    """Seconds from giving up to its end."""
    turned_after: int
    """Columns said to be done when the knob was turned."""
    turned_at: float
    """When."""


def _compose(model: TokenModel, run: Witness, *, gives_up: int, turns: int | None = None) -> _Acts:
    """Compose until a person gives up after so many columns, having turned a knob before."""
    noted: dict[str, float] = {}

    def act() -> None:
        if turns is not None:
            noted["after"] = run.wait(turns)
            noted["turned"] = time.perf_counter()
            run.turned[_KNOB] = _TO
        run.wait(gives_up)
        noted["gave up"] = time.perf_counter()
        run.is_given_up = True

    person = threading.Thread(target=act, daemon=True)
    person.start()
    try:
        _tokens(model, run)
    except Cancelled:
        finish(run.device)
    ended = time.perf_counter()
    person.join()
    return _Acts(ended - noted["gave up"], int(noted.get("after", 0)), noted.get("turned", 0.0))


def _tokens(model: TokenModel, run: Witness) -> Tokens:
    shapes = model.shapes

    def load(parts: tuple[Part, ...]) -> TokenModel:
        if parts != ("text",):
            return model
        return Words(shapes, ())

    return compose(load, shapes, _nothing(shapes), run.values, run, schedule="lockstep")


def _nothing(shapes: TokenShapes) -> Conditions:
    lyrics, style = (torch.zeros(2, n, dtype=torch.int64) for n in (shapes.lyric_length, shapes.style_length))
    none = torch.zeros(CODEBOOKS, 0, dtype=torch.int64)
    return Conditions(lyrics, lyrics, style, none, torch.zeros(CODEBOOKS, 0, 1))


def _first_other(codes: Sequence[int], others: Sequence[int]) -> int:
    """The column of the first frame of codebook 0 that differs; 0 where none does."""
    pairs = zip(codes, others, strict=False)
    return next((frame + 1 for frame, (one, other) in enumerate(pairs) if one != other), 0)
