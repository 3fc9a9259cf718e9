"""A reference as it is heard: ten seconds of stereo at 48 kHz, with its stems where they are beside it."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
import torchaudio.functional
from torch import Tensor

from core.audio.files import info, read_window
from core.errors import SongdeskError
from core.levo.shapes import REFERENCE_FRAMES, SAMPLE_RATE, SAMPLES_PER_FRAME
from core.reference import LONGEST, Stems, stems_of
from core.song import Reference

SHORTEST = 1.0
"""Seconds that a reference must have."""
_SILENT = 1e-4
"""Peak of what counts as silence, -80 dBFS."""
_APART = 0.05
"""Seconds by which a stem may be shorter or longer than its recording."""
_DULL = 32_000
"""Sample rate (Hz) below which what is missing is worth a word."""
_COARSEST = 4000
"""Sample rate (Hz) below which nothing of music is left."""
_FINEST = 1000
"""Denominator of a resampling ratio: exact for every usual rate, and within a cent for the others."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Stereo sound [2, n] at 48 kHz, float32; stems are as long as the mix, or not known."""

    mix: Tensor
    stems: tuple[Tensor, Tensor] | None = None
    """Vocal and backing."""
    notes: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        """Whole latents in it."""
        return self.mix.shape[1] // SAMPLES_PER_FRAME


def record(reference: Reference) -> Recording:
    """Read the window of a reference, and of its stems where they are.

    Raises SongdeskError for what cannot be read, is silent, too short or no music at all.
    """
    path = Path(reference.path)
    stems = stems_of(path)
    if stems is not None:
        _same_length(path, stems)
    mix, notes = _heard(path, reference.start)
    recording = Recording(mix, notes=notes)
    if stems is None:
        return recording
    vocal, backing = (
        _fitted(_read(stem, reference.start)[0], mix.shape[1]) for stem in (stems.vocal, stems.backing)
    )
    told = "the stems beside the reference are used as they are"
    return replace(recording, stems=(vocal, backing), notes=(*notes, told))


def resampled(sound: Tensor, rate: int, target: int) -> Tensor:
    """Sound [..., n] at `rate` Hz to [..., ⌈n · target / rate⌉] at `target` Hz, by a windowed sinc."""
    ratio = Fraction(rate, target).limit_denominator(_FINEST)
    if ratio == 1:
        return sound
    changed: Tensor = torchaudio.functional.resample(sound, ratio.numerator, ratio.denominator)
    return changed


def _heard(path: Path, start: float) -> tuple[Tensor, tuple[str, ...]]:
    """A recording's window, refused when there is too little in it."""
    sound, notes = _read(path, start)
    seconds = sound.shape[1] / SAMPLE_RATE
    if seconds < SHORTEST:
        raise SongdeskError(
            f"only {seconds:.2f} s are left from {start:g} s on, too short to be led by",
            where=str(path),
            hint=f"use at least {SHORTEST:g} s, at best {LONGEST:g} s",
        )
    if float(sound.abs().max()) < _SILENT:
        raise SongdeskError(
            f"silent from {start:g} to {start + seconds:g} s",
            where=str(path),
            hint="choose another start (prompt_start) or another recording",
        )
    if sound.shape[1] // SAMPLES_PER_FRAME < REFERENCE_FRAMES:
        notes = (*notes, f"{seconds:.2f} s of the reference are heard; {LONGEST:g} s would be")
    return sound, notes


def _read(path: Path, start: float) -> tuple[Tensor, tuple[str, ...]]:
    """A file's window and what is peculiar about it; the notes name no file, as its name may change."""
    samples, rate = read_window(path, start=start, seconds=LONGEST)
    if rate < _COARSEST:
        raise SongdeskError(
            f"{rate} samples a second hold no music", where=str(path), hint="use another recording"
        )
    notes = []
    if len(samples) > 2:
        notes.append(f"the reference has {len(samples)} channels; the first two, left and right, are heard")
    if rate < _DULL:
        notes.append(f"the reference has {rate / 1000:g} kHz: nothing above {rate / 2000:g} kHz is heard")
    stereo = samples[:2] if len(samples) > 1 else np.repeat(samples, 2, axis=0)
    sound = resampled(torch.from_numpy(np.ascontiguousarray(stereo)), rate, SAMPLE_RATE)
    return _fitted(sound, round(samples.shape[1] / rate * SAMPLE_RATE)), tuple(notes)


def _same_length(path: Path, stems: Stems) -> None:
    """Refuse stems that are not of this recording: they would be heard shifted against it."""
    whole = info(path).seconds
    for stem in (stems.vocal, stems.backing):
        seconds = info(stem).seconds
        if abs(seconds - whole) > _APART:
            raise SongdeskError(
                f"{seconds:.2f} s long, and {path.name} is {whole:.2f} s",
                where=str(stem),
                hint="export both stems over the whole recording, or remove them to have it separated",
            )


def _fitted(sound: Tensor, length: int) -> Tensor:
    """Sound cut, or filled with silence, to `length` samples: its last few may be missing."""
    return torch.nn.functional.pad(sound, (0, max(0, length - sound.shape[1])))[:, :length]
