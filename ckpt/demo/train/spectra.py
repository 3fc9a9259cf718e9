"""What the music encoders learn from: spectrograms of the pool's songs, cut and blurred."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.levo.conditions.frontend import MELS, Frontend, frontend_tables
from core.levo.conditions.listen import turned_down
from train import pool

COLUMNS = 4
"""Of a spectrogram for each frame."""
HEARD = (("vocal", "backing"), ("vocal",), ("backing",))
"""What each codebook's encoder hears."""
Spectrogram = npt.NDArray[np.float16]
"""[3, mels, 4 · frames]: mix, vocal, backing, as the front end gives them."""
_DEVIATION = 18.417922652295623
_FLOOR = (-100.0 - 6.768444971712967) / _DEVIATION
"""What silence is in a spectrogram."""


@dataclass(frozen=True, slots=True)
class Blur:
    """How much a crop is changed before it is heard; decibels."""

    quieter: float = 9.0
    louder: float = 3.0
    tilt: float = 6.0
    """Between the lowest band and the middle one."""
    leaks: float = 0.6
    """Share of stems in which something of the other stem is left."""
    leak: tuple[float, float] = (-30.0, -8.0)
    """Level of what is left."""


def front_end() -> Frontend:
    """The product's front end with its tables as the role files hold them, rounded to 16 bits."""
    front = Frontend()
    for name, table in frontend_tables().items():
        getattr(front, name).copy_(table.half())
    return front


def spectrogram_of(front: Frontend, stems: pool.Stems) -> Spectrogram:
    """What the front end makes of a song's three parts."""
    with torch.inference_mode():
        sounds = (turned_down(torch.from_numpy(pool.as_heard(stems, parts))) for parts in HEARD)
        heard = [front(sound[None])[0] for sound in sounds]
    found: Spectrogram = torch.stack(heard).numpy().astype(np.float16)
    return found


def keep(folder: Path, sounds: Path, seeds: list[int], *, workers: int = 0) -> None:
    """Write the spectrograms of a pool's songs that are not in `folder` yet, by `workers` processes if any.

    They are made on the processor, whose products are exact: a GPU would round them to TF32 as training does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in seeds if not _path(folder, seed).is_file()]
    write = partial(_write, folder, sounds)
    if not workers:
        for seed in missing:
            write(seed)
        return
    with ProcessPoolExecutor(
        workers, mp_context=get_context("fork"), initializer=torch.set_num_threads, initargs=(1,)
    ) as processes:
        for _ in processes.map(write, missing):
            pass


def _write(folder: Path, sounds: Path, seed: int) -> None:
    new = _path(folder, seed).with_suffix(".new")
    with new.open("wb") as file:
        np.save(file, spectrogram_of(front_end(), pool.stems_of(sounds, seed)))
    new.replace(_path(folder, seed))


def kept(folder: Path, seed: int) -> Spectrogram:
    """A song's spectrograms, mapped from the file."""
    found: Spectrogram = np.load(_path(folder, seed), mmap_mode="r")
    return found


def _path(folder: Path, seed: int) -> Path:
    return folder / f"{seed:07d}.npy"


def cut(
    song: Spectrogram, book: int, first: int, frames: int, blur: Blur, rng: np.random.Generator
) -> Tensor:
    """`frames` frames of what a codebook's encoder hears, [mels, 4 · frames], blurred."""
    columns = slice(COLUMNS * first, COLUMNS * (first + frames))
    heard = song[book, :, columns].astype(np.float32)
    if book and rng.random() < blur.leaks:
        left = song[3 - book, :, columns].astype(np.float32) + rng.uniform(*blur.leak) / _DEVIATION
        heard = _together(heard, left)
    bands = np.linspace(-1, 1, MELS, dtype=np.float32)[:, None]
    change = rng.uniform(-blur.quieter, blur.louder) + rng.uniform(-blur.tilt, blur.tilt) * bands
    return torch.from_numpy(np.maximum(heard + (change / _DEVIATION).astype(np.float32), np.float32(_FLOOR)))


def _together(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The level of two sounds that have nothing to do with each other, both in the front end's units."""
    scale = np.float32(np.log(10) / 10 * _DEVIATION)
    both: npt.NDArray[np.float32] = (np.logaddexp(one * scale, other * scale) / scale).astype(np.float32)
    return both
