"""Half-wide products: measured on the song's own first window, and left where they are too coarse."""

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from core.engine import Verdict
from core.levo.artifacts import Conditions, Tokens
from core.levo.synthesis import precision
from core.levo.synthesis.flow import Flow
from core.levo.synthesis.precision import Narrow, decibels
from core.levo.synthesis.render import Means, Synthesis, render
from core.levo.synthesis.transformer import Block

MakeRun = Callable[..., Any]
MakeTokens = Callable[..., Tokens]
MakeConditions = Callable[..., Conditions]


@pytest.fixture
def made(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> Any:
    """Renders a song with a copy of the networks; gives its run and the flows that were loaded again."""

    def make(dtype: torch.dtype | None, spoil: float = 1.0, **given: Any) -> tuple[Any, list[Flow]]:
        mine, loaded = replace(models, flow=copy.deepcopy(models.flow)), []
        for flow in (mine.flow, exact := copy.deepcopy(models.flow)):
            block = flow.transformer.blocks[0]
            assert isinstance(block, Block)
            block.up.weight.data.mul_(spoil)
            block.down.weight.data.div_(spoil)

        def load() -> Flow:
            loaded.append(exact)
            return exact

        run = make_run(**given)
        means = Means(narrow=None if dtype is None else Narrow(dtype, load))
        render(mine, make_tokens(60), make_conditions(), run, chunk=8, means=means)
        return run, loaded

    return make


def notes(run: Any) -> list[str]:
    return [line for line in run.log if line not in ("step", "audio")]


def test_products_in_fp16_are_close_enough_and_the_recipe_tells_how_close(made: Any) -> None:
    (run, loaded), (exact, _) = made(torch.float16), made(None)
    (note,) = notes(run)
    assert note.startswith("the flow was computed in fp16: ")
    assert "dB" in note
    assert loaded == []
    assert not torch.equal(run.sound, exact.sound)
    torch.testing.assert_close(run.sound, exact.sound, atol=0.05, rtol=0)


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_flow_beyond_fp16_is_computed_in_fp32_and_says_so(made: Any) -> None:
    """As large as 1e8 inside, which a half cannot hold."""
    (run, loaded), (exact, _) = made(torch.float16, spoil=1e8), made(None, spoil=1e8)
    (note,) = notes(run)
    assert note.startswith("the flow was computed in fp32: in fp16 it is not a number")
    assert len(loaded) == 1
    assert torch.equal(run.sound, exact.sound)


def test_too_coarse_is_what_is_below_the_floor(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "FLOOR", 200.0)
    (run, _), (exact, _) = made(torch.bfloat16), made(None)
    assert "in bf16" in notes(run)[0]
    assert torch.equal(run.sound, exact.sound)


def test_measuring_listens_without_counting(made: Any) -> None:
    """Four steps of it, two each way, before any of the song's."""
    (narrow, _), (exact, _) = made(torch.float16), made(None)
    assert narrow.steps[:4] == [(0, narrow.steps[0][1])] * 4
    assert narrow.steps[4:] == exact.steps
    run, _ = made(torch.float16, answer=lambda done: Verdict.FINISH)
    assert run.log.count("audio") == 0, "it was ended before the first window"


def test_without_a_wish_nothing_is_measured(made: Any) -> None:
    run, _ = made(None)
    assert notes(run) == []


def test_the_measure_is_signal_to_noise() -> None:
    exact = torch.tensor([3.0, 4.0])
    assert decibels(exact + torch.tensor([0.0, 0.05]), exact) == pytest.approx(40.0, abs=1e-3)
    assert decibels(exact, exact) == math.inf
    for broken in (math.nan, math.inf):
        assert decibels(torch.tensor([broken, 0.0]), exact) == -math.inf
    assert decibels(torch.ones(2), torch.zeros(2)) == -math.inf


def test_only_the_matrices_of_blocks_are_rounded(models: Synthesis) -> None:
    transformer = copy.deepcopy(models.flow.transformer)
    wanted = Flow(models.shapes, torch.float16).transformer.state_dict()
    precision.narrow(transformer, torch.float16)
    assert {key: x.dtype for key, x in transformer.state_dict().items()} == {
        key: x.dtype for key, x in wanted.items()
    }
