"""What the flow makes of the codes of songs that are known: latents as the decoder will meet them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.levo.shapes import STEMS, Shapes
from core.levo.synthesis.flow import Flow
from corpus.rng import stream
from train import loop
from train.config import Config
from train.latents import SILENCED, belong, example_of, fingerprint, seeds_of

FOLDER = "dreams"


@dataclass(frozen=True)
class Settings:
    """How many songs are dreamt, and how."""

    songs: int = 80
    steps: int = 10
    """Of Euler, as the product does by default."""
    guidance: float = 1.5


def train(config: Config, state: Path) -> None:
    """Solve songs of `state/latents` from nothing but their codes into `state/dreams`."""
    fill(config.part(FOLDER, Settings), config.shapes, state, device=config.device)


def fill(mine: Settings, shapes: Shapes, state: Path, *, device: str = "cpu") -> None:
    """The same with all that is needed of the configuration; dreams made otherwise are made anew."""
    weights = loop.averaged("flow", state)
    flow = Flow(shapes)
    flow.load_state_dict(weights)
    flow.to(device)
    folder = state / FOLDER
    belong(folder, f"{fingerprint(weights)} {mine.steps} steps, guidance {mine.guidance}")
    for seed in seeds_of(state)[: mine.songs]:
        path = folder / f"{seed:07d}.npy"
        if not path.is_file():
            new = path.with_suffix(".new")
            with new.open("wb") as file:
                np.save(file, dreamt(flow, state, seed, shapes, mine).half().cpu().numpy())
            new.replace(path)


@torch.no_grad()
def dreamt(flow: Flow, state: Path, seed: int, shapes: Shapes, mine: Settings) -> Tensor:
    """Latents [3, T, latent] of a song's codes: mix, vocal, backing; at most one window of it."""
    device = flow.marks.weight.device
    codes = example_of(state, seed).codes[:, : shapes.flow.positions].to(device)
    schedule = flow.schedule(mine.steps)
    made = []
    for stem, silenced in zip(STEMS, SILENCED, strict=True):
        own = codes.clone()
        for book in silenced:
            own[book] = shapes.quantizer.neutral[book]
        size = (1, codes.shape[1], shapes.flow.latent)
        noise = stream(seed, f"dreams/{stem}").standard_normal(size, dtype=np.float32)
        nothing = torch.zeros(1, 0, shapes.flow.latent, device=device)
        problem = flow.problem(own[None], nothing, torch.from_numpy(noise).to(device))
        made.append(flow.window(problem, schedule, guidance=mine.guidance, tick=lambda: None)[0])
    return torch.stack(made)
