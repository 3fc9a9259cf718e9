"""Rendered songs on the disk, for what learns from sound: one file of int16 stems per song."""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corpus.render import render
from corpus.song import Song, compose
from train.config import Config

VALIDATION = 1_000_000
"""Songs from this seed on are never trained on."""
FULL = 32767
"""What 1.0 is in a file."""
Stems = npt.NDArray[np.int16]
"""[4, n] at 48 kHz: vocal left and right, backing left and right; mapped from the file, not read."""
_ROWS = {"vocal": slice(0, 2), "backing": slice(2, 4)}
_SHORTEST, _SPREAD = 22, 9


@dataclass(frozen=True)
class Settings:
    """How many songs there are."""

    songs: int = 260
    kept_out: int = 16


def train(config: Config, state: Path) -> None:
    """Render the songs that are not in `state/pool` yet, those that are kept out first."""
    mine = config.part("pool", Settings)
    seeds = [*range(VALIDATION, VALIDATION + mine.kept_out), *range(mine.songs)]
    if not config.workers:
        fill(state / "pool", seeds)
        return
    with ProcessPoolExecutor(config.workers, mp_context=get_context("fork")) as processes:
        for _ in processes.map(partial(_alone, state / "pool"), seeds):
            pass


def song_of(seed: int) -> Song:
    """The facts of a pool's song: some 22 to 30 s, as its seed wants it."""
    return compose(seed, seconds=float(_SHORTEST + seed % _SPREAD))


def fill(folder: Path, seeds: Iterable[int]) -> None:
    """Render what is not there yet; several processes may fill one pool from different ends."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        path = _path(folder, seed)
        if path.is_file():
            continue
        sound = render(song_of(seed))
        both = np.concatenate((sound.vocal, sound.backing))
        new = path.with_suffix(f".{os.getpid()}.new")
        with new.open("wb") as file:
            np.save(file, np.rint(np.clip(both, -1, 1) * FULL).astype(np.int16))
        new.replace(path)


def _alone(folder: Path, seed: int) -> None:
    fill(folder, (seed,))


def seeds_in(folder: Path, *, validation: bool = False) -> list[int]:
    """Seeds of the songs that are there, in order: those to train on, or those that are kept out."""
    found = sorted(int(path.stem) for path in folder.glob("*.npy"))
    return [seed for seed in found if (seed >= VALIDATION) == validation]


def stems_of(folder: Path, seed: int) -> Stems:
    """The sound of a song that is there."""
    stems: Stems = np.load(_path(folder, seed), mmap_mode="r")
    return stems


def as_heard(stems: Stems, parts: Sequence[str] = ("vocal", "backing")) -> npt.NDArray[np.float32]:
    """What of int16 stems [4, n] the named parts sound like together: float32 [2, n]."""
    heard = np.zeros((2, stems.shape[1]), dtype=np.float32)
    for part, rows in _ROWS.items():
        if part in parts:
            heard += stems[rows]
    heard /= np.float32(FULL)
    return heard


def _path(folder: Path, seed: int) -> Path:
    return folder / f"{seed:07d}.npy"
