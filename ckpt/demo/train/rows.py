"""Examples side by side as tensors, and which positions before the song are computed."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.levo.shapes import CODEBOOKS, TokenShapes
from core.levo.tokens.pattern import build
from train.drawing import RECALLED, Example

_IGNORED = -1


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions that are computed: those with something to read, and a share of the padding.

    All padding of one row looks alike, so a few of its positions stand for the others by counting more.
    """

    lyric: Tensor
    prompt: Tensor
    style: Tensor
    """Positions int64 within each part of the prefix."""
    places: Tensor
    """Positions of the whole sequence, int64 [N]."""
    weights: Tensor
    """How many positions each stands for, [N]."""


@dataclass(frozen=True, slots=True)
class Batch:
    """B rows; those that are shorter than the longest are filled with specials and not asked for."""

    layout: Layout
    text: int
    """Lyric positions that are computed one by one, from the first."""
    lyric: Tensor
    structure: Tensor
    style: Tensor
    """int64 [B, full length]."""
    slots: Tensor
    """The prompt as the product's table reads it, int64 [B, 3, frames + 1]."""
    columns: Tensor
    """What is fed, int64 [B, 3, S]."""
    targets: Tensor
    """What comes in the next column, int64 [B, 3, S]; -1 where nothing is asked."""
    spans: Tensor
    """First and last lyric position of what is told next, int64 [B, S', 2]; -1 for none."""
    sounds: Tensor
    """Row, lyric position and code of each syllable, the codes of the two before it, its line and its place
    in that, int64 [M, 7]."""
    facts: Tensor
    """What each description asks for, int64 [B, facts]; -1 where it does not."""
    before: Tensor
    """What was last told before each frame, as `Example.before` has it, int64 [B, S', 4]."""
    recalls: Tensor
    """The columns of what is to be thought of before each frame, int64 [B, S', RECALLED]; -1 for none."""


def laid_out(rows: Sequence[Example], shapes: TokenShapes, *, stride: int) -> Layout:
    """Every position with something to read in any row, and each `stride`th of the others."""
    text, styled = (max(row.read[part] for row in rows) for part in (0, 1))
    slots = 1 + max(2 * bool(row.prompt.size) + row.prompt.shape[1] for row in rows)
    parts = [
        _thinned(text, shapes.lyric_length, stride),
        _thinned(min(slots, shapes.prompt_length), shapes.prompt_length, stride),
        _thinned(styled, shapes.style_length, stride),
    ]
    starts = (0, shapes.lyric_length, shapes.lyric_length + shapes.prompt_length)
    columns = torch.arange(max(row.codes.shape[1] for row in rows) + max(shapes.delays))
    places = [*(start + at for start, (at, _) in zip(starts, parts, strict=True)), shapes.prefix + columns]
    weights = [*(weight for _, weight in parts), torch.ones(len(columns))]
    lyric, prompt, style = (at for at, _ in parts)
    return Layout(lyric, prompt, style, torch.cat(places), torch.cat(weights))


def _thinned(read: int, length: int, stride: int) -> tuple[Tensor, Tensor]:
    """The first `read` positions and some of those behind, and how many each stands for."""
    rest = torch.arange(read, length, stride)
    counts = torch.full((len(rest),), float(stride))
    if len(rest):
        counts[-1] = length - int(rest[-1])
    return torch.cat((torch.arange(read), rest)), torch.cat((torch.ones(read), counts))


def batched(rows: Sequence[Example], shapes: TokenShapes, layout: Layout) -> Batch:
    """The tensors of some examples."""
    frames = max(row.codes.shape[1] for row in rows)
    pairs = [_columns(row, shapes, frames) for row in rows]
    spans = torch.full((len(rows), frames + 1, 2), _IGNORED)
    before = torch.full((len(rows), frames + 1, 4), _IGNORED)
    recalls = torch.full((len(rows), frames + 1, len(RECALLED)), _IGNORED)
    for at, row in enumerate(rows):
        before[at, : len(row.before)] = torch.from_numpy(row.before)
        spans[at, : len(row.spans)] = torch.from_numpy(row.spans)
        recalled = torch.from_numpy(row.recalls)
        recalls[at, : len(recalled)] = torch.where(
            recalled >= 0, recalled + 1, _IGNORED
        )  # column 0 is no frame
    sounds = [(at, *pair) for at, row in enumerate(rows) for pair in row.sounds.tolist()]
    return Batch(
        layout=layout,
        text=max(row.read[0] for row in rows),
        lyric=torch.tensor([row.lyric.ids for row in rows]),
        structure=torch.tensor([row.lyric.structure for row in rows]),
        style=torch.tensor([row.style.ids for row in rows]),
        slots=torch.stack([_slots(row, shapes) for row in rows]),
        columns=torch.stack([fed for fed, _ in pairs]),
        targets=torch.stack([wanted for _, wanted in pairs]),
        spans=spans,
        sounds=torch.tensor(sounds, dtype=torch.int64).reshape(-1, 7),
        facts=torch.tensor([row.facts for row in rows]),
        before=before,
        recalls=recalls,
    )


def _slots(row: Example, shapes: TokenShapes) -> Tensor:
    slots = torch.full((CODEBOOKS, shapes.prompt_frames + 1), shapes.special)
    if row.prompt.size:
        slots[:, 0] = shapes.eos
        slots[:, 1 : row.prompt.shape[1] + 1] = torch.from_numpy(row.prompt).long()
    return slots


def _columns(row: Example, shapes: TokenShapes, frames: int) -> tuple[Tensor, Tensor]:
    """Columns as the product feeds them, the end of the song behind its last frame, and what follows each."""
    own, late = row.codes.shape[1], max(shapes.delays)
    laid = build(torch.from_numpy(row.codes).long(), shapes.delays, shapes.special)
    laid[0, 1 + own] = shapes.eos
    asked = torch.zeros(laid.shape, dtype=torch.bool)
    for book, delay in enumerate(shapes.delays):
        asked[book, 1 + delay : 1 + delay + own + (book == 0)] = True
    fed = torch.full((CODEBOOKS, frames + late), shapes.special)
    wanted = torch.full((CODEBOOKS, frames + late), _IGNORED)
    fed[:, : own + late] = laid[:, :-1]
    wanted[:, : own + late] = laid.masked_fill(~asked, _IGNORED)[:, 1:]
    return fed, wanted
