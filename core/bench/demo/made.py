"""A song as it was made, to be measured."""

from dataclasses import dataclass

import numpy as np

from corpus.loudness import lufs
from corpus.types import RATE, Wave, wave

SHORTEST = 3.0
"""Seconds of sound below which nothing is measured."""
_LOUDNESS = -16.0


@dataclass(frozen=True, slots=True)
class Made:
    """The sound of a song [2, n] at 48 kHz."""

    mix: Wave
    vocal: Wave | None
    """None where it was not asked for."""
    has_ended: bool
    """Whether it came to its own end before the longest it was let become."""

    @property
    def seconds(self) -> float:
        """Its length."""
        return int(self.mix.shape[1]) / RATE

    @property
    def fault(self) -> str:
        """Why nothing can be measured of it, in words; empty for nothing."""
        if self.seconds < SHORTEST:
            return f"the song is shorter than {SHORTEST:g} s"
        if not all(np.isfinite(sound).all() for sound in (self.mix, self.vocal) if sound is not None):
            return "the sound has samples that are not numbers"
        return "" if np.abs(self.mix).max() > 1e-5 else "the song is silent"


def levelled(sound: Wave) -> Wave:
    """The sound at the loudness of the corpus, -16 LUFS; as it is where it is too soft to have one."""
    loudness = lufs(sound)
    return wave(sound * 10.0 ** ((_LOUDNESS - loudness) / 20.0)) if np.isfinite(loudness) else sound


def level(sound: Wave) -> float:
    """The RMS of any stretch in dB, at least -100."""
    return float(20.0 * np.log10(np.sqrt(np.mean(np.square(sound))) + 1e-5)) if sound.size else -100.0


def stretch(sound: Wave, start: float, end: float) -> Wave:
    """What sounds between two times (s)."""
    return sound[:, max(0, round(start * RATE)) : max(0, round(end * RATE))]
