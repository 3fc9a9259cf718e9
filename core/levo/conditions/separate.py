"""Vocal and backing of a mix, by Demucs."""

import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import torch
from demucs.apply import TensorChunk, apply_model
from demucs.htdemucs import HTDemucs
from torch import Tensor

from core.levo.conditions.recording import resampled
from core.levo.shapes import SAMPLE_RATE, SeparatorShapes
from core.levo.weights import load_module

SOURCES = ["drums", "bass", "other", "vocals"]
SHIFTS = 22_050
"""Samples by which the mix can be moved before it is cut into segments: half a second at 44.1 kHz."""
_RATE = 44_100
_OVERLAP = 0.25


def separator(shapes: SeparatorShapes) -> HTDemucs:
    """The network; its state dict, as published, is the role file `separator` (levo-audio spec §7)."""
    network: HTDemucs = HTDemucs(
        sources=SOURCES,
        segment=Fraction(39, 5),
        dconv_mode=3,
        channels=shapes.channels,
        bottom_channels=shapes.bottom_channels,
        t_layers=shapes.layers,
        t_heads=shapes.heads,
        emb_smooth=False,  # these two are how training begins
        rescale=0,
    )
    return network


def load_separator(shapes: SeparatorShapes, path: Path, device: torch.device) -> HTDemucs:
    """The network with its weights; SongdeskError when they do not fit."""
    return load_module(lambda: separator(shapes), path, device, dtype=torch.float32)


def vocal_of(
    network: HTDemucs,
    mix: Tensor,
    *,
    shift: int,
    raw: bool = False,
    tick: Callable[[], None] = lambda: None,
) -> Tensor:
    """The vocal [2, n] of a mix [2, n] at 48 kHz; the rest of the mix is its backing.

    The mix begins SHIFTS - `shift` samples into silence: where it is cut into segments moves with it. The
    network expects 44.1 kHz; `raw` gives it 48 kHz as the 16 GB fork does. `tick` is called after a segment.
    """
    sound = mix if raw else resampled(mix, SAMPLE_RATE, _RATE)
    vocal = separated(network, sound, shift=shift, tick=tick)[SOURCES.index("vocals")]
    return vocal if raw else resampled(vocal, _RATE, SAMPLE_RATE)[:, : mix.shape[1]]


def separated(network: HTDemucs, sound: Tensor, *, shift: int, tick: Callable[[], None]) -> Tensor:
    """Every source [4, 2, n] of sound [2, n] at the network's rate.

    Demucs would draw the shift from Python's global generator; here it is given, and what it draws from
    there besides, always a zero, is put back.
    """

    def heard(event: Mapping[str, object]) -> None:
        if event.get("state") == "end":
            tick()

    length = sound.shape[1]
    padded = torch.nn.functional.pad(sound[None], (SHIFTS, SHIFTS))
    begun = TensorChunk(padded, shift, length + SHIFTS - shift)  # type: ignore[no-untyped-call]
    before = random.getstate()
    try:
        sources: Tensor = apply_model(network, begun, shifts=0, overlap=_OVERLAP, callback=heard)
    finally:
        random.setstate(before)
    return sources[0, ..., SHIFTS - shift :]
