"""A run of the token stage that nobody watches, and settings that always take the likeliest token."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from core.engine import Artifact, FreshRun, Verdict
from core.levo.settings import settings_of
from core.random import Stream
from core.registry import variant
from core.settings import Value, Values, resolve


def greedy(cache: str, **changes: Value) -> Values:
    """The published defaults at temperature 0, without a minimum length, with one cache format."""
    values = resolve(settings_of(variant("v2-large")))
    return values.replace(
        **{"temperature": 0.0, "stem_temperature": 0.0, "minimum_length": 0.0, "kv_cache": cache, **changes}
    )


@dataclass(frozen=True, slots=True)
class QuietRun(FreshRun):
    """Keeps nothing and never stops; implements `core.engine.Run`."""

    device: torch.device
    values: Values

    def step(self, done: int, total: int) -> Verdict:  # noqa: ARG002
        """Go on."""
        return Verdict.GO

    def live(self, key: str) -> Value:
        """The value it was given."""
        return self.values[key]

    def stream(self, name: str) -> Stream:
        """A stream of seed 0."""
        return Stream(0, name)

    def weights(self, role: str) -> Path:
        """There are none on disk."""
        raise AssertionError(role)

    def save(self, kind: str, tensors: Mapping[str, Tensor], meta: Mapping[str, str]) -> Artifact:  # noqa: ARG002
        """Nothing is kept."""
        raise AssertionError(kind)

    def note(self, what: str) -> None:
        """Nobody listens."""

    def audio(self, samples: Tensor, stem: str = "mix") -> None:  # noqa: ARG002
        """There is no sound."""
        raise AssertionError
