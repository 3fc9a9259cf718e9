"""The flow's training: from codes by rule, and latents already known, to the velocity of a song's latents."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import SongdeskError
from core.levo.shapes import Shapes
from core.levo.synthesis.flow import SIGMA_MIN, Flow
from core.levo.vq import Quantizer
from core.tensors import load_tensors
from corpus.rng import stream
from train import loop, role_file
from train.ahead import Ahead, moved
from train.config import Config
from train.latents import SILENCED, Example, examples
from train.muon import Muon
from train.symbols import BOOKS, Symbol


@dataclass(frozen=True)
class Settings:
    """How the flow learns."""

    plan: loop.Plan
    begin: str = ""
    """A role file whose weights the first step begins with, such as what is shipped; empty: drawn ones."""
    frames: int = 2400
    """Of all windows of a step together."""
    lengths: tuple[int, ...] = (100, 150, 200, 300, 500, 1000)
    """Of windows; each step draws one."""
    blind: float = 0.15
    """How often the codes are not told."""
    carried: float = 0.5
    """How often a window begins with known latents."""
    shares: tuple[float, ...] = (0.6, 0.2, 0.2)
    """Of mix, vocal and backing."""
    judged: int = 100
    """Steps from one look at kept-out songs to the next."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows of one length, as the product meets them."""

    codes: Tensor
    """int64 [B, 2, T]."""
    latents: Tensor
    """float32 [B, T, latent], as the autoencoder gives them."""
    noise: Tensor
    """float32 [B, T, latent]."""
    times: Tensor
    """float32 [B] in [0, 1]."""
    known: Tensor
    """int64 [B]: frames that each window begins with and knows."""
    blind: Tensor
    """bool [B]: where the codes are not told."""


def begun(shapes: Shapes, songs: Sequence[Example], seed: int) -> Flow:
    """A flow that knows the latents' mean and deviation, moves nothing yet, and finds like codes alike."""
    model = Flow(shapes)
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, nn.Linear):
                module.weight.normal_(0, 1 / math.sqrt(module.in_features), generator=rng)
                module.bias.zero_()
                if name.endswith((".out", ".down", ".rows")):
                    module.weight *= 0.3 if not name.endswith(".rows") else 0.1
        transformer = model.transformer
        transformer.positions.weight.normal_(0, 0.02, generator=rng)
        for name, table in transformer.named_parameters():
            if name.endswith(".table"):
                table.zero_()
                table[2::3] = 0.5  # gates
        transformer.table.zero_()
        transformer.head.weight *= 0.1
        model.marks.weight.normal_(0, 0.5, generator=rng)
        every = torch.cat([song.latents.flatten(0, 1) for song in songs])
        model.normaliser.mean.copy_(every.mean(0))
        model.normaliser.deviation.copy_(every.std(0))
        _alike(model.vocal, BOOKS[1])
        _alike(model.backing, BOOKS[2])
    model.normaliser.requires_grad_(False)
    for quantizer in (model.vocal, model.backing):
        quantizer.enter.requires_grad_(False)  # only what decodes is used
    return model


def take(model: Flow, weights: Mapping[str, Tensor]) -> None:
    """Begin a flow at a role file's weights; the latents' mean and deviation stay those of its own songs.

    Raises SongdeskError where they are not those of such a flow.
    """
    for name, value in model.state_dict().items():
        given = weights.get(name)
        if given is None or given.shape != value.shape:
            raise SongdeskError(f"no weights for {name}", hint="begin with a role file of this model")
        if not name.startswith("normaliser."):
            value.copy_(given)


def _alike(quantizer: Quantizer, book: Sequence[Symbol]) -> None:
    """Begin each code's row as the sum of what its symbol's parts stand for."""
    table = quantizer.codebook.weight
    table.zero_()
    for code, symbol in enumerate(book):
        parts = [f"{symbol[0]}", *(f"{symbol[0]}/{at}/{part}" for at, part in enumerate(symbol[1:]))]
        rows = np.stack([_row(part, table.shape[1]) for part in parts])
        table[code] = torch.from_numpy(rows.sum(0) / math.sqrt(len(parts)))


def _row(part: str, width: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    seed = int.from_bytes(hashlib.blake2b(part.encode(), digest_size=8).digest(), "little")
    return np.random.Generator(np.random.Philox(seed)).standard_normal(width, dtype=np.float32)


def drawn(songs: Sequence[Example], step: int, mine: Settings, shapes: Shapes) -> Batch:
    """The windows of a step."""
    rng = stream(step, "flow/windows")
    frames = mine.lengths[int(rng.integers(len(mine.lengths)))]
    count = max(1, mine.frames // frames)
    pairs = [_window(songs, rng, frames, mine.shares, shapes.quantizer.neutral) for _ in range(count)]
    most = min(shapes.flow.carried, frames // 2)
    known = tuple(int(rng.integers(1, most + 1)) * int(rng.random() < mine.carried) for _ in range(count))
    latents = torch.stack([pair[1] for pair in pairs])
    return Batch(
        codes=torch.stack([pair[0] for pair in pairs]),
        latents=latents,
        noise=torch.from_numpy(rng.standard_normal(tuple(latents.shape), dtype=np.float32)),
        times=torch.from_numpy(((np.arange(count) + rng.random(count)) / count).astype(np.float32)),
        known=torch.tensor(known),
        blind=torch.from_numpy(rng.random(count) < mine.blind),
    )


def _window(
    songs: Sequence[Example], rng: np.random.Generator, frames: int, shares: Sequence[float],
    neutral: tuple[int, int],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Codes [2, T] and latents [T, latent]: of one song, or where it is short of several."""
    stem = int(rng.choice(len(shares), p=np.array(shares)))
    codes, latents, left = [], [], frames
    while left:
        song = songs[int(rng.integers(len(songs)))]
        spare = song.codes.shape[1] - left
        at = int(rng.integers(spare + 1)) if spare > 0 else 0
        part = song.codes[:, at : at + left].clone()
        for book in SILENCED[stem]:
            part[book] = neutral[book]
        codes.append(part)
        latents.append(song.latents[stem, at : at + left])
        left -= part.shape[1]
    return torch.cat(codes, dim=1), torch.cat(latents)


def loss_of(model: Flow, batch: Batch) -> Tensor:
    """How far the velocity is from the straight way, squared, on frames that are not known.

    Marks, known latents, codes and state stand side by side as levo-audio spec §4.2 has them.
    """
    true = model.normaliser.normal(batch.latents)
    frames = true.shape[1]
    new = torch.arange(frames, device=true.device) >= batch.known[:, None]  # [B, T]
    seen = ~batch.blind[:, None, None]
    vocal, backing = batch.codes.unbind(1)
    condition = torch.cat((model.vocal.decode(vocal), model.backing.decode(backing)), dim=-1) * seen
    times = batch.times[:, None, None]
    at = (1 - (1 - SIGMA_MIN) * times) * batch.noise + times * true
    x = torch.cat((model.marks(new.long()), true * ~new[..., None], condition, at), dim=-1)
    transformer = model.transformer
    velocity: Tensor = transformer(x, transformer.modulation(batch.times), transformer.rope(frames))
    apart = (velocity - (true - (1 - SIGMA_MIN) * batch.noise)).square().mean(-1)
    loss: Tensor = (apart * new).sum() / new.sum()
    return loss


def train(config: Config, state: Path) -> None:
    """Learn from `state/latents`; the state is `state/flow.pt`."""
    learn(config, config.part("flow", Settings), config.shapes, state)


def learn(config: Config, mine: Settings, shapes: Shapes, state: Path) -> None:
    """The same with settings and shapes of one's own."""
    songs, kept_out = examples(state), examples(state, validation=True)
    model = begun(shapes, songs, config.seed)
    if mine.begin:
        take(model, load_tensors(Path(mine.begin)))
    model.to(config.device)
    judged = [moved(drawn(kept_out, -1 - k, mine, shapes), torch.device(config.device)) for k in range(6)]
    windows = Ahead(
        lambda step: drawn(songs, step, mine, shapes), device=config.device, workers=config.workers
    )

    def loss(step: int) -> tuple[Tensor, loop.Figures]:
        told: dict[str, Tensor] = {}
        if step % mine.judged == 0:
            with torch.no_grad():
                told["kept_out"] = torch.stack([loss_of(model, batch) for batch in judged]).mean()
        return loss_of(model, windows(step)), told

    loop.run("flow", model, loss, mine.plan, state, by=optimiser(model, mine.plan.rate))


def optimiser(model: Flow, rate: float) -> Muon:
    """The blocks' matrices by their parts, everything else as Adam does."""
    blocks = range(len(model.transformer.blocks))
    parts = {f"blocks.{k}.{name}.weight": 1 for k in blocks for name in ("out", "up", "down")}
    parts |= {f"blocks.{k}.qkv.weight": 3 for k in blocks}
    named = {name: weight for name, weight in model.transformer.named_parameters() if name in parts}
    inside = {id(weight) for weight in named.values()}
    others = [weight for weight in model.parameters() if weight.requires_grad and id(weight) not in inside]
    return Muon([(weight, parts[name]) for name, weight in named.items()], others, rate=rate)


def export(state: Path, folder: Path) -> None:
    """Write the role file `flow`."""
    role_file.write(folder, "flow", loop.averaged("flow", state))
