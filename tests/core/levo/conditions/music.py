"""Recordings to be led by, made of tones and noise, and what the ear tells of a sound."""

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import torch
from torch import Tensor

RATE = 48_000
SUBTYPES = {".wav": "FLOAT", ".flac": "PCM_24", ".mp3": "MPEG_LAYER_III", ".ogg": "VORBIS"}

Samples = npt.NDArray[np.float64]
"""Float [n, channels]."""


def tones(seconds: float, *hertz: float, rate: int = RATE, level: float = 0.3) -> Samples:
    """A sine a channel."""
    time_axis = np.arange(round(seconds * rate)) / rate
    return np.stack([level * np.sin(2 * np.pi * each * time_axis) for each in hertz], axis=1)


@cache
def music(seconds: float, *, seed: int = 1, level: float = 0.3, rate: int = RATE) -> Samples:
    """Stereo that is other notes and other noise every second; it peaks at `level`. Not to be written to."""
    draw = np.random.default_rng(seed)
    pieces = []
    for _ in range(int(seconds) + 1):
        low, high = (
            tones(1, *draw.uniform(80, 900, 2), rate=rate),
            tones(1, *draw.uniform(900, 8000, 2), rate=rate),
        )
        pieces.append(low + high + 0.3 * draw.standard_normal((rate, 2)) * draw.uniform(0, 1))
    sound = np.concatenate(pieces)[: round(seconds * rate)]
    loud: Samples = sound * (level / np.abs(sound).max())
    loud.flags.writeable = False
    return loud


def save(path: Path, samples: Samples, rate: int = RATE) -> Path:
    """Write a sound in the format its name ends with."""
    kind = path.suffix[1:].upper()
    soundfile.write(path, samples, rate, format=kind, subtype=SUBTYPES[path.suffix])
    return path


def save_with_stems(path: Path, vocal: Samples, backing: Samples) -> Path:
    """Write a recording whose stems lie beside it."""
    save(path.with_name(f"{path.stem}_vocal.wav"), vocal)
    save(path.with_name(f"{path.stem}_bgm.wav"), backing)
    return save(path, vocal + backing)


def as_heard(samples: Samples) -> Tensor:
    """What a 48 kHz stereo file of these samples is read as, [2, n]."""
    return torch.from_numpy(samples.astype(np.float32).T.copy())


def pitch(sound: Tensor, rate: int = RATE) -> float:
    """Frequency (Hz) of the loudest partial of [n], to a fraction of a hertz."""
    spectrum = torch.fft.rfft(sound.double() * torch.hann_window(len(sound), dtype=torch.float64)).abs()
    place = int(spectrum.argmax())
    below, at, above = spectrum[place - 1 : place + 2].log().tolist()
    away: float = (below - above) / (2 * (below - 2 * at + above))
    return (place + away) * rate / len(sound)
