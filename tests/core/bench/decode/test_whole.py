"""Composed songs tell when they began and how soon they obeyed."""

import pytest
import torch

from core.bench.decode.subject import Subject
from core.bench.decode.traffic import Form
from core.bench.decode.whole import composed, delays, room
from core.settings import Values


@torch.inference_mode()
def test_a_song_obeys_the_step_after_a_knob_was_turned(tiny_subject: Subject, tiny_values: Values) -> None:
    found = delays(tiny_subject, Form("full", "int8"), tiny_values, seconds=4.0, columns=24)
    assert found.columns == 24
    assert found.begun > 0
    assert found.cancel >= 0
    assert found.knob is not None
    assert found.knob > 0
    assert found.knob_steps is not None
    assert 1 <= found.knob_steps <= 12


@torch.inference_mode()
def test_a_song_takes_about_what_was_planned(tiny_subject: Subject, tiny_values: Values) -> None:
    found = room(tiny_subject, Form("full", "int8"), tiny_values, seconds=200.0)
    assert found.planned == pytest.approx(found.memory, rel=0.25)
    assert found.plan_error == pytest.approx(found.planned / found.memory - 1)


@torch.inference_mode()
def test_a_draft_is_composed_whole(tiny_subject: Subject, tiny_values: Values) -> None:
    tokens, seconds = composed(tiny_subject, Form("full", "fp32"), tiny_values, draft=1.0)
    assert tokens.codes.shape == (3, 25)
    assert seconds > 0
