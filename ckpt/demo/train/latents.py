"""The pool's songs as the autoencoder knows them: latents of mix and stems, cached beside their codes."""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.levo.shapes import SAMPLES_PER_FRAME, STEMS, VaeShapes
from core.levo.vae import VaeEncoder
from train import loop, pool
from train.codes import codes_of
from train.config import Config
from train.vae import quicken

HEARD = {"mix": ("vocal", "backing"), "vocal": ("vocal",), "backing": ("backing",)}
"""What of a song each stem is; in the order of STEMS."""

SILENCED = ((), (1,), (0,))
"""For mix, vocal and backing the heard codebooks whose codes are the neutral one."""
_PIECE = 128
"""Latents of a piece."""
_AT_ONCE = 64
"""Pieces that a quick device makes at a time: a song of some minutes."""
_BESIDE = 8
"""Latents at either end of a piece whose sound is heard but that are not kept: the encoder reaches 7 far."""


@dataclass(frozen=True)
class Settings:
    """How many songs are encoded."""

    songs: int = 260
    kept_out: int = 4
    compiled: bool = True


@dataclass(frozen=True, slots=True)
class Example:
    """A song as the flow learns it."""

    codes: Tensor
    """int64 [2, T]: vocal, backing."""
    latents: Tensor
    """float32 [3, T, latent]: mix, vocal, backing."""


def train(config: Config, state: Path) -> None:
    """Encode songs of the pool into `state/latents`; those of another encoder are made anew."""
    fill(config.part("latents", Settings), config.shapes.vae, state, device=config.device)


def fill(mine: Settings, shapes: VaeShapes, state: Path, *, device: str = "cpu") -> None:
    """The same with all that is needed of the configuration."""
    weights = loop.averaged("vae", state)
    encoder = encoder_of(shapes, weights).to(device)
    if mine.compiled:
        quicken(encoder)
    folder = state / "latents"
    belong(folder, fingerprint(weights, "encoder."))
    kept_out = pool.seeds_in(state / "pool", validation=True)[: mine.kept_out]
    for seed in (*kept_out, *pool.seeds_in(state / "pool")[: mine.songs]):
        path = folder / f"{seed:07d}.npy"
        if not path.is_file():
            found = encoded(encoder, pool.stems_of(state / "pool", seed))
            new = path.with_suffix(".new")
            with new.open("wb") as file:
                np.save(file, found.half().cpu().numpy())
            new.replace(path)


def encoder_of(shapes: VaeShapes, weights: Mapping[str, Tensor]) -> VaeEncoder:
    """The encoder of an autoencoder's weights."""
    encoder = VaeEncoder(shapes)
    own = (key for key in weights if key.startswith("encoder."))
    encoder.load_state_dict({key.removeprefix("encoder."): weights[key] for key in own})
    return encoder.eval()


def encoded(encoder: VaeEncoder, stems: pool.Stems) -> Tensor:
    """Mean latents [3, T, latent] of int16 stems [4, n]: mix, vocal, backing."""
    whole = stems.shape[1] // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME
    device = next(encoder.parameters()).device
    sounds = (torch.from_numpy(pool.as_heard(stems[:, :whole], HEARD[stem])) for stem in STEMS)
    at_once = 1 if device.type == "cpu" else _AT_ONCE  # what fits in a processor's cache is quicker
    return torch.stack([_heard(encoder, sound.to(device), at_once) for sound in sounds])


@torch.inference_mode()
def _heard(encoder: VaeEncoder, sound: Tensor, at_once: int) -> Tensor:
    """Mean latents [T, latent] of sound [2, 1920 T], so many pieces at once."""
    frames = sound.shape[1] // SAMPLES_PER_FRAME
    own = _PIECE - 2 * _BESIDE
    pieces = -(-frames // own)
    ends = (_BESIDE, pieces * own - frames + _BESIDE)
    padded = F.pad(sound, (ends[0] * SAMPLES_PER_FRAME, ends[1] * SAMPLES_PER_FRAME))
    near = padded.unfold(1, _PIECE * SAMPLES_PER_FRAME, own * SAMPLES_PER_FRAME)  # [2, pieces, samples]
    parts = torch.split(near.transpose(0, 1), at_once)
    means = [encoder(part)[0][..., _BESIDE : _BESIDE + own] for part in parts]
    return torch.cat(means).transpose(1, 2).flatten(0, 1)[:frames]


def examples(state: Path, *, validation: bool = False) -> list[Example]:
    """Every cached song with its codes by rule, cut to the shorter of the two."""
    return [example_of(state, seed) for seed in seeds_of(state, validation=validation)]


def seeds_of(state: Path, *, validation: bool = False) -> list[int]:
    """The songs that are cached."""
    return pool.seeds_in(state / "latents", validation=validation)


def example_of(state: Path, seed: int) -> Example:
    """A cached song."""
    known = torch.from_numpy(np.load(state / "latents" / f"{seed:07d}.npy")).float()
    codes = torch.from_numpy(codes_of(pool.song_of(seed))[1:].astype(np.int64))
    frames = min(known.shape[1], codes.shape[1])
    return Example(codes[:, :frames], known[:, :frames])


def fingerprint(weights: Mapping[str, Tensor], prefix: str = "") -> str:
    """SHA-256 of the weights whose keys begin so."""
    digest = hashlib.sha256()
    for key in sorted(key for key in weights if key.startswith(prefix)):
        digest.update(weights[key].numpy().tobytes())
    return digest.hexdigest()


def belong(folder: Path, origin: str) -> None:
    """Empty a folder unless it is of this origin: the network's fingerprint, and how it was used."""
    mark = folder / "made by"
    if mark.is_file() and mark.read_text(encoding="utf-8") == origin:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mark.write_text(origin, encoding="utf-8")
