"""What the flow makes of the codes of songs that are known: latents as the decoder will meet them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
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
_AT_ONCE = 64
"""Songs that a quick device solves at a time."""


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
    missing = [seed for seed in seeds_of(state)[: mine.songs] if not _path(folder, seed).is_file()]
    codes = {seed: example_of(state, seed).codes[:, : shapes.flow.positions] for seed in missing}
    for seeds in _alike(codes, 1 if device == "cpu" else _AT_ONCE):
        made = dreamt(flow, {seed: codes[seed] for seed in seeds}, shapes, mine)
        for seed, latents in zip(seeds, made.half().cpu().numpy(), strict=True):
            new = _path(folder, seed).with_suffix(".new")
            with new.open("wb") as file:
                np.save(file, latents)
            new.replace(_path(folder, seed))


@torch.no_grad()
def dreamt(flow: Flow, songs: Mapping[int, Tensor], shapes: Shapes, mine: Settings) -> Tensor:
    """Latents [B, 3, T, latent], mix, vocal, backing, of the codes [2, T] of songs by their seeds."""
    device = flow.marks.weight.device
    codes = torch.stack([*songs.values()]).to(device)
    size = (codes.shape[2], shapes.flow.latent)
    schedule = flow.schedule(mine.steps)
    made = []
    for stem, silenced in zip(STEMS, SILENCED, strict=True):
        own = codes.clone()
        for book in silenced:
            own[:, book] = shapes.quantizer.neutral[book]
        draws = [stream(seed, f"dreams/{stem}").standard_normal(size, dtype=np.float32) for seed in songs]
        noise = torch.from_numpy(np.stack(draws)).to(device)
        problem = flow.problem(own, noise[:, :0], noise)
        made.append(flow.window(problem, schedule, guidance=mine.guidance, tick=lambda: None))
    return torch.stack(made, dim=1)


def _alike(codes: Mapping[int, Tensor], at_once: int) -> Iterator[list[int]]:
    """The songs, at most so many at once, and only such as are equally long."""

    def length(seed: int) -> int:
        return codes[seed].shape[1]

    for _, found in groupby(sorted(codes, key=length), key=length):
        seeds = list(found)
        yield from (seeds[at : at + at_once] for at in range(0, len(seeds), at_once))


def _path(folder: Path, seed: int) -> Path:
    return folder / f"{seed:07d}.npy"
