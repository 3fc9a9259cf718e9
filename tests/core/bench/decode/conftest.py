"""A subject of a few thousand weights, and a scope that is through in a blink."""

import pytest
import torch

from core.bench.decode.bench import Scope
from core.bench.decode.laps import Effort
from core.bench.decode.subject import Subject, random_model
from core.levo.settings import settings_of
from core.levo.shapes import TokenShapes
from core.registry import variant
from core.settings import Values, resolve

CPU = torch.device("cpu")
SHAPES = TokenShapes(
    width=64, ffn=96, heads=2, main_layers=2, sub_layers=1, main_rope_base=1e4, sub_rope_base=5e5,
    codes=50, lyric_rows=40, style_rows=30, lyric_length=7, prompt_length=6, style_length=3,
    delays=(0, 5, 5),
)  # fmt: skip
LESSON = 12
"""Steps that a lesson has in tests."""
FORMATS = ("fp32", "fp16", "int8", "mulaw8")


@pytest.fixture(autouse=True)
def _short_lessons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few steps tell as well whether two paths are alike; how many there are is the bench's own matter."""
    monkeypatch.setattr("core.bench.decode.quality.STEPS", LESSON)


@pytest.fixture
def tiny_subject() -> Subject:
    """Random, with heads of one group of int8's scales."""
    return Subject("tiny", SHAPES, random_model(SHAPES, CPU, torch.float32), "random")


@pytest.fixture
def tiny_values() -> Values:
    """The published settings."""
    return resolve(settings_of(variant("v2-large")))


@pytest.fixture
def brief() -> Scope:
    """A step a lap, where the toy's song begins and a little later."""
    effort = Effort(seconds=0.0, least=1, most=1, warm=1, together=1)
    return Scope(amount=1 << 20, size=64, effort=effort, columns=8, draft=1.0, positions=(101, 140), lap=0.0)
