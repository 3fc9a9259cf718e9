"""What LeVo's phases hand to each other: plain tensors with a fixed meaning, stored as safetensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from core.errors import SongdeskError
from core.tensors import load_tensors


@dataclass(frozen=True, slots=True)
class Conditions:
    """Phase 1's result: what the song is to be. Row 0 is conditioned, row 1 is the null condition."""

    lyric_ids: Tensor
    """int64 [2, lyric_length], padded."""
    structure: Tensor
    """int64 [2, lyric_length]: index of the section each lyric token belongs to, 0 for none."""
    style_ids: Tensor
    """int64 [2, style_length], padded."""
    prompt_codes: Tensor
    """int64 [3, n] of mix, vocal, backing; n = 0 without a reference."""
    prompt_latents: Tensor
    """float32 [3, P, latent] of mix, vocal, backing, un-normalised; P = 0 where no sound was brought."""

    def tensors(self) -> dict[str, Tensor]:
        """For storing."""
        return {name: getattr(self, name).contiguous() for name in _CONDITIONS}

    @staticmethod
    def load(path: Path) -> "Conditions":
        """Read from a file; SongdeskError when it is damaged or of another kind."""
        found = _load(path, _CONDITIONS)
        return Conditions(**{name: found[name] for name in _CONDITIONS})


@dataclass(frozen=True, slots=True)
class Tokens:
    """Phase 2's result: the song in codes."""

    codes: Tensor
    """int64 [3, T] at 25 Hz: mixed, vocal, backing; every value is a row of the codebook."""

    def tensors(self) -> dict[str, Tensor]:
        """For storing, at half the size."""
        return {"codes": self.codes.to(torch.int32).contiguous()}

    @staticmethod
    def load(path: Path) -> "Tokens":
        """Read from a file; SongdeskError when it is damaged or of another kind."""
        return Tokens(_load(path, _CODES)["codes"].to(torch.int64))


@dataclass(frozen=True, slots=True)
class Latents:
    """Phase 3's inner result: the song before it is decoded, by stem."""

    stems: Mapping[str, Tensor]
    """For `mix`, `vocal` or `backing` float32 [T, latent] at 25 Hz, un-normalised."""

    def tensors(self) -> dict[str, Tensor]:
        """For storing."""
        return {f"latents.{stem}": latents.contiguous() for stem, latents in self.stems.items()}


@dataclass(frozen=True, slots=True)
class Start:
    """What a song begins with that another one has made: codes, and latents as far as they are known."""

    codes: Tensor
    """int64 [3, n]."""
    stems: Mapping[str, Tensor]
    """By stem float32 [n, latent]; empty where the other song left no latents."""

    @staticmethod
    def load(path: Path) -> "Start":
        """Read from a file; SongdeskError when it is damaged or of another kind."""
        tensors = _load(path, _CODES)
        mark = "latents."
        stems = {name.removeprefix(mark): each for name, each in tensors.items() if name.startswith(mark)}
        return Start(tensors["codes"].to(torch.int64), stems)


_CONDITIONS = {"lyric_ids": 2, "structure": 2, "style_ids": 2, "prompt_codes": 2, "prompt_latents": 3}
_CODES = {"codes": 2}
"""By name how many axes a tensor has."""
_REAL = "prompt_latents"
"""The one that holds no whole numbers."""


def _load(path: Path, axes: Mapping[str, int]) -> Mapping[str, Tensor]:
    """Every tensor of a file, those named being of their kind."""
    if not path.is_file():
        raise SongdeskError("not here", where=str(path), hint="render the stage before it first")
    try:
        found = load_tensors(path)
    except SongdeskError as error:
        raise _odd(path) from error
    for name, count in axes.items():
        tensor = found.get(name)
        if tensor is None or tensor.ndim != count or tensor.is_floating_point() != (name == _REAL):
            raise _odd(path)
    return found


def _odd(path: Path) -> SongdeskError:
    return SongdeskError("damaged, or not what its name says", where=str(path), hint="render it again")
