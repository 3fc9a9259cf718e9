"""Trained weights as the product reads them: one safetensors file a role, rounded to 16 bits."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from core.errors import SongdeskError
from core.tensors import save_tensors


def write(folder: Path, role: str, weights: Mapping[str, Tensor]) -> Path:
    """Write `role`.safetensors whole or not at all; floating tensors as float16.

    Raises SongdeskError for weights that are not finite in 16 bits.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rounded = {key: _half(value, f"{role}: {key}") for key, value in weights.items()}
    path = folder / f"{role}.safetensors"
    save_tensors(path, rounded, {"licence": "Apache-2.0"})
    return path


def _half(value: Tensor, name: str) -> Tensor:
    if not value.is_floating_point():
        return value.contiguous()
    half = value.detach().to(torch.float16)
    if not half.isfinite().all():
        raise SongdeskError("not finite in 16 bits", where=name, hint="train it anew at a lower rate")
    return half.contiguous()
