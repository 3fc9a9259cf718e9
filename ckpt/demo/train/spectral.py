"""How far two sounds are apart: in their samples, and in their spectra at several resolutions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

SIZES = (256, 512, 1024, 2048)
"""Lengths of the windows in samples; a quarter of one is the hop."""
FLOOR = 5e-5
"""Added to magnitudes before their logarithm; a full sine's is a half."""
_SIDE = 0.35
"""How much the difference between left and right counts beside their sum in the logarithms."""


@dataclass(frozen=True, slots=True)
class Distance:
    """Four ways of being apart, each 1 or so where one of the two is silent."""

    wave: Tensor
    """Of samples: mean |x - y| over mean |y|."""
    phase: Tensor
    """Of complex spectra: each partial counts by itself, and is to be in time."""
    linear: Tensor
    """Of magnitudes: the loudest partials count."""
    log: Tensor
    """Of magnitudes' logarithms (nepers): hiss, decays and pauses count."""


def distance(made: Tensor, true: Tensor, sizes: Sequence[int] = SIZES) -> Distance:
    """How far `made` is from `true`, both [B, 2, n]."""
    wave = (made - true).abs().mean() / (true.abs().mean() + 1e-4)
    ours, theirs = _mid_side(made), _mid_side(true)
    phase, linear, log = made.new_zeros(()), made.new_zeros(()), made.new_zeros(())
    weights = made.new_tensor((1 - _SIDE, _SIDE))[:, None, None]
    for size in sizes:
        mine, his = spectra(ours, size), spectra(theirs, size)
        one, other = magnitudes(mine), magnitudes(his)
        level = other.mean() + 1e-5
        phase = phase + magnitudes(mine - his).mean() / level
        linear = linear + (one - other).abs().mean() / level
        apart = ((one + FLOOR).log() - (other + FLOOR).log()).abs()
        log = log + (apart.view(-1, 2, *apart.shape[1:]) * weights).sum(1).mean()
    return Distance(wave, phase / len(sizes), linear / len(sizes), log / len(sizes))


def spectra(sound: Tensor, size: int) -> Tensor:
    """Complex spectra [N, size / 2 + 1, frames] of sound [N, n]; a full sine's magnitude is a half."""
    window = _window(size, sound.device)
    return (
        torch.stft(
            sound, size, size // 4, window=window, center=True, pad_mode="constant", return_complex=True
        )
        / window.sum()
    )


def magnitudes(spectra: Tensor) -> Tensor:
    """Magnitudes of complex values, with a gradient where there is nothing as well."""
    return (spectra.real.square() + spectra.imag.square() + 1e-12).sqrt()


def _mid_side(sound: Tensor) -> Tensor:
    left, right = sound.unbind(1)
    return torch.stack(((left + right) / 2, (left - right) / 2), dim=1).flatten(0, 1)


@cache
def _window(size: int, device: torch.device) -> Tensor:
    return torch.hann_window(size, device=device)
