"""The hash that names a song's tokens, or the first of them; imports no torch."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, cast

from core.errors import SongdeskError
from core.headers import read_header

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Codes = npt.NDArray[np.integer]

_WHOLE = ("U8", "I8", "I16", "I32", "I64")


def token_hash(codes: "Codes") -> str:
    """SHA-256 of codes [codebooks, frames], in hexadecimal: their shape, then int32 row by row."""
    shape = f"{codes.shape[0]}x{codes.shape[1]} ".encode()
    return hashlib.sha256(shape + codes.astype("<i4").tobytes()).hexdigest()


def codes_in(path: Path) -> "Codes":
    """The codes [codebooks, frames] of an artifact; SongdeskError when it is missing or damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        placed = read_header(path).tensors["codes"]
        if placed.dtype not in _WHOLE or len(placed.shape) != 2:
            raise KeyError("codes")
        with safe_open(path, framework="numpy") as file:
            return cast("Codes", file.get_tensor("codes"))
    except (OSError, SafetensorError, KeyError, SongdeskError) as error:
        raise SongdeskError(
            "there are no tokens here that can be read", where=str(path), hint="render the take again"
        ) from error


def hash_of(path: Path) -> str:
    """The hash of the codes in an artifact; empty where there are none that can be read."""
    try:
        return token_hash(codes_in(path))
    except SongdeskError:
        return ""
