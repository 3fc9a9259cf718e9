"""An optimiser that moves each matrix by about the same in every direction, and the rest as Adam does."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the polynomial that drives singular values towards one."""
_ROUNDS = 5


class Muon(torch.optim.Optimizer):
    """Momentum made nearly orthogonal for the matrices chosen, AdamW for all else.

    `split` tells of a matrix into how many, one above the other, it falls. The rate of the chosen is `scale`
    times that of the others.
    """

    def __init__(
        self, chosen: Iterable[tuple[nn.Parameter, int]], others: Iterable[nn.Parameter], *,
        rate: float, scale: float = 4.0, momentum: float = 0.95, betas: tuple[float, float] = (0.9, 0.98),
    ) -> None:  # fmt: skip
        groups: list[dict[str, Any]] = [{"params": list(others), "split": 0}]
        for parameter, split in chosen:
            groups.append({"params": [parameter], "split": split})
        super().__init__(groups, {"lr": rate, "scale": scale, "momentum": momentum, "betas": betas})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    (_turn if group["split"] else _adam)(parameter, self.state[parameter], group)


def _turn(parameter: Tensor, state: dict[str, Tensor], group: Mapping[str, Any]) -> None:
    assert parameter.grad is not None
    if not state:
        state["momentum"] = torch.zeros_like(parameter)
    kept = state["momentum"].mul_(group["momentum"]).add_(parameter.grad)
    ahead = parameter.grad.add(kept, alpha=group["momentum"])
    parts = [orthogonal(part) for part in ahead.chunk(group["split"], dim=0)]
    parameter.add_(torch.cat(parts), alpha=-group["lr"] * group["scale"])


def _adam(parameter: Tensor, state: dict[str, Any], group: Mapping[str, Any]) -> None:
    assert parameter.grad is not None
    if not state:
        state |= {"steps": 0, "mean": torch.zeros_like(parameter), "square": torch.zeros_like(parameter)}
    first, second = group["betas"]
    state["steps"] += 1
    mean = state["mean"].lerp_(parameter.grad, 1 - first)
    square = state["square"].lerp_(parameter.grad.square(), 1 - second)
    high = (square / (1 - second ** state["steps"])).sqrt_().add_(1e-8)
    parameter.addcdiv_(mean, high, value=-group["lr"] / (1 - first ** state["steps"]))


def orthogonal(matrix: Tensor) -> Tensor:
    """The matrix with singular values near one, taller ones larger by the root of how much they are."""
    a, b, c = _COEFFICIENTS
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if is_tall else matrix).bfloat16()  # what rounding leaves is nearly orthogonal still
    x = x / (x.norm() + 1e-7)
    for _ in range(_ROUNDS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    tall = max(1.0, matrix.shape[0] / matrix.shape[1])
    scaled: Tensor = (x.T if is_tall else x).to(matrix.dtype) * tall**0.5
    return scaled
