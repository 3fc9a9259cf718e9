"""Steps of songs by the kernels: the very trial that a device is put to, or the interpreter where none is."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
import torch

from core.kernels import matvec
from core.levo.tokens.static import agreement, sketch
from tests.core.levo.tokens.static.narrow import narrow_trials

SLOW = pytest.mark.slow


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """One step of networks that the interpreter is up to."""
    narrow_trials(monkeypatch, main_layers=1)
    monkeypatch.setattr(agreement, "STEPS", 1)


@pytest.fixture(params=["lockstep", pytest.param("every network", marks=SLOW)])
def networks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which of them are tried."""
    if request.param == "lockstep":
        every: Any = sketch.networks

        def first(device: torch.device) -> Iterator[Any]:
            return islice(every(device), 1)

        monkeypatch.setattr(sketch, "networks", first)
    return str(request.param)


@pytest.mark.usefixtures("networks")
@pytest.mark.timeout(600)
def test_a_step_by_kernels_is_that_of_plain_torch(fused: torch.device) -> None:
    assert agreement.check(fused) == ""


def test_a_kernel_that_computes_otherwise_is_found(
    fused: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matvec, "EPS", 0.5)
    assert "logits" in agreement.check(fused)
