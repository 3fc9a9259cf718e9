"""The token model: teacher-forced on codes by rule, two of its heads shown where in the text a song is."""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core.levo.shapes import TokenShapes
from core.levo.text import Tokenizers, demo_tokenizers
from core.paths import conf_file
from core.tensors import load_tensors
from train import role_file
from train.ahead import Ahead
from train.attention import Memory, embedded, helped, tables
from train.composed import summed, take
from train.config import Config, load
from train.drawing import Draw, example, keyed
from train.heads import Learner, Told, book_cost, ear_cost, echo_cost, facts_cost, kept_cost, place_cost
from train.loop import Figures, Plan, averaged, run
from train.muon import Muon
from train.rows import Batch, batched, laid_out
from train.slips import slipped

_NAME = "tokens"
_EAR = 1
"""The layer whose states must tell how the text sounds."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What of the token model's training can be set."""

    plan: Plan
    begin: str = ""
    """A role file whose weights the first step begins with, such as what is shipped; empty: drawn ones."""
    halved: bool = True
    """Whether matrices are multiplied in bfloat16, which a processor that has that is quicker at."""
    batch: int = 6
    shortest: float = 7.0
    longest: tuple[float, ...] = (14.0, 24.0, 40.0)
    """Seconds of songs: the longest ones at the beginning, in the middle and at the end of the run."""
    stride: int = 8
    """Of so many padding positions one is computed, and counts as so many."""
    whole: float = 0.04
    """Share of steps in which every padding position is computed."""
    deep_every: int = 2
    """Of so many steps one trains sub too."""
    guided: tuple[int, ...] = (2, 4)
    """Main's layers of which one head is shown the text that is told next."""
    guide: float = 0.3
    guide_end: float = 0.05
    """Weight of that at the beginning and at the end."""
    recalling: dict[str, list[int]] = field(default_factory=dict)
    """Main's layer and head that are shown where each of `drawing.RECALLED` was told."""
    recall: float = 0.3
    """Weight of that."""
    turns: float = 1.0
    """How many times sections, bars, chords and such count, of which each song has few."""
    slips: float = 0.0
    """Share of syllables and pitches that the song so far has wrong: see `slips`."""
    ear: float = 0.2
    """Weight of telling sounds from the text's own positions."""
    helped: tuple[int, int] = (0, 1700)
    """Steps from and to which attention gets less and less help: see `attention.helped`."""
    kept: float = 0.1
    """Weight of telling the last sound, pitch and chord from the states that sub reads."""
    facts: float = 0.3
    """Weight of telling from the song's first columns what the description asks for."""
    places: float = 0.2
    """Weight of telling from the text's own positions which line a syllable is in, and where."""
    echo: float = 0.2
    """Weight of telling the sounds before, from those and from the song's."""
    draw: Draw = field(default_factory=Draw)


def train(config: Config, state: Path) -> None:
    """Train up to the plan's steps."""
    settings, shapes = config.part(_NAME, Settings), config.shapes.tokens
    words = demo_tokenizers(conf_file("demo-tokenizer.json"), "v2")
    learner = begun(shapes, config.seed)
    if settings.begin:
        take(learner.model, load_tensors(Path(settings.begin)))
    where = torch.device(config.device)
    learner.to(where)
    lessons = Ahead(
        lambda step: drawn(config.seed, step, shapes, words, settings),
        device=config.device, workers=config.workers,
    )  # fmt: skip

    def loss_of(step: int) -> tuple[Tensor, Figures]:
        batch = lessons(step)
        done = step / settings.plan.steps
        guide = settings.guide_end + (settings.guide - settings.guide_end) * max(0.0, 1 - 2 * done)
        deep = step % settings.deep_every == 0
        with torch.autocast(where.type, torch.bfloat16, enabled=settings.halved):
            return loss(learner, batch, settings, guide=guide, help_=_left(step, settings), deep=deep)

    run(_NAME, learner, loss_of, settings.plan, state, by=_optimiser(learner, settings.plan.rate))


def export(state: Path, folder: Path) -> None:
    """Write the role file: the average of the product's weights."""
    role_file.write(folder, _NAME, product_weights(state))


def product_weights(state: Path) -> dict[str, Tensor]:
    """The average of the product's part of the weights, by the product's keys."""
    learner = Learner(load().shapes.tokens)
    learner.load_state_dict(averaged(_NAME, state))
    return summed(learner.model)


def begun(shapes: TokenShapes, seed: int) -> Learner:
    """The weights that training begins from: small, and what is added to a layer's input smaller."""
    learner = Learner(shapes)
    source = torch.Generator().manual_seed(seed)
    depth = math.sqrt(2 * (shapes.main_layers + shapes.sub_layers))
    for name, weight in learner.named_parameters():
        if weight.ndim < 2:
            nn.init.zeros_(weight) if "norm" not in name else nn.init.ones_(weight)
            continue
        is_head = any(
            part in name for part in ("lm_head", "linears", "ear.", "echo.", "facts.", "kept.", "place.")
        )
        deviation = 0.02 if is_head else 0.05
        if name.endswith(".common"):
            deviation = 0.0 if is_head else 0.1
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            deviation /= depth
        nn.init.normal_(weight, std=deviation, generator=source)
    return learner


def _optimiser(learner: Learner, rate: float) -> Muon:
    """Matrices inside the transformers by their parts, everything else by Adam."""
    named = dict(learner.named_parameters())
    inside = {name: weight for name, weight in named.items() if ".layers." in name and weight.ndim > 1}
    parts = {"fused_qkv_proj": 3, "fused_gate_up_proj": 2}
    chosen = [(weight, parts.get(name.split(".")[-2], 1)) for name, weight in inside.items()]
    others = [weight for name, weight in named.items() if name not in inside]
    return Muon(chosen, others, rate=rate)


def drawn(seed: int, step: int, shapes: TokenShapes, words: Tokenizers, settings: Settings) -> Batch:
    """The batch of a step: songs of about one length, shorter ones more often."""
    rng = keyed(seed, step)
    done = min(1.0, step / settings.plan.steps)
    at = done * (len(settings.longest) - 1)
    longest = float(np.interp(at, range(len(settings.longest)), settings.longest))
    seconds = settings.shortest * (longest / settings.shortest) ** float(rng.random())
    prompted = bool(rng.random() < settings.draw.prompted)
    stride = 1 if rng.random() < settings.whole else settings.stride
    count = max(1, round(settings.batch * min(1.0, 16.0 / seconds)))
    rows = [
        example(rng, shapes, words, settings.draw, seconds=seconds, prompted=prompted) for _ in range(count)
    ]
    batch = batched(rows, shapes, laid_out(rows, shapes, stride=stride))
    return replace(batch, columns=slipped(batch.columns, rng, settings.slips)) if settings.slips else batch


def loss(
    learner: Learner, batch: Batch, settings: Settings, *, guide: float, help_: float = 0.0, deep: bool = True
) -> tuple[Tensor, Told]:
    """What one batch costs, and figures on it."""
    model = learner.model
    ropes, plain = tables(model.shapes, batch.layout)
    bias = helped(plain, batch, model.shapes, help_)
    heard: list[Tensor] = []
    hook = model.transformer.model.layers[_EAR].register_forward_hook(lambda *told: heard.append(told[2]))
    memory = Memory(bias, batch, settings.guided, settings.recalling)
    prefix = embedded(model, batch)
    books = batch.columns
    above = torch.cat((prefix[0], model.emb[0](books[:, 0])), dim=1)
    states = model.main(above, ropes[0], memory)
    hook.remove()
    count = books.shape[-1]
    told: Told = {}
    parts = [book_cost(model, 0, states[:, -count:], batch, told, turns=settings.turns)]
    if deep:
        below = model.layer2_emb["1"](books[:, 1]) + model.layer2_emb["2"](books[:, 2])
        under = model.sub(torch.cat((prefix[1], below), dim=1), states, ropes[1], Memory(bias))
        parts += [0.5 * book_cost(model, book, under[:, -count:], batch, told) for book in (1, 2)]
    miss = torch.stack([missed.mean() if missed.numel() else missed.sum() for missed in memory.missed])
    told |= {f"guided_{at}": one.exp() for at, one in enumerate(-miss.detach())}
    whole = torch.stack(parts).sum() + guide * miss.mean()
    for name, lost in memory.forgotten.items():
        if len(lost):
            whole = whole + settings.recall * lost.mean()
            told[f"recalled_{name}"] = (-lost.detach().mean()).exp()
    whole = whole + settings.ear * ear_cost(learner, heard[0], batch, told)
    whole = whole + settings.kept * kept_cost(learner, states[:, -count:], batch, told)
    whole = whole + settings.facts * facts_cost(learner, heard[0], batch, told)
    whole = whole + settings.places * place_cost(learner, heard[0], batch, told)
    whole = whole + settings.echo * echo_cost(learner, heard[0], batch, told)
    return whole, told


def _left(step: int, settings: Settings) -> float:
    """The share of the help that is left."""
    first, last = settings.helped
    return min(1.0, max(0.0, (last - step) / max(1, last - first)))
