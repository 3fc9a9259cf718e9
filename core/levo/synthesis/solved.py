"""Windows that were solved before, each under all that it is made of: what does not fit is not found."""

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from core.levo.synthesis.windows import Window
from core.tensors import read_tensors, save_tensors


class Solved:
    """Keeps the latents of windows in a file, which may be gone, damaged, or of another song."""

    def __init__(self, path: Path, about: str) -> None:
        """`about` tells of all that every window is made with, such as weights and the kind of device."""
        self._path, self._about = path, about
        self._found = read_tensors(path) or {}
        self._used: dict[str, Tensor] = {}

    def key(self, window: Window, *tensors: Tensor, way: str) -> str:
        """What tells a window from every other one: its place, what it is made of, and how it is solved."""
        digest = hashlib.sha256(f"{self._about} {way} {window}".encode())
        for tensor in tensors:
            digest.update(f" {tuple(tensor.shape)} {tensor.dtype} ".encode())
            digest.update(tensor.contiguous().cpu().numpy().tobytes())
        return digest.hexdigest()

    def find(self, key: str, *shape: int) -> Tensor | None:
        """The latents of a window, on the host; None where they are not known."""
        found = self._found.get(key)
        if found is None or found.shape != shape or found.dtype != torch.float32:
            return None
        self._used[key] = found
        return found

    def keep(self, key: str, latents: Tensor) -> None:
        """Add the latents [T, latent] of a window, and bring to disk what was found or added so far.

        Raises SongdeskError when the disk refuses.
        """
        self._used[key] = latents.cpu().contiguous()
        save_tensors(self._path, self._used, {})
