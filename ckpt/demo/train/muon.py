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
        parts: dict[torch.Size, list[tuple[Tensor, Tensor, float]]] = {}
        for group in self.param_groups:
            moving = [parameter for parameter in group["params"] if parameter.grad is not None]
            if not group["split"]:
                _adam(moving, self.state, group)
                continue
            for parameter in moving:
                ahead = _ahead(parameter, self.state[parameter], group["momentum"])
                rate = group["lr"] * group["scale"]
                for part, aim in zip(
                    *(one.chunk(group["split"], dim=0) for one in (parameter, ahead)), strict=True
                ):
                    parts.setdefault(part.shape, []).append((part, aim, rate))
        for alike in parts.values():  # those of one shape at once
            turned = orthogonal(torch.stack([aim for _, aim, _ in alike]))
            for (part, _, rate), way in zip(alike, turned, strict=True):
                part.add_(way, alpha=-rate)


def _ahead(parameter: Tensor, state: dict[str, Tensor], momentum: float) -> Tensor:
    """Where the gradient and its momentum point."""
    assert parameter.grad is not None
    if not state:
        state["momentum"] = torch.zeros_like(parameter)
    kept = state["momentum"].mul_(momentum).add_(parameter.grad)
    return parameter.grad.add(kept, alpha=momentum)


def _adam(moving: list[Tensor], states: Mapping[Tensor, dict[str, Any]], group: Mapping[str, Any]) -> None:
    """One step of AdamW for parameters, all of them at once."""
    own = [states[parameter] for parameter in moving]
    for parameter, state in zip(moving, own, strict=True):
        if not state:
            state |= {"steps": 0, "mean": torch.zeros_like(parameter), "square": torch.zeros_like(parameter)}
    gradients = [parameter.grad for parameter in moving if parameter.grad is not None]
    means, squares = [state["mean"] for state in own], [state["square"] for state in own]
    first, second = group["betas"]
    torch._foreach_lerp_(means, gradients, 1 - first)
    torch._foreach_lerp_(squares, torch._foreach_mul(gradients, gradients), 1 - second)
    for state in own:
        state["steps"] += 1
    high = torch._foreach_div(squares, [1 - second ** state["steps"] for state in own])
    torch._foreach_sqrt_(high)
    torch._foreach_add_(high, 1e-8)
    torch._foreach_addcdiv_(
        moving, means, high, [-group["lr"] / (1 - first ** state["steps"]) for state in own]
    )


def orthogonal(matrices: Tensor) -> Tensor:
    """Matrices [..., N, M] with singular values near one; tall ones larger by the root of how tall."""
    a, b, c = _COEFFICIENTS
    rows, columns = matrices.shape[-2:]
    is_tall = rows > columns
    x = (matrices.mT if is_tall else matrices).bfloat16()  # what rounding leaves is nearly orthogonal still
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(_ROUNDS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    tall = max(1.0, rows / columns)
    scaled: Tensor = (x.mT if is_tall else x).to(matrices.dtype) * tall**0.5
    return scaled
