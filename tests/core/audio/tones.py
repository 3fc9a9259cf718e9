"""Sounds to write, and the shortest way to write them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.audio.writer import AudioWriter, Depth, Format

Samples = npt.NDArray[np.float32]

KINDS: tuple[tuple[Format, Depth], ...] = (
    ("wav", "float"), ("wav", "24"), ("wav", "16"), ("flac", "float"), ("mp3", "float"),
)  # fmt: skip
"""Everything that can be written, each once."""


def tone(seconds: float = 0.5, *, level: float = 0.5) -> Samples:
    time_axis = np.arange(int(48_000 * seconds)) / 48_000
    left = np.sin(2 * np.pi * 440 * time_axis)
    right = np.sin(2 * np.pi * 660 * time_axis)
    return (level * np.stack([left, right])).astype(np.float32)


def noise(frames: int, *, level: float = 1.0, seed: int = 1) -> Samples:
    return np.random.default_rng(seed).uniform(-level, level, (2, frames)).astype(np.float32)


def between_samples(level: float, *, frames: int = 24_000) -> Samples:
    """A tone at a quarter of the sample rate that peaks at `level`, always midway between two samples."""
    wave = np.sin(np.pi / 2 * np.arange(frames) + np.pi / 4)
    fade = np.hanning(2 * 2000)[:2000]
    wave[:2000] *= fade
    wave[-2000:] *= fade[::-1]
    return (level * np.stack([wave, wave])).astype(np.float32)


def write(
    path: Path,
    samples: Samples,
    kind: Format,
    *,
    depth: Depth = "float",
    block: int = 5000,
    spool: Path | None = None,
) -> AudioWriter:
    with AudioWriter(path, format=kind, depth=depth, spool=spool) as writer:
        for start in range(0, samples.shape[1], block):
            writer.write(samples[:, start : start + block])
    return writer


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())
