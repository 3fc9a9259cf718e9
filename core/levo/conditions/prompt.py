"""What a song is led by: codes of ten seconds of music, and where it was heard, its latents."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from core.levo.shapes import STEMS
from core.tensors import metadata_of, read_tensors, save_tensors


@dataclass(frozen=True, slots=True)
class Prompt:
    """A reference as the models read it; both tensors are empty without one."""

    codes: Tensor
    """int64 [3, n] of mix, vocal, backing."""
    latents: Tensor
    """float32 [3, P, latent] of mix, vocal, backing; P = 0 where only codes are known."""
    notes: tuple[str, ...] = ()
    """What a person should know of how it was made."""


def no_prompt(latent: int) -> Prompt:
    """Nothing to be led by."""
    return Prompt(torch.empty(len(STEMS), 0, dtype=torch.int64), torch.empty(len(STEMS), 0, latent))


def save_prompt(path: Path, prompt: Prompt, metadata: Mapping[str, str]) -> None:
    """Keep a prompt for later; SongdeskError when the folder cannot be written."""
    tensors = {"codes": prompt.codes.cpu(), "latents": prompt.latents.cpu()}
    save_tensors(path, tensors, {**metadata, "notes": "\n".join(prompt.notes)})


def load_prompt(path: Path) -> Prompt | None:
    """A kept prompt; None where there is none that can be read."""
    tensors = read_tensors(path)
    if tensors is None or set(tensors) != {"codes", "latents"}:
        return None
    notes = metadata_of(path).get("notes", "")
    return Prompt(tensors["codes"], tensors["latents"], tuple(notes.split("\n")) if notes else ())
