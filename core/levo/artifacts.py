"""What LeVo's phases hand to each other: plain tensors with a fixed meaning, stored as safetensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from core.errors import SongdeskError


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
        return Conditions(**_load(path, _CONDITIONS))


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
        return Tokens(_load(path, ("codes",))["codes"].to(torch.int64))


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
        _load(path, ("codes",))
        tensors = load_file(path)
        mark = "latents."
        stems = {name.removeprefix(mark): each for name, each in tensors.items() if name.startswith(mark)}
        return Start(tensors["codes"].to(torch.int64), stems)


_CONDITIONS = ("lyric_ids", "structure", "style_ids", "prompt_codes", "prompt_latents")


def _load(path: Path, names: tuple[str, ...]) -> Mapping[str, Tensor]:
    try:
        tensors = load_file(path)
        return {name: tensors[name] for name in names}
    except FileNotFoundError:
        raise SongdeskError("not here", where=str(path), hint="render the stage before it first") from None
    except (SafetensorError, KeyError, OSError) as error:
        raise SongdeskError(
            "damaged, or not what its name says", where=str(path), hint="render it again"
        ) from error
