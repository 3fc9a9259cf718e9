"""A training run: steps, a warm and cosine rate, a moving average, saved states to go on from, a log."""

import json
import math
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

Figures = Mapping[str, float | Tensor]
"""For the log; what is a tensor is waited for only where a step is logged."""
Loss = Callable[[int], tuple[Tensor, Figures]]
"""The loss of a step, and figures of it; draws all it needs from streams keyed by the step."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to learn."""

    steps: int
    rate: float
    """Highest learning rate, reached after `warmup` steps; it falls to a twentieth as a cosine."""
    warmup: int = 100
    clip: float = 1.0
    """Largest norm of the gradient."""
    decay: float = 0.0
    """Weight decay of matrices."""
    average: float = 0.999
    """Of the moving average of the weights, which is what is exported; 0 keeps none."""
    save_every: int = 200
    log_every: int = 20

    def rate_at(self, step: int) -> float:
        """The learning rate of a step."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        done = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        return self.rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))


def run(
    name: str,
    model: nn.Module,
    loss_of: Loss,
    plan: Plan,
    state: Path,
    *,
    by: torch.optim.Optimizer | None = None,
) -> None:
    """Train `model` in place up to `plan.steps`, going on from `state/name.pt` where there is one.

    `by` is an optimiser of the model's own; without one it is AdamW.
    SIGTERM and SIGINT end it after the step at hand with its state saved. The log is `state/name.jsonl`.
    """
    state.mkdir(parents=True, exist_ok=True)
    optimiser = by or torch.optim.AdamW(_groups(model, plan.decay), lr=plan.rate, betas=(0.9, 0.98), eps=1e-8)
    smooth = {key: value.detach().clone() for key, value in model.state_dict().items()}
    path = state / f"{name}.pt"
    first = _resume(path, model, optimiser, smooth)
    asked: list[int] = []
    before = {
        kind: signal.signal(kind, lambda *_: asked.append(1)) for kind in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        for step in range(first, plan.steps):
            began = time.process_time(), time.monotonic()
            for group in optimiser.param_groups:
                group["lr"] = plan.rate_at(step)
            loss, told = loss_of(step)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
            if torch.isfinite(norm):
                optimiser.step()
            _follow(smooth, model, min(plan.average, (step + 1) / (step + 10)))
            if step % plan.log_every == 0 or step + 1 == plan.steps:
                figures = {"loss": loss.detach(), **told, "norm": norm, "rate": plan.rate_at(step)}
                took = time.process_time() - began[0], time.monotonic() - began[1]
                _log(state / f"{name}.jsonl", step, figures, took)
            if asked or (step + 1) % plan.save_every == 0 or step + 1 == plan.steps:
                _save(path, step + 1, model, optimiser, smooth)
            if asked:
                raise SystemExit(f"{name}: stopped after step {step + 1}; the same command goes on")
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def averaged(name: str, state: Path) -> dict[str, Tensor]:
    """The moving average of a run's weights by key; FileNotFoundError where it has not been saved yet."""
    saved = _load(state / f"{name}.pt")
    weights: dict[str, Tensor] = saved["smooth"]
    return weights


def _groups(model: nn.Module, decay: float) -> list[dict[str, object]]:
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def _follow(smooth: dict[str, Tensor], model: nn.Module, keep: float) -> None:
    now = model.state_dict()
    floats = [key for key, value in now.items() if value.is_floating_point()]
    with torch.no_grad():
        torch._foreach_lerp_([smooth[key] for key in floats], [now[key] for key in floats], 1 - keep)
        for key in now.keys() - set(floats):
            smooth[key].copy_(now[key])


def _resume(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, smooth: dict[str, Tensor]) -> int:
    if not path.is_file():
        return 0
    saved = _load(path)
    model.load_state_dict(saved["model"])
    optimiser.load_state_dict(saved["optimiser"])  # which brings it to where the weights are
    for key, value in saved["smooth"].items():
        smooth[key].copy_(value)
    return int(saved["step"])


def _load(path: Path) -> dict[str, Any]:
    """A state this module saved; tensors, numbers and their containers only."""
    saved: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")  # noqa: TID251  our own file, not one from outside
    return saved


def _save(
    path: Path, step: int, model: nn.Module, optimiser: torch.optim.Optimizer, smooth: dict[str, Tensor]
) -> None:
    new = path.with_suffix(".new")
    torch.save(
        {"step": step, "model": model.state_dict(), "optimiser": optimiser.state_dict(), "smooth": smooth},
        new,
    )
    new.replace(path)


def _log(path: Path, step: int, figures: Figures, seconds: tuple[float, float]) -> None:
    """A line with the figures of a step, and what it took: of this process, and by the clock."""
    known = ((key, float(value)) for key, value in figures.items())
    line = {
        "step": step,
        **{key: round(value, 6) for key, value in known if not math.isnan(value)},
        "cpu_s": round(seconds[0], 3),
        "wall_s": round(seconds[1], 3),
    }
    with path.open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")
