"""The decoder's further training, when the encoder is fixed: from cached latents, and from the flow's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.levo.shapes import SAMPLES_PER_FRAME, STEMS, VaeShapes
from core.levo.vae import VaeDecoder
from corpus.rng import stream
from train import loop, pool, role_file, spectral
from train.ahead import Ahead
from train.config import Config
from train.dreams import FOLDER
from train.latents import HEARD
from train.vae import quicken


@dataclass(frozen=True)
class Settings:
    """How the decoder learns."""

    plan: loop.Plan
    batch: int = 3
    frames: int = 22
    """Latents of a crop."""
    margin: int = 3
    """Latents at either end that are not judged: they miss their neighbours."""
    noise: float = 0.15
    """At most so much of the latents' deviation is added, as the flow is never exact."""
    shares: tuple[float, ...] = (0.6, 0.2, 0.2)
    """Of mix, vocal and backing."""
    weights: dict[str, float] = field(default_factory=dict)
    """Of the loss's parts."""
    dreamt: float = 0.4
    """Share of the steps that hear what the flow makes of a song's codes, where there is such (`dreams`)."""
    loud: dict[str, float] = field(default_factory=dict)
    """Weights of the loss's parts in those: phases are the flow's own and cannot be judged."""
    compiled: bool = True
    """Whether to compile what can be."""


@dataclass(frozen=True, slots=True)
class Crops:
    """Latents and the sound they come from."""

    latents: Tensor
    """float32 [B, latent, frames]."""
    sound: Tensor
    """float32 [B, 2, 1920 · frames]."""
    is_dreamt: bool
    """Whether the latents are the flow's."""


def crops(state: Path, seeds: list[int], dreamt: list[int], step: int, mine: Settings) -> Crops:
    """What a step hears: of the cached songs, or of those that the flow has made as well."""
    rng = stream(step, "decoder/crops")
    is_dreamt = bool(dreamt) and bool(rng.random() < mine.dreamt)
    folder, seeds, noise = (FOLDER, dreamt, 0.0) if is_dreamt else ("latents", seeds, mine.noise)
    latents, sounds = [], []
    for _ in range(mine.batch):
        seed = seeds[int(rng.integers(len(seeds)))]
        stem = int(rng.choice(len(STEMS), p=np.array(mine.shares)))
        known = np.load(state / folder / f"{seed:07d}.npy", mmap_mode="r")[stem]
        at = int(rng.integers(len(known) - mine.frames))
        near = slice(at * SAMPLES_PER_FRAME, (at + mine.frames) * SAMPLES_PER_FRAME)
        sounds.append(pool.as_heard(pool.stems_of(state / "pool", seed)[:, near], HEARD[STEMS[stem]]))
        own = known[at : at + mine.frames].astype(np.float32)
        level = np.float32(noise * rng.random())
        latents.append(own.T + level * rng.standard_normal(own.T.shape, dtype=np.float32))
    return Crops(torch.from_numpy(np.stack(latents)), torch.from_numpy(np.stack(sounds)), is_dreamt)


def train(config: Config, state: Path) -> None:
    """Go on from `state/vae.pt` with `state/latents`, which are of its encoder, to `state/decoder.pt`."""
    learn(config, config.part("decoder", Settings), config.shapes.vae, state)


def learn(config: Config, mine: Settings, shapes: VaeShapes, state: Path) -> None:
    """The same with settings and shapes of one's own."""
    model = VaeDecoder(shapes)
    model.load_state_dict(side_of(loop.averaged("vae", state), "decoder."))
    model.to(config.device)
    if mine.compiled:
        quicken(model)
    seeds, dreamt = pool.seeds_in(state / "latents"), pool.seeds_in(state / FOLDER)
    inner = slice(mine.margin * SAMPLES_PER_FRAME, (mine.frames - mine.margin) * SAMPLES_PER_FRAME)
    crop = Ahead(
        lambda step: crops(state, seeds, dreamt, step, mine), device=config.device, workers=config.workers
    )

    def loss(step: int) -> tuple[Tensor, loop.Figures]:
        heard = crop(step)
        apart = spectral.distance(model(heard.latents)[..., inner], heard.sound[..., inner])
        parts = {"wave": apart.wave, "phase": apart.phase, "linear": apart.linear, "log": apart.log}
        weights = mine.loud if heard.is_dreamt else mine.weights
        whole = torch.stack([weights.get(key, 0.0) * value for key, value in parts.items()]).sum()
        told = {key: value.detach() for key, value in parts.items()}
        return whole, {"dreamt": float(heard.is_dreamt), **told}

    loop.run("decoder", model, loss, mine.plan, state)


def export(state: Path, folder: Path) -> None:
    """Write the role file `vae`: the encoder, and the decoder as far as it has come."""
    weights = loop.averaged("vae", state)
    if (state / "decoder.pt").is_file():
        weights |= {f"decoder.{key}": value for key, value in loop.averaged("decoder", state).items()}
    role_file.write(folder, "vae", weights)


def side_of(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The weights of one side of the autoencoder by its own keys."""
    return {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
