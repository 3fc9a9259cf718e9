"""Formats that keep keys and values as bytes: how they are written, and read back without new memory."""

from typing import Protocol

import torch
from torch import Tensor

from core.kernels.reference import int8_encode, int8_groups, mulaw_encode, mulaw_table


class Scratch:
    """Rooms that histories are unpacked into: each is made once, for a whole song, and serves every layer."""

    def __init__(self, positions: int, device: torch.device) -> None:
        self._positions, self._device = positions, device
        self._rooms: dict[str, Tensor] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of all rooms."""
        return sum(room.nbytes for room in self._rooms.values())

    def room(self, name: str, shape: torch.Size, dtype: torch.dtype) -> Tensor:
        """Contiguous memory [B, H, T, D], whatever it held before; T may grow to all positions."""
        most = shape.numel() // shape[-2] * self._positions
        held = self._rooms.get(name)
        if held is None or held.dtype != dtype or held.numel() < most:
            held = self._rooms[name] = torch.empty(most, dtype=dtype, device=self._device)
        return held.narrow(0, 0, shape.numel()).view(shape)


class Codec(Protocol):
    """One format: int8 codes [B, H, T, D] and fp16 scales [B, 1 or H, T, any]."""

    def scales(self, codes: torch.Size) -> torch.Size:
        """Shape of the scales of codes [..., B, H, T, D]."""

    def write(self, x: Tensor, codes: Tensor, scales: Tensor) -> None:
        """Encode x [B, H, T, D], the positions of one call, into the places given."""

    def read(self, codes: Tensor, scales: Tensor, into: Tensor, scratch: Scratch) -> None:
        """Decode to `into` [B, H, T, D] of any float dtype."""


class Linear8:
    """Evenly spaced codes, one scale for each 32 channels of a head."""

    def scales(self, codes: torch.Size) -> torch.Size:
        """One for each group of each head at each position."""
        return torch.Size((*codes[:-1], int8_groups(codes[-1])))

    def write(self, x: Tensor, codes: Tensor, scales: Tensor) -> None:
        """Encode each group by its own largest value."""
        made, by = int8_encode(x)
        codes.copy_(made)
        scales.copy_(by)

    def read(self, codes: Tensor, scales: Tensor, into: Tensor, scratch: Scratch) -> None:
        """One multiplication a value, rounded to the dtype of `into`."""
        steps = scratch.room("scales", scales.shape, into.dtype).copy_(scales)
        into.copy_(codes)
        into.view(*scales.shape, -1).mul_(steps.unsqueeze(-1))


class Mulaw8:
    """Logarithmic codes as the 16 GB fork keeps them: one scale for all that a call writes to a row."""

    def __init__(self, mu: float, device: torch.device) -> None:
        self._mu, self._table = mu, mulaw_table(mu).to(device)

    def scales(self, codes: torch.Size) -> torch.Size:
        """One at each position, shared by all heads."""
        return torch.Size((*codes[:-3], 1, codes[-2], 1))

    def write(self, x: Tensor, codes: Tensor, scales: Tensor) -> None:
        """Encode all positions of x by the largest value among them."""
        made, by = mulaw_encode(x, self._mu)
        codes.copy_(made)
        scales.copy_(by.expand_as(scales))

    def read(self, codes: Tensor, scales: Tensor, into: Tensor, scratch: Scratch) -> None:
        """Look each code up and multiply in fp16, the precision the format is defined in."""
        index = scratch.room("index", codes.shape, torch.int32).copy_(codes).add_(128)
        half = into if into.dtype == torch.float16 else scratch.room("half", codes.shape, torch.float16)
        torch.index_select(self._table, 0, index.flatten(), out=half.flatten())
        half.mul_(scales)
        if half is not into:
            into.copy_(half)
