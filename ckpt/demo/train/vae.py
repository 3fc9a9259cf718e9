"""The autoencoder's training: crops of the pool's songs, waveform and spectra, a little KL."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core.levo.shapes import SAMPLES_PER_FRAME, VaeShapes
from core.levo.vae import Snake, Vae
from corpus.rng import stream
from train import loop, pool, spectral
from train.ahead import Ahead
from train.beginning import begun
from train.config import Config

PARTS = (("vocal", "backing"), ("vocal",), ("backing",))
"""What may be heard of a song."""


@dataclass(frozen=True)
class Settings:
    """How the autoencoder learns."""

    plan: loop.Plan
    batch: int = 3
    frames: int = 16
    """Latents of a crop, 40 ms each."""
    weights: dict[str, float] = field(default_factory=dict)
    """Of the loss's parts."""
    ramp: int = 1000
    """Steps over which the magnitudes come to count in full beside the phases."""
    ramp_from: float = 0.2
    """What they count at first."""
    first: int = 64
    """Crops heard for the network to begin with."""
    compiled: bool = True
    """Whether to compile what can be: a minute at the start, a third less for every step."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops, and the noise that their latents get."""

    sound: Tensor
    """float32 [B, 2, 1920 · frames]."""
    noise: Tensor
    """float32 [B, latent, frames]."""


def drawn(folder: Path, seeds: list[int], step: int, mine: Settings, shapes: VaeShapes) -> Batch:
    """What a step learns from."""
    sound = crops(folder, seeds, step, batch=mine.batch, frames=mine.frames)
    size = (mine.batch, shapes.latent, mine.frames)
    return Batch(sound, torch.randn(size, generator=torch.Generator().manual_seed(step)))


def crops(folder: Path, seeds: list[int], step: int, *, batch: int, frames: int) -> Tensor:
    """Sound [batch, 2, 1920 · frames] of songs of the pool, keyed by the step."""
    rng = stream(step, "vae/crops")
    long = frames * SAMPLES_PER_FRAME
    heard = np.empty((batch, 2, long), dtype=np.float32)
    for row in heard:
        stems = pool.stems_of(folder, seeds[int(rng.integers(len(seeds)))])
        at = int(rng.integers(stems.shape[1] - long))
        kind = int(rng.choice(3, p=(0.6, 0.2, 0.2)))
        row[:] = pool.as_heard(stems[:, at : at + long], PARTS[kind])
    return torch.from_numpy(heard)


def loss_of(model: Vae, batch: Batch, weights: Mapping[str, float]) -> tuple[Tensor, loop.Figures]:
    """The loss of one batch and its parts."""
    mean, spread = model.encoder(batch.sound)
    made = model.decoder(mean + spread * batch.noise)
    apart = spectral.distance(made, batch.sound)
    kl = 0.5 * (mean.square() + spread.square() - 1 - 2 * spread.log()).mean()
    parts = {"wave": apart.wave, "phase": apart.phase, "linear": apart.linear, "log": apart.log, "kl": kl}
    loss = torch.stack([weights[key] * value for key, value in parts.items()]).sum()
    parts |= {"size": mean.std(), "spread": spread.mean()}
    return loss, {key: value.detach() for key, value in parts.items()}


def train(config: Config, state: Path) -> None:
    """Learn to hear and to make the pool's sound, from `state/pool` to `state/vae.pt`."""
    learn(config, config.part("vae", Settings), config.shapes.vae, state)


def learn(config: Config, mine: Settings, shapes: VaeShapes, state: Path) -> None:
    """The same with settings and shapes of one's own."""
    folder = state / "pool"
    seeds = pool.seeds_in(folder)
    model = begun(shapes, crops(folder, seeds, -1, batch=mine.first, frames=mine.frames), config.seed)
    model.to(config.device)
    if mine.compiled:
        quicken(model)
    weights = mine.weights
    batches = Ahead(
        lambda step: drawn(folder, seeds, step, mine, shapes), device=config.device, workers=config.workers
    )

    def loss(step: int) -> tuple[Tensor, loop.Figures]:
        ramp = min(1.0, mine.ramp_from + (1 - mine.ramp_from) * step / mine.ramp)
        now = {key: value * (ramp if key in ("linear", "log") else 1.0) for key, value in weights.items()}
        return loss_of(model, batches(step), now)

    loop.run("vae", model, loss, mine.plan, state)


def quicken(model: nn.Module) -> None:
    """Let the snakes run as one compiled loop each, forward and back: a third less time a step."""
    torch._dynamo.config.cache_size_limit = 64
    snake = torch.compile(_snake, dynamic=False)
    for module in model.modules():
        if isinstance(module, Snake):
            module.forward = partial(snake, module.alpha, module.beta)  # type: ignore[method-assign]


def _snake(alpha: Tensor, beta: Tensor, x: Tensor) -> Tensor:
    wave = (x * alpha.exp()[:, None]).sin().square()
    return torch.addcmul(x, wave, (beta.exp() + 1e-9).reciprocal()[:, None])
