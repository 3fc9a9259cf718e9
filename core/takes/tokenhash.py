"""The hash that names a song's tokens, or the first of them; imports no torch."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import SongdeskError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Codes = npt.NDArray[np.integer]


def token_hash(codes: "Codes") -> str:
    """SHA-256 of codes [codebooks, frames], in hexadecimal: their shape, then int32 row by row."""
    shape = f"{codes.shape[0]}x{codes.shape[1]} ".encode()
    return hashlib.sha256(shape + codes.astype("<i4").tobytes()).hexdigest()


def codes_in(path: Path) -> "Codes":
    """The codes [codebooks, frames] of an artifact; SongdeskError when it is missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)["codes"]
    except (OSError, SafetensorError, KeyError) as error:
        raise SongdeskError(
            "there are no tokens here that can be read", where=str(path), hint="render the take again"
        ) from error


def hash_of(path: Path) -> str:
    """The hash of the codes in an artifact; empty where there are none that can be read."""
    try:
        return token_hash(codes_in(path))
    except SongdeskError:
        return ""
