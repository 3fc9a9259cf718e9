"""A tiny token model and a person who acts by a script while it composes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from core.engine import Artifact, FreshRun, Known, Verdict
from core.levo.artifacts import Conditions, Tokens
from core.levo.settings import settings_of
from core.levo.shapes import TokenShapes
from core.levo.tokens.compose import Load, compose
from core.levo.tokens.model import TokenModel
from core.random import Stream
from core.registry import variant
from core.settings import Value, Values

SHAPES = TokenShapes(
    width=32, ffn=48, heads=2, main_layers=2, sub_layers=1, main_rope_base=1e4, sub_rope_base=5e5,
    codes=50, lyric_rows=40, style_rows=30, lyric_length=7, prompt_length=6, style_length=3,
    delays=(0, 5, 5),
)  # fmt: skip
VALUES: Mapping[str, Value] = {
    **{setting.key: setting.default for setting in settings_of(variant("v2-large"))},
    "length": 1.2, "kv_cache": "fp32", "temperature": 1.0, "top_k": 0, "repetition_window": 5,
    "stem_temperature": 0.7, "minimum_length": 0.0,
}  # fmt: skip


class Desk(FreshRun):
    """A run that keeps what it was told; `at(desk, done)` acts after each step."""

    device = torch.device("cpu")

    def __init__(self, values: Mapping[str, Value], seed: int, at: Callable[["Desk", int], object]) -> None:
        self.values, self.seed, self.at = dict(values), seed, at
        self.seen: list[tuple[int, int]] = []
        self.before = Known()
        self.books: list[list[int]] = [[], [], []]
        """What was written down: a crash leaves it."""
        self.frames: int | None = None

    def known(self) -> Known:
        return self.before

    def keep(self, books: Sequence[Sequence[int]], *, frames: int | None = None) -> None:
        for mine, new in zip(self.books, books, strict=True):
            mine.extend(new)
        self.frames = self.frames if frames is None else frames

    def left(self) -> Known:
        """What another run goes on from."""
        return Known(tuple(map(tuple, self.books)), self.frames)

    def step(self, done: int, total: int) -> Verdict:
        self.seen.append((done, total))
        verdict = self.at(self, done)
        return verdict if isinstance(verdict, Verdict) else Verdict.GO

    def live(self, key: str) -> Value:
        return self.values[key]

    def stream(self, name: str) -> Stream:
        return Stream(self.seed, name)

    def weights(self, role: str) -> Path:
        raise AssertionError(role)

    def save(self, kind: str, tensors: Mapping[str, Tensor], meta: Mapping[str, str]) -> Artifact:
        raise AssertionError(kind)

    def note(self, what: str) -> None:
        raise AssertionError(what)

    def audio(self, samples: Tensor, stem: str = "mix") -> None:
        raise AssertionError


@pytest.fixture(scope="session")
def shapes() -> TokenShapes:
    """Sizes of the tiny model: delays of 5, a prefix of 16."""
    return SHAPES


@pytest.fixture(scope="session")
def conditions() -> Conditions:
    """Words for the tiny model, without a reference."""
    draw = torch.Generator().manual_seed(3)
    return Conditions(
        lyric_ids=torch.randint(0, 40, (2, 7), generator=draw),
        structure=torch.randint(0, 14, (2, 7), generator=draw),
        style_ids=torch.randint(0, 30, (2, 3), generator=draw),
        prompt_codes=torch.empty(3, 0, dtype=torch.int64),
        prompt_latents=torch.empty(0, 64),
    )


@pytest.fixture(scope="session")
def tiny() -> Callable[[float], TokenModel]:
    """Makes the tiny model; the weight of its wish to end the song is given."""

    def make(end: float) -> TokenModel:
        torch.manual_seed(1)
        model = TokenModel(SHAPES).eval().requires_grad_(False)
        head = model.get_submodule("transformer.lm_head")
        for book in (head, *model.linears):
            book.get_parameter("weight").mul_(4)
        head.get_parameter("weight")[-1].mul_(end)
        return model

    return make


@pytest.fixture
def song(conditions: Conditions) -> Callable[..., tuple[list[list[int]], list[tuple[int, int]]]]:
    """Composes with a model or loader; gives the codes [3, T] and the progress seen."""

    def make(
        model: TokenModel | Load, *, schedule: str = "lockstep", seed: int = 1, start: Tokens | None = None,
        at: Callable[[Desk, int], object] = lambda desk, done: None, **changes: Value,
    ) -> tuple[list[list[int]], list[tuple[int, int]]]:  # fmt: skip
        values = {**VALUES, **changes}
        desk = Desk(values, seed, at)
        load: Load = (lambda parts: model) if isinstance(model, TokenModel) else model
        made = compose(load, SHAPES, conditions, Values(values), desk, schedule=schedule, start=start)
        return made.codes.tolist(), desk.seen

    return make
