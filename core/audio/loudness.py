"""Integrated loudness as ITU-R BS.1770-4 and EBU R 128 define it: K-weighting, then gates.

Two second-order filters, given for 48 kHz (BS.1770-4, tables 1 and 2), model the head and take away what is
below hearing. `z` is the mean square of both channels over 400 ms, taken anew every 100 ms, and the loudness
of such a block is -0.691 + 10 log10 z. Blocks below -70 LUFS do not count, nor do, of the rest, those more
than 10 LU below the mean of the rest; the loudness of the mean of those that remain is the integrated
loudness (annex 1 of the standard).
"""

import contextlib
from dataclasses import dataclass
from math import inf, isfinite, log10
from pathlib import Path
from typing import TYPE_CHECKING

from core.audio import kept
from core.errors import SongdeskError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_VERSION = 1
_DESIGN_RATE = 48_000
"""Hz; the response at other rates is that of these filters at the same frequency."""
_SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
_HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
_OFFSET = -0.691
_STEP = 0.1
"""Seconds from one block to the next."""
_STEPS_A_BLOCK = 4
_AT_ONCE = 10
"""Steps that are filtered at once: a second."""
_MEMORY = 0.35
"""Seconds after which the filters have forgotten a sample: below 1e-17 of it is left."""
_ABSOLUTE_GATE = -70.0
_RELATIVE_GATE = -10.0


@dataclass(frozen=True, slots=True)
class Loudness:
    """How loud a whole file is; `-inf` for silence, or for less than 400 ms."""

    lufs: float

    @property
    def is_known(self) -> bool:
        """Whether it can be compared."""
        return isfinite(self.lufs)


def matched(a: Loudness, b: Loudness) -> tuple[float, float]:
    """Gains that make two files equally loud: the louder is turned down, never the other up."""
    if not (a.is_known and b.is_known):
        return 1.0, 1.0
    louder_by = a.lufs - b.lufs
    return 10 ** (min(0.0, -louder_by) / 20), 10 ** (min(0.0, louder_by) / 20)


def of(audio: Path) -> Loudness:
    """The loudness kept beside a sound file, measured and kept first when there is none of this very file.

    Raises SongdeskError when the sound cannot be read; where it cannot be kept it is measured every time.
    """
    stamp, place = kept.stamp(audio), kept.beside(audio, "loudness")
    facts = kept.load(place, stamp, _VERSION)
    if facts is not None:
        with contextlib.suppress(KeyError, TypeError, ValueError):
            lufs = facts["lufs"]
            return Loudness(-inf if lufs is None else float(lufs))
    measured = measure(audio)
    with contextlib.suppress(SongdeskError):
        known = round(measured.lufs, 3) if measured.is_known else None
        kept.store(place, audio, stamp, _VERSION, {"lufs": known})
    return measured


def measure(audio: Path) -> Loudness:
    """Measure a sound file block by block; all channels weigh alike. Raises SongdeskError as reading does."""
    import numpy as np

    from core.audio.files import blocks, info

    rate = info(audio).sample_rate
    step = max(1, round(_STEP * rate))
    squares = _Squares(rate, step)
    powers = [squares.push(block) for block in blocks(audio, step * _AT_ONCE)]
    return Loudness(_gated(np.concatenate(powers) if powers else np.zeros(0)))


class _Squares:
    """K-weighted mean squares of successive steps, summed over the channels."""

    def __init__(self, rate: int, step: int) -> None:
        import numpy as np

        self._step = step
        self._memory = round(_MEMORY * rate)
        self._length = 1 << (self._memory + step * _AT_ONCE - 1).bit_length()
        frequencies = np.arange(self._length // 2 + 1) / self._length * rate
        self._response = _response(np.minimum(frequencies, _DESIGN_RATE / 2))[:, None]
        self._before: npt.NDArray[np.float64] | None = None

    def push(self, block: "npt.NDArray[np.float32]") -> "npt.NDArray[np.float64]":
        """Take frames [n, channels] and give the means of the whole steps among them."""
        import numpy as np

        if self._before is None:
            self._before = np.zeros((self._memory, block.shape[1]))
        near = np.concatenate([self._before, np.nan_to_num(block.astype(np.float64))])
        self._before = near[-self._memory :]
        # Filtered through its spectrum; what wraps around falls on the frames before, which are dropped.
        spectrum = np.fft.rfft(near, self._length, axis=0)
        heard = np.fft.irfft(spectrum * self._response, self._length, axis=0)[self._memory : len(near)]
        whole = len(block) // self._step
        squares = np.square(heard[: whole * self._step]).sum(axis=1)
        return np.asarray(squares.reshape(whole, self._step).mean(axis=1))


def _response(frequencies: "npt.NDArray[np.float64]") -> "npt.NDArray[np.complex128]":
    """The K-weighting at each frequency (Hz)."""
    import numpy as np

    back = np.exp(-2j * np.pi * frequencies / _DESIGN_RATE)
    response: npt.NDArray[np.complex128] = np.ones_like(back)
    for above, below in (_SHELF, _HIGH_PASS):
        response *= np.polyval(above[::-1], back) / np.polyval(below[::-1], back)
    return response


def _gated(steps: "npt.NDArray[np.float64]") -> float:
    """The integrated loudness (LUFS) of the mean squares of 100 ms each."""
    import numpy as np

    if len(steps) < _STEPS_A_BLOCK:
        return -inf
    power = np.convolve(steps, np.full(_STEPS_A_BLOCK, 1 / _STEPS_A_BLOCK), "valid")
    heard = power[power > _power(_ABSOLUTE_GATE)]
    if not len(heard):
        return -inf
    gate = _power(_lufs(float(heard.mean())) + _RELATIVE_GATE)
    return _lufs(float(heard[heard > gate].mean()))


def _lufs(power: float) -> float:
    return _OFFSET + 10 * log10(power) if power > 0 else -inf


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - _OFFSET) / 10))
