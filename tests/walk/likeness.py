"""What a recording has of a file: which stretches, in what order, how true and how loud."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tests.walk.sound import RATE, Sound

_BLOCK = RATE // 50
"""Frames compared at once: 20 ms."""
_SILENT = 10 ** (-70 / 20)
"""Below this level a block is silence."""
_ALIKE = 0.97
"""Correlation from which a block is taken for that place of the file."""

_Wave = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the file that was heard without a gap or a repeat; all in seconds."""

    heard: float
    """Where in the recording it begins."""
    place: float
    """Where in the file it begins."""
    seconds: float

    @property
    def end(self) -> float:
        """Where in the file it ends."""
        return self.place + self.seconds


def stretches(recorded: Sound, played: Sound) -> list[Stretch]:
    """The stretches of a file that are heard in a recording, as blocks of 20 ms tell.

    The file must be nowhere silent and nowhere like itself, as noise is.
    """
    heard, source = _mono(recorded), _mono(played)
    blocks: list[tuple[int, int]] = []
    lag: int | None = None
    for start in range(0, len(heard) - _BLOCK + 1, _BLOCK):
        block = heard[start : start + _BLOCK]
        if np.sqrt(np.mean(block * block)) < _SILENT:
            lag = None
            continue
        if lag is None or _alike(block, source, start - lag) < _ALIKE:
            lag = _lag(block, source, start)
        if lag is not None:
            blocks.append((start, start - lag))
    return _joined(blocks)


def _mono(sound: Sound) -> _Wave:
    # Unequal weights: with equal ones, channels that were swapped would look the same.
    return np.asarray(sound @ np.array([1.0, 0.5]), dtype=np.float64)


def _alike(block: _Wave, source: _Wave, place: int) -> float:
    """The correlation of a block with the file from a place (frames) on, as far as both go."""
    first, last = max(0, place), min(len(source), place + len(block))
    if last - first < len(block) // 2:
        return 0.0
    there = source[first:last]
    here = block[first - place : last - place]
    # What is beyond the file's ends must be silence.
    size = float(np.sqrt((block @ block) * (there @ there)))
    return float(here @ there) / size if size else 0.0


def _lag(block: _Wave, source: _Wave, start: int) -> int | None:
    """How far the recording is behind the file at this block (frames); None when it is nowhere in it."""
    size = 1 << (len(source) + len(block)).bit_length()
    spectrum = np.fft.rfft(source, size) * np.conj(np.fft.rfft(block, size))
    place = int(np.fft.irfft(spectrum, size).argmax())
    place -= size if place > size - len(block) else 0
    return start - place if _alike(block, source, place) >= _ALIKE else None


def _joined(blocks: list[tuple[int, int]]) -> list[Stretch]:
    found: list[list[int]] = []
    for start, place in blocks:
        if found and (start, place) == (found[-1][0] + found[-1][2], found[-1][1] + found[-1][2]):
            found[-1][2] += _BLOCK
        else:
            found.append([start, place, _BLOCK])
    return [Stretch(*(number / RATE for number in numbers)) for numbers in found]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How true a recording is to a file from one place on, each channel for itself."""

    correlation: tuple[float, ...]
    level: tuple[float, ...]
    """How much louder the recording is (dB)."""


def likeness(recorded: Sound, played: Sound, stretch: Stretch) -> Likeness:
    """Compare one stretch, channel by channel."""
    count = round(stretch.seconds * RATE)
    heard, place = round(stretch.heard * RATE), round(stretch.place * RATE)
    skip = max(0, -place)
    here = recorded[heard + skip : heard + count].astype(np.float64)
    there = played[place + skip : place + count].astype(np.float64)
    here = here[: len(there)]
    correlation, level = [], []
    for channel in range(there.shape[1]):
        a, b = here[:, channel], there[:, channel]
        correlation.append(float(a @ b / np.sqrt((a @ a) * (b @ b))))
        level.append(float(10 * np.log10((a @ a) / (b @ b))))
    return Likeness(tuple(correlation), tuple(level))
