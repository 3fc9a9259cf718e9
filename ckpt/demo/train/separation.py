"""The separator: a mix to its vocal, learned from stems that are known."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from demucs.demucs import rescale_module
from demucs.htdemucs import HTDemucs
from torch import Tensor

from core.errors import SongdeskError
from core.levo.conditions.recording import resampled
from core.levo.conditions.separate import SHIFTS, SOURCES, separator, vocal_of
from core.levo.shapes import SAMPLE_RATE, SeparatorShapes
from corpus.rng import stream
from corpus.types import Wave
from train import pool, role_file
from train.ahead import Ahead
from train.config import Config
from train.loop import Figures, Plan, averaged, run

_NAME = "separator"
_VOCALS = SOURCES.index("vocals")
_RATE = 44_100
_RESCALE = 0.1
"""Deviation towards which the convolutions are scaled before the first step, as demucs does it."""
_OWN = 0.5
"""Share of crops with a song's own backing."""
_SUNG, _TRIES = 0.01, 4
"""Level (RMS) from which a voice is heard, and places that are tried to find one: some crops stay without."""
_GAIN = (-6.0, 3.0)
"""Decibels between which each stem's level is drawn."""
_HEARD = 10
"""Seconds of a kept-out song that are judged: as long as a reference."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What of the separator's training can be set."""

    plan: Plan
    seconds: tuple[float, ...] = (2.0, 4.0, 7.8)
    """Lengths of crops."""
    shares: tuple[float, ...] = (0.7, 0.2, 0.1)
    """How often each length is drawn."""
    batch: int = 1
    """Crops of a step, all of one length."""
    rest: float = 0.25
    """Weight of the error of the backing, which is the sum of the other three sources."""
    judged: int = 6
    """Kept-out songs that the result is measured on."""


def train(config: Config, state: Path) -> None:
    """Train up to the plan's steps and tell what the average of the weights reaches."""
    settings, sounds = config.part(_NAME, Settings), state / "pool"
    songs = pool.seeds_in(sounds)
    if not songs:
        raise SongdeskError("there are no songs", where=str(sounds), hint="run the part pool first")
    network = begun(config.shapes.separator, config.seed).train().to(config.device)
    crops = Ahead(
        lambda step: crop(sounds, songs, settings, stream(config.seed, f"{_NAME}/{step}")),
        device=config.device, workers=config.workers,
    )  # fmt: skip

    def loss_of(step: int) -> tuple[Tensor, Figures]:
        vocal, rest = crops(step)
        return loss(network, vocal, rest, weight=settings.rest)

    run(_NAME, network, loss_of, settings.plan, state)
    report(config, state)


def export(state: Path, folder: Path) -> None:
    """Write the role file."""
    role_file.write(folder, _NAME, averaged(_NAME, state))


def begun(shapes: SeparatorShapes, seed: int) -> HTDemucs:
    """The product's network with the weights that training begins from."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = separator(shapes)
    rescale_module(network, reference=_RESCALE)  # type: ignore[no-untyped-call]
    assert network.freq_emb is not None, "the demo's separator has one"
    table = network.freq_emb.embedding.weight.data  # neighbouring bands begin alike
    ranks = torch.arange(1, len(table) + 1, dtype=table.dtype)
    table.copy_(table.cumsum(0) / ranks.sqrt()[:, None])
    return network


def crop(
    sounds: Path, songs: list[int], settings: Settings, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Vocals and backings [batch, 2, n] at 44.1 kHz, of one song or of two, each at a level of its own."""
    seconds = float(rng.choice(settings.seconds, p=settings.shares))
    pairs = [_pair(sounds, songs, seconds, rng) for _ in range(settings.batch)]
    both = torch.stack(pairs, dim=1)
    return both[0], both[1]


def _pair(sounds: Path, songs: list[int], seconds: float, rng: np.random.Generator) -> Tensor:
    """One vocal and one backing, [2, 2, n]."""
    own = int(rng.choice(songs))
    other = own if rng.random() < _OWN else int(rng.choice(songs))
    singing, playing = pool.stems_of(sounds, own), pool.stems_of(sounds, other)
    for _ in range(_TRIES):
        at = float(rng.random())
        vocal = _cut(singing, "vocal", at, seconds)
        if np.sqrt(np.square(vocal).mean()) > _SUNG:
            break
    rest = _cut(playing, "backing", at if own == other else float(rng.random()), seconds)
    gains, turned = 10 ** (rng.uniform(*_GAIN, size=2) / 20), rng.random() < 0.5
    sound = torch.from_numpy(np.stack((vocal * np.float32(gains[0]), rest * np.float32(gains[1]))))
    return resampled(sound.flip(1) if turned else sound, SAMPLE_RATE, _RATE)


def loss(network: HTDemucs, vocal: Tensor, rest: Tensor, *, weight: float) -> tuple[Tensor, Figures]:
    """Mean error of the vocal, and of the other sources' sum by `weight`, relative to the mix's level.

    The product takes the vocal alone and calls what is left of the mix its backing.
    """
    mix = vocal + rest
    sources = network(mix)
    of_vocal = (sources[:, _VOCALS] - vocal).abs().mean()
    others = sources.sum(dim=1) - sources[:, _VOCALS]
    of_rest = (others - rest).abs().mean()
    level = mix.abs().mean().clamp_min(1e-3)
    whole: Tensor = (of_vocal + weight * of_rest) / level
    return whole, {"vocal": (of_vocal / level).detach(), "rest": (of_rest / level).detach()}


def report(config: Config, state: Path) -> None:
    """Say what the average of the weights reaches on kept-out songs, where the pool has some."""
    sounds = state / "pool"
    songs = pool.seeds_in(sounds, validation=True)[: config.part(_NAME, Settings).judged]
    if not songs:
        return
    network = separator(config.shapes.separator)
    network.load_state_dict(averaged(_NAME, state))
    found = (improvement(network.eval(), pool.stems_of(sounds, seed)) for seed in songs)
    gained = np.array([one for one in found if one is not None])
    told = f"{gained.mean():+.1f} dB ({gained.min():+.1f} to {gained.max():+.1f})"
    sys.stdout.write(
        f"{_NAME}: SI-SDR of the vocal over the mix's own in {len(songs)} kept-out songs: {told}\n"
    )


def improvement(network: HTDemucs, stems: pool.Stems) -> float | None:
    """Decibels by which the separated vocal of a song is nearer to the true one than the mix is.

    None where nobody sings.
    """
    vocal, rest = (torch.from_numpy(_cut(stems, part, 0.5, _HEARD)) for part in ("vocal", "backing"))
    if float(vocal.square().mean().sqrt()) <= _SUNG:
        return None
    mix = vocal + rest
    with torch.inference_mode():
        found = vocal_of(network, mix, shift=SHIFTS // 2)
    return si_sdr(found, vocal) - si_sdr(mix, vocal)


def si_sdr(found: Tensor, true: Tensor) -> float:
    """Decibels of what of `found` is `true` at any level, over what is not."""
    aimed = true * ((found * true).sum() / true.square().sum().clamp_min(1e-9))
    ratio = aimed.square().sum() / (found - aimed).square().sum().clamp_min(1e-9)
    return 10 * float(ratio.clamp_min(1e-9).log10())


def _cut(stems: pool.Stems, part: str, place: float, seconds: float) -> Wave:
    """`seconds` of one stem, from a place between the first (0) and the last possible (1)."""
    length = round(seconds * SAMPLE_RATE)
    first = round(place * max(0, stems.shape[1] - length))
    return pool.as_heard(stems[:, first : first + length], (part,))
