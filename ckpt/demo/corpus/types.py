"""The array types that every part of the corpus passes on, and the rate of its sound."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

RATE = 48_000
"""Samples per second (Hz)."""
Wave: TypeAlias = npt.NDArray[np.float32]
"""Sound, mono [n] or stereo [2, n], full scale ±1."""
Track: TypeAlias = npt.NDArray[np.float64]
"""Anything that is worked out exactly before it becomes sound."""


def wave(values: npt.ArrayLike) -> Wave:
    """Any array as sound."""
    return np.asarray(values, dtype=np.float32)
