"""The music encoders: classifiers of sound towards the codes that a song has by rule."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import SongdeskError
from core.levo.conditions.codes import MixEncoder, StemEncoder
from core.levo.conditions.encoder import Convolution, MusicEncoder, Scale, Subsampling, encoder_tables
from core.levo.shapes import ENCODER_FRAMES, REFERENCE_FRAMES, EncoderShapes, Shapes
from corpus.rng import stream
from train import audition, pool, role_file, spectra
from train.ahead import Ahead
from train.codes import Codes, codes_of
from train.config import Config
from train.loop import Figures, Plan, averaged, run
from train.meanings import Meanings
from train.spectra import Blur
from train.symbols import BOOKS

ROLES: Mapping[str, tuple[str, ...]] = {"stem_encoder": ("vocal", "backing"), "mix_encoder": ("mix",)}
"""By role the quantizers in it."""
_BOOK = {"mix": 0, "vocal": 1, "backing": 2}
_TEMPERATURE = 6.0
"""What cosines are multiplied by before the first step; learned from there."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What of the encoders' training can be set."""

    mix_encoder: Plan
    stem_encoder: Plan
    batch: int = 8
    frames: int = 150
    whole: float = 0.1
    """Share of steps that hear references repeated to fill 40 s, as the product does it, and so fewer."""
    smoothing: float = 0.02
    holds: float = 0.5
    """Weight of frames of codebook 0 in which nothing begins."""
    blur: Blur = field(default_factory=Blur)
    songs: int = 100_000
    """Of the pool that are used at most."""
    judged: int = 16


@dataclass(frozen=True, slots=True)
class Lesson:
    """One codebook's crops: spectrograms [B, mels, 4 · F] and codes [B, F]."""

    sound: Tensor
    codes: Tensor


class Pupil(nn.Module):
    """An encoder of the product, with what only training needs: rows by meaning, and temperatures."""

    def __init__(self, role: str, shapes: Shapes) -> None:
        super().__init__()
        build = MixEncoder if role == "mix_encoder" else StemEncoder
        self.network = build(shapes.encoder, shapes.quantizer)
        self.rows = nn.ModuleDict(
            {name: Meanings(_BOOK[name], shapes.quantizer.code_width) for name in ROLES[role]}
        )
        self.heats = nn.ParameterDict({name: torch.tensor(math.log(_TEMPERATURE)) for name in ROLES[role]})
        self.taps = taps(shapes.encoder)
        _begin(self.network)

    def forward(self, sound: Tensor, name: str) -> Tensor:
        """Logits [B, F, symbols] of spectrograms [B, mels, 4 · F] in one codebook."""
        encoder, quantizer = self.network.encoder, getattr(self.network, name)
        features = encoder.taps(encoder.subsampling(sound), self.taps[name])[-1]
        cosines = F.normalize(quantizer.enter(features), dim=-1) @ self.rows[name]().T
        logits: Tensor = cosines * self.heats[name].exp()
        return logits


def train(config: Config, state: Path) -> None:
    """Train both encoders up to their plans' steps and tell what they hear of kept-out songs."""
    settings = config.part("ears", Settings)
    sounds, folder = state / "pool", state / "spectra"
    seeds = pool.seeds_in(sounds)[: settings.songs]
    if not seeds:
        raise SongdeskError("there are no songs", where=str(sounds), hint="run the part pool first")
    spectra.keep(folder, sounds, seeds, workers=config.workers)
    truth = {seed: codes_of(pool.song_of(seed)) for seed in seeds}
    for role in ROLES:
        _train(role, config, settings, state, truth)
    judged = pool.seeds_in(sounds, validation=True)[: settings.judged]
    audition.report(state, built(state, config.shapes), config.shapes, judged)


def export(state: Path, folder: Path) -> None:
    """Write both role files."""
    for role in ROLES:
        role_file.write(folder, role, weights_of(role, averaged(role, state)))


def weights_of(role: str, learned: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A role file's tensors from a pupil's: rows written out, and the tables that are not learned."""
    weights = {
        key.removeprefix("network."): value for key, value in learned.items() if key.startswith("network.")
    }
    for name in ROLES[role]:
        book = f"{name}.codebook.weight"
        rows = Meanings(_BOOK[name], weights[book].shape[1])
        rows.load_state_dict({"vectors.weight": learned[f"rows.{name}.vectors.weight"]})
        weights[book] = rows.table(len(weights[book]))
    tables = encoder_tables(2 * len(weights["encoder.frequencies"]))
    return {**weights, **{f"encoder.{key}": table for key, table in tables.items()}}


def built(state: Path, shapes: Shapes) -> dict[str, MixEncoder | StemEncoder]:
    """Both encoders by role with the averages of their weights, rounded as they are shipped."""
    found: dict[str, MixEncoder | StemEncoder] = {}
    for role in ROLES:
        network = Pupil(role, shapes).network
        weights = weights_of(role, averaged(role, state))
        network.load_state_dict({key: value.half().float() for key, value in weights.items()})
        found[role] = network.eval()
    return found


def taps(shapes: EncoderShapes) -> dict[str, int]:
    """Blocks before each quantizer."""
    return {"mix": shapes.mix_tap, "vocal": shapes.vocal_tap, "backing": shapes.backing_tap}


def lesson(
    name: str, folder: Path, truth: Mapping[int, Codes], settings: Settings, rng: np.random.Generator
) -> Lesson:
    """Crops of one codebook; now and then as references fill the product's window, about as much in all."""
    book, seeds = _BOOK[name], sorted(truth)
    is_whole = rng.random() < settings.whole
    frames = REFERENCE_FRAMES if is_whole else settings.frames
    count = max(1, settings.batch * settings.frames // ENCODER_FRAMES) if is_whole else settings.batch
    sounds, codes = [], []
    for _ in range(count):
        seed = int(rng.choice(seeds))
        true = truth[seed][book]
        first = int(rng.integers(max(1, len(true) - frames)))
        sounds.append(spectra.cut(spectra.kept(folder, seed), book, first, frames, settings.blur, rng))
        codes.append(torch.from_numpy(true[first : first + frames].astype(np.int64)))
    times = ENCODER_FRAMES // REFERENCE_FRAMES if is_whole else 1
    return Lesson(torch.stack(sounds).repeat(1, 1, times), torch.stack(codes).repeat(1, times))


def loss_of(pupil: Pupil, name: str, given: Lesson, settings: Settings) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross entropy of a lesson, and the share of frames that are right."""
    logits = pupil(given.sound, name)
    counted = [settings.holds if symbol[0] == "hold" else 1.0 for symbol in BOOKS[_BOOK[name]]]
    weights = torch.tensor(counted, device=logits.device)
    loss = F.cross_entropy(
        logits.flatten(0, 1), given.codes.flatten(), weights, label_smoothing=settings.smoothing
    )
    right = (logits.argmax(-1) == given.codes).float().mean()
    return loss, {name: loss.detach(), f"{name}_right": right}


def _train(role: str, config: Config, settings: Settings, state: Path, truth: Mapping[int, Codes]) -> None:
    pupil = begun(role, config, state).to(config.device)

    def made(step: int) -> tuple[Lesson, ...]:
        streams = {name: stream(config.seed, f"ears/{name}/{step}") for name in ROLES[role]}
        return tuple(lesson(name, state / "spectra", truth, settings, rng) for name, rng in streams.items())

    lessons = Ahead(made, device=config.device, workers=config.workers)

    def loss(step: int) -> tuple[Tensor, Figures]:
        given = zip(ROLES[role], lessons(step), strict=True)
        costs, figures = zip(*(loss_of(pupil, name, one, settings) for name, one in given), strict=True)
        return torch.stack(costs).sum(), {key: value for some in figures for key, value in some.items()}

    plan = settings.mix_encoder if role == "mix_encoder" else settings.stem_encoder
    run(role, pupil, loss, plan, state)


def begun(role: str, config: Config, state: Path) -> Pupil:
    """A pupil before its first step; what hears mixes begins with what the other has learned of stems."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        pupil = Pupil(role, config.shapes)
    if role != "stem_encoder" and (state / "stem_encoder.pt").is_file():
        learned, own = averaged("stem_encoder", state), pupil.state_dict()
        shared = {key: value for key, value in learned.items() if key in own and ".encoder." in key}
        pupil.load_state_dict({**own, **shared})
    return pupil


def _begin(network: nn.Module) -> None:
    """Values for all that torch leaves empty, and convolutions that keep the spectrogram's spread."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if isinstance(module, Subsampling):
            nn.init.xavier_normal_(module.project.weight)
        if isinstance(module, Scale):
            nn.init.ones_(module.factor)
            nn.init.zeros_(module.offset)
        if isinstance(module, Convolution):
            nn.init.constant_(module.scale.factor, 3.0)  # a convolution over one channel shrinks it as much
        if isinstance(module, MusicEncoder):
            module.use_exact_tables()
