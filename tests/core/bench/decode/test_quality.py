"""A way is compared with the reference path before its speed is told."""

from dataclasses import replace

import pytest
import torch

from core.bench.decode.quality import Lesson, lesson, nearness
from core.bench.decode.subject import Subject
from core.bench.decode.traffic import Form
from core.bench.decode.ways import ours, straightforward
from core.levo.tokens.static.choice import best_drive
from core.settings import Values
from tests.core.bench.decode.conftest import CPU, FORMATS, LESSON, SHAPES

ROOM = SHAPES.prefix + 100


@pytest.fixture
def taught(tiny_subject: Subject) -> Lesson:
    with torch.inference_mode():
        return lesson(tiny_subject)


def test_a_lesson_is_drawn_by_the_reference_path(taught: Lesson) -> None:
    assert taught.columns.shape == (3, 1 + LESSON)
    assert bool((taught.columns[:, 0] == SHAPES.special).all())
    assert bool((taught.columns[:, 1:] < SHAPES.codes).all())
    assert taught.logits.shape == (LESSON, 2, 3, SHAPES.codes + 1)
    assert float((taught.prefix[0][0] - taught.prefix[0][1]).abs().max()) > 0


@pytest.mark.parametrize("kind", FORMATS)
@torch.inference_mode()
def test_every_way_is_near_the_reference_path(
    kind: str, taught: Lesson, tiny_subject: Subject, tiny_values: Values
) -> None:
    form = Form("full", kind)
    for way in (
        straightforward(tiny_subject, form, tiny_values, ROOM),
        ours(tiny_subject, form, tiny_values, ROOM, drive=None),
        ours(tiny_subject, form, tiny_values, ROOM, drive=best_drive(CPU)),
    ):
        near = nearness(way.listen(taught), taught.logits)
        assert near.is_sound
        assert near.mean < {"fp32": 1e-8, "fp16": 1e-4}.get(kind, 1e-2), way.name
        assert near.spread > 0
        assert near.agreed > 0.95


@torch.inference_mode()
@pytest.mark.parametrize(("weights", "least", "most"), [("int8", 1e-7, 1e-2), ("int4", 1e-4, 1.0)])
def test_rounded_weights_are_told_by_their_divergence(
    weights: str, least: float, most: float, taught: Lesson, tiny_subject: Subject, tiny_values: Values
) -> None:
    way = ours(tiny_subject, Form(weights, "fp32"), tiny_values, ROOM, drive=best_drive(CPU))
    near = nearness(way.listen(taught), taught.logits)
    assert least < near.mean < most
    assert way.weights < sum(tensor.nbytes for tensor in tiny_subject.model.state_dict().values())


def test_nearness_is_nothing_for_the_same_and_grows_with_what_is_other(taught: Lesson) -> None:
    same = nearness(taught.logits, taught.logits)
    assert (same.error, same.agreed) == (0.0, 1.0)
    assert abs(same.mean) < 1e-6
    small, large = (
        nearness(taught.logits + by * torch.randn_like(taught.logits), taught.logits) for by in (0.01, 0.3)
    )
    assert 0 < small.mean < large.mean
    assert small.error < large.error
    assert small.agreed >= large.agreed


def test_what_is_not_a_number_is_not_sound(taught: Lesson) -> None:
    spoilt = taught.logits.clone()
    spoilt[3, 0, 1, 5] = torch.nan
    assert not nearness(spoilt, taught.logits).is_sound
    assert not replace(nearness(taught.logits, taught.logits), most=float("inf")).is_sound
