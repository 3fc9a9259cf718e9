"""Flow matching: codes, latents already known and noise become the latents of one window."""

from collections.abc import Callable, Generator

import torch
from torch import Tensor, nn

from core.levo.shapes import Shapes
from core.levo.synthesis.euler import (
    SIGMA_MIN,
    Problem,
    Replays,
    Schedule,
    by_steps,
    schedule_of,
    to_its_end,
)
from core.levo.synthesis.transformer import FlowTransformer
from core.levo.vq import Quantizer

__all__ = ["SIGMA_MIN", "Flow", "Normaliser", "Problem", "Schedule"]


class Normaliser(nn.Module):
    """Per-channel mean and deviation of latents; fixed, whatever passes through (levo-audio spec §4.1)."""

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.empty(latent))
        self.deviation = nn.Parameter(torch.empty(latent))

    def normal(self, latents: Tensor) -> Tensor:
        """VAE latents [..., latent] as the flow knows them."""
        return (latents - self.mean) / self.deviation.clamp_min(1e-12)

    def latents(self, normal: Tensor) -> Tensor:
        """The flow's values [..., latent] as VAE latents."""
        return normal * self.deviation + self.mean


class Flow(nn.Module):
    """Quantizers, normaliser and transformer: all that turns codes into latents."""

    def __init__(self, shapes: Shapes, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.transformer = FlowTransformer(shapes.flow, dtype)
        self.marks = nn.Embedding(2, shapes.flow.mask_width)
        self.normaliser = Normaliser(shapes.flow.latent)
        self.vocal = Quantizer(shapes.quantizer)
        self.backing = Quantizer(shapes.quantizer)

    def schedule(self, steps: int, replays: Replays | None = None) -> Schedule:
        """Even steps from 0 to 1."""
        return schedule_of(self.transformer, steps, replays)

    def problem(self, codes: Tensor, carried: Tensor, noise: Tensor) -> Problem:
        """Pose a window: codes [B, 2, T] (vocal, backing), latents [B, P, latent] it begins with, noise."""
        vocal, backing = codes.unbind(1)
        new = torch.arange(codes.shape[-1], device=codes.device) >= carried.shape[1]
        return Problem(
            marks=self.marks(new.long()).expand(len(codes), -1, -1),
            carried=self.normaliser.normal(carried),
            condition=torch.cat((self.vocal.decode(vocal), self.backing.decode(backing)), dim=-1),
            noise=noise,
        )

    def window(
        self, problem: Problem, schedule: Schedule, *, guidance: float, tick: Callable[[], None]
    ) -> Tensor:
        """Solve a window; gives VAE latents [B, T, latent], the first P as they were carried in."""
        return to_its_end(self.by_steps(problem, schedule, guidance=guidance), tick)

    def by_steps(
        self, problem: Problem, schedule: Schedule, *, guidance: float
    ) -> Generator[None, None, Tensor]:
        """The same with a pause after every step, in which other work may be done."""
        solved = yield from by_steps(self.transformer, problem, schedule, guidance=guidance)
        known = problem.carried.shape[1]
        return self.normaliser.latents(torch.cat((problem.carried, solved[:, known:]), dim=1))
