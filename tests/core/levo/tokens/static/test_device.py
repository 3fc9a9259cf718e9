"""What only an accelerator can show: steps that wait for nothing, graphs that repeat them, equal tokens."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch

from core.levo.artifacts import Conditions
from core.levo.graphs import proved
from core.levo.shapes import TokenShapes
from core.levo.tokens.compose import compose
from core.levo.tokens.decoding import Decoding
from core.levo.tokens.model import Part, TokenModel
from core.levo.tokens.pattern import Sheet
from core.levo.tokens.static import agreement, selftest
from core.levo.tokens.static.choice import best_drive
from core.levo.tokens.static.drive import static_steps
from core.settings import Values
from tests.core.levo.tokens.conftest import SHAPES, VALUES, Desk

pytestmark = pytest.mark.gpu
SLOW_DELAYS: TokenShapes = replace(SHAPES, delays=(0, 12, 12))
"""Long enough to run ahead as far as songs do."""


@pytest.fixture
def device() -> torch.device:
    if not torch.cuda.is_available():
        pytest.skip("no accelerator here")
    return torch.device("cuda")


@pytest.fixture
def model(device: torch.device) -> TokenModel:
    torch.manual_seed(1)
    return TokenModel(SLOW_DELAYS).eval().requires_grad_(False)


def test_replays_repeat_steps_to_the_bit(device: torch.device) -> None:
    assert selftest.check(device) == ""


def test_kernels_agree_with_plain_torch(device: torch.device) -> None:
    assert agreement.check(device) == ""


def test_the_trial_answers_in_a_process_of_its_own(
    device: torch.device, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = proved(selftest.__name__, device)
    assert first.why
    assert proved(selftest.__name__, device) == first


@pytest.mark.parametrize("schedule", ["lockstep", "two-pass"])
@pytest.mark.parametrize("kind", ["fp32", "int8"])
def test_the_device_composes_what_the_processor_composes(
    device: torch.device, model: TokenModel, conditions: Conditions, schedule: str, kind: str
) -> None:
    values = {**VALUES, "temperature": 0.0, "stem_temperature": 0.0, "minimum_length": 1.2, "kv_cache": kind}
    songs = []
    for place in (torch.device("cpu"), device):
        desk = Desk(values, 1, lambda desk, done: None)
        desk.device = place
        desk.note = lambda what: None  # type: ignore[method-assign]
        load = partial(moved, model, place)
        songs.append(compose(load, SLOW_DELAYS, conditions, Values(values), desk, schedule=schedule).codes)
    assert torch.equal(songs[0][:, :10], songs[1][:, :10])


def moved(model: TokenModel, place: torch.device, parts: tuple[Part, ...]) -> TokenModel:
    """A copy where the parts asked for belong."""
    return deepcopy(model).to("cpu" if parts == ("text",) else place)


def test_steps_wait_for_nothing_but_the_column_eight_steps_before(
    device: torch.device, model: TokenModel, conditions: Conditions
) -> None:
    steps = begun(device, model, conditions)
    for _ in range(3):
        next(steps)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(20):
            next(steps)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert len([*steps]) > 0


def begun(device: torch.device, model: TokenModel, conditions: Conditions) -> Iterator[None]:
    """Steps of a song whose temperature is turned all the while."""
    prefix = model.prefix(conditions, 2)
    sheet = Sheet(SLOW_DELAYS, 30, device=torch.device("cpu"))
    network = Decoding(model.to(device), rows=2, columns=sheet.total, cache="int8")
    network.prefill(prefix, sheet.first.to(device))

    def turn(desk: Desk, done: int) -> None:
        desk.values["temperature"] = 1 + done / 100

    desk = Desk({**VALUES, "minimum_length": 1.2}, 1, turn)
    return static_steps(best_drive(device), network, sheet, conditions.prompt_codes[0], desk)
