"""The toy model as the bench measures it, and a run that keeps the sound."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from core.bench.models import Subject, subject
from core.levo.settings import settings_of
from core.parity.quiet import QuietRun
from core.registry import variant
from core.settings import Override, resolve


@dataclass(frozen=True, slots=True)
class KeptRun(QuietRun):
    sounds: list[Tensor] = field(default_factory=list)

    def audio(self, samples: Tensor, stem: str = "mix") -> None:
        self.sounds.append(samples)

    @property
    def sound(self) -> Tensor:
        return torch.cat(self.sounds, dim=1)


@pytest.fixture
def toy_subject(windowed: str) -> Subject:
    """The toy's networks, with the weights of the rule."""
    return subject(variant(windowed), torch.device("cpu"))


@pytest.fixture
def kept_run(windowed: str) -> Callable[[], KeptRun]:
    """Runs of three Euler steps."""
    values = resolve(settings_of(variant(windowed)), Override({"flow_steps": 3}))
    return lambda: KeptRun(torch.device("cpu"), values)
