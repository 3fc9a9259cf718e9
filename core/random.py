"""Keyed random streams: (seed, name, position, column) → one draw, the same everywhere, no state to save.

The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
A draw is addressed, never consumed: how many are asked for at once, and in which order, changes no value.

    key        seed, 64 bits (low word first)
    counter 0  column // 4; the block's four words are the columns in order
    counter 1  position, low 32 bits
    counter 2  lane << 16 | position >> 32
    counter 3  CRC-32 of the stream's name in UTF-8
"""

import math
import secrets
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_LOW = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_LANES = 1 << 16


def draw_seed() -> int:
    """A fresh seed from the system's entropy, 0 ≤ seed < 2³¹: short enough to read aloud and type again."""
    return secrets.randbelow(1 << 31)


@dataclass(frozen=True, slots=True)
class Stream:
    """The random numbers of one purpose (`name`) in one take (`seed`)."""

    seed: int
    name: str

    @property
    def key(self) -> tuple[int, int, int]:
        """The words that tell it from others: the seed's low and high one, and that of the name."""
        return self.seed & _LOW, self.seed >> 32 & _LOW, zlib.crc32(self.name.encode())

    def uniform(self, positions: "Tensor", width: int, *, lane: int = 0) -> "Tensor":
        """Numbers strictly between 0 and 1, float32 [N, width], for int64 `positions` [N] below 2⁴⁸.

        The value is (n + ½)·2⁻²³ with n of 23 bits, so every device gives the same bits.
        """
        return self._words(positions, width, lane).bitwise_right_shift_(9).float().add_(0.5).mul_(2.0**-23)

    def normal(self, positions: "Tensor", width: int, *, lane: int = 0) -> "Tensor":
        """Standard normal numbers, float32 [N, width], for int64 `positions` [N] below 2⁴⁸ (Box–Muller).

        Worked out in float64 and rounded once, so devices whose logarithms differ in the last place agree.
        """
        even = width + width % 2
        fractions = self._words(positions, even, lane).double().add_(0.5).mul_(2.0**-32)
        pairs = fractions.view(positions.shape[0], even // 2, 2)
        radius = pairs[..., 0].log().mul_(-2.0).sqrt_()
        angle = pairs[..., 1] * (2.0 * math.pi)
        pairs[..., 0] = radius * angle.cos()
        pairs[..., 1] = radius * angle.sin()
        return fractions.float()[:, :width]

    def _words(self, positions: "Tensor", width: int, lane: int) -> "Tensor":
        """Random 32-bit words, int64 [N, width]."""
        import torch

        assert positions.dtype == torch.int64, "positions are int64"
        assert positions.ndim == 1, "positions are a row"
        assert 0 <= lane < _LANES, "a lane has 16 bits"
        blocks = torch.arange(-(-width // 4), device=positions.device)
        rows = positions[:, None]
        low, high, name = self.key
        shape = (positions.shape[0], blocks.shape[0])
        counter = (
            blocks.expand(shape),  # [N, B]
            (rows & _LOW).expand(shape),
            (((rows >> 32) & 0xFFFF) | lane << 16).expand(shape),
            torch.full_like(rows, name).expand(shape),
        )
        words = torch.stack(philox(counter, (low, high)), dim=-1)  # [N, B, 4]
        return words.flatten(1)[:, :width].contiguous()


def philox(
    counter: "tuple[Tensor, Tensor, Tensor, Tensor]", key: tuple[int, int]
) -> "tuple[Tensor, Tensor, Tensor, Tensor]":
    """Philox4x32-10 of int64 tensors of one shape that hold 32-bit words; the key is two words."""
    left, right, other_left, other_right = counter
    low_key, high_key = key
    for _ in range(_ROUNDS):
        # int64 products wrap, which leaves the 64 bits of the unsigned product; masking drops the sign.
        product = left * _MULTIPLIERS[0]
        other = other_left * _MULTIPLIERS[1]
        left = (other >> 32).bitwise_xor_(right).bitwise_xor_(low_key).bitwise_and_(_LOW)
        other_left = (product >> 32).bitwise_xor_(other_right).bitwise_xor_(high_key).bitwise_and_(_LOW)
        right, other_right = other, product
        low_key, high_key = (low_key + _WEYL[0]) & _LOW, (high_key + _WEYL[1]) & _LOW
    return left, right & _LOW, other_left, other_right & _LOW
