"""Flow matching: codes, latents already known and noise become the latents of one window."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.levo.shapes import Shapes
from core.levo.synthesis.transformer import FlowTransformer, Modulation, Rope
from core.levo.vq import Quantizer

SIGMA_MIN = 1e-4
"""Noise left in a carried frame at time 1 (levo-audio spec §4.2)."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The Euler steps of one song and what they do to the transformer, worked out once."""

    times: tuple[float, ...]
    """One more than there are steps: 0 … 1."""
    modulation: Modulation
    rope: Rope
    """For windows of any length."""

    @property
    def steps(self) -> int:
        """Euler steps."""
        return len(self.times) - 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One window of B songs: what is known of it before it is solved."""

    marks: Tensor
    """float32 [B, T, mask_width]: the embedding of "carried" or "new" per frame."""
    carried: Tensor
    """float32 [B, P, latent]: the first P frames, normalised."""
    condition: Tensor
    """float32 [B, T, 2 · condition]: vocal, then backing features of the codes."""
    noise: Tensor
    """float32 [B, T, latent]: the state at time 0."""


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

    def schedule(self, steps: int) -> Schedule:
        """Even steps from 0 to 1."""
        times = torch.linspace(0, 1, steps + 1, device=self.transformer.table.device)
        return Schedule(
            times=tuple(times.tolist()),
            modulation=self.transformer.modulation(times[:-1]),
            rope=self.transformer.rope(self.transformer.shapes.positions),
        )

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
        solved = solve(self.transformer, problem, schedule, guidance=guidance, tick=tick)
        known = problem.carried.shape[1]
        return self.normaliser.latents(torch.cat((problem.carried, solved[:, known:]), dim=1))


def solve(
    transformer: FlowTransformer,
    problem: Problem,
    schedule: Schedule,
    *,
    guidance: float,
    tick: Callable[[], None],
) -> Tensor:
    """Follow the velocity from noise to normalised latents [B, T, latent] by Euler steps.

    The rule is levo-audio spec §4.2; what becomes of the carried frames is of no use. Guidance above 1 moves
    from the velocity without codes towards and past the one with them; otherwise the codes are simply
    followed, at half the cost. `tick` is called after every step.
    """
    carried, noise = problem.carried, problem.noise
    known = carried.shape[1]
    still = _still(problem, guided=guidance > 1)
    state = noise.clone()
    for step in range(schedule.steps):
        now, then = schedule.times[step : step + 2]
        state[:, :known] = (1 - (1 - SIGMA_MIN) * now) * noise[:, :known] + now * carried
        x = torch.cat((still, state.repeat(len(still) // len(state), 1, 1)), dim=-1)
        velocity = transformer(x, schedule.modulation.at(step), schedule.rope)
        if guidance > 1:
            blind, seeing = velocity.chunk(2)
            velocity = blind + guidance * (seeing - blind)
        state = state + (then - now) * velocity
        tick()
    return state


def _still(problem: Problem, *, guided: bool) -> Tensor:
    """The channels that no step changes, [B or 2B, T, width - latent]; without codes first when guided."""
    carried, condition = problem.carried, problem.condition
    unknown = condition.shape[1] - carried.shape[1]
    context = torch.cat((carried, carried.new_zeros(len(carried), unknown, carried.shape[2])), dim=1)
    seeing = torch.cat((problem.marks, context, condition), dim=-1)
    if not guided:
        return seeing
    blind = torch.cat((problem.marks, context, torch.zeros_like(condition)), dim=-1)
    return torch.cat((blind, seeing))
