"""Keyed random generators: (seed, part) → one Philox stream, so that no part's draws move another's."""

import hashlib

import numpy as np


def stream(seed: int, part: str) -> np.random.Generator:
    """The generator of one part of one song; the same key always gives the same numbers."""
    digest = hashlib.blake2b(f"{seed}/{part}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
