"""Formats that keep keys and values as bytes: how they are written, and read back without new memory."""

from itertools import product
from typing import Protocol

import torch
from torch import Tensor

from core.kernels.reference import int8_encode, int8_groups, mulaw_codes, mulaw_scale, mulaw_table
from core.levo.portions import looked_up_at_once, looked_up_bytes
from core.levo.shapes import PREFILL_CHUNK


class Scratch:
    """Rooms that histories are unpacked into: each is made once, for a whole song, and serves every layer."""

    def __init__(self, positions: int, device: torch.device) -> None:
        self.positions, self._device = positions, device
        self._rooms: dict[str, Tensor] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of all rooms."""
        return sum(room.nbytes for room in self._rooms.values())

    def room(self, name: str, shape: torch.Size, dtype: torch.dtype) -> Tensor:
        """Contiguous memory [B, H, T, D], whatever it held before; T may grow to all positions."""
        most = shape.numel() // shape[-2] * self.positions
        held = self._rooms.get(name)
        if held is None or held.dtype != dtype or held.numel() < most:
            held = self._rooms[name] = torch.empty(most, dtype=dtype, device=self._device)
        return held.narrow(0, 0, shape.numel()).view(shape)


class Codec(Protocol):
    """One format: int8 codes [B, H, T, D] and scales [B, 1 or H, T, any]."""

    scale_type: torch.dtype
    """How scales are kept."""

    def scales(self, codes: torch.Size) -> torch.Size:
        """Shape of the scales of codes [..., B, H, T, D]."""

    def write(self, x: Tensor, codes: Tensor, scales: Tensor) -> None:
        """Encode x [B, H, T, D], the positions of one call, into the places given."""

    def read(self, codes: Tensor, scales: Tensor, into: Tensor, scratch: Scratch) -> None:
        """Decode to `into` [B, H, T, D] of any float dtype."""


class Linear8:
    """Evenly spaced codes, one scale for each 32 channels of a head, in a byte."""

    scale_type = torch.uint8

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
        bits = scratch.room("bits", scales.shape, torch.int16).copy_(scales)
        steps = bits.bitwise_left_shift_(7).view(torch.float16)
        if into.dtype != torch.float16:
            steps = scratch.room("scales", scales.shape, into.dtype).copy_(steps)
        into.copy_(codes)
        into.view(*scales.shape, -1).mul_(steps.unsqueeze(-1))


class Mulaw8:
    """Logarithmic codes as the 16 GB fork keeps them: one scale for all that a call writes to a row."""

    scale_type = torch.float16

    def __init__(self, mu: float, device: torch.device) -> None:
        self._mu = mu
        # By the codes' bits, which look like 0 to 255: negative codes come behind the others.
        self._table = mulaw_table(mu).roll(128).to(device)

    def scales(self, codes: torch.Size) -> torch.Size:
        """One at each position, shared by all heads."""
        return torch.Size((*codes[:-3], 1, codes[-2], 1))

    def write(self, x: Tensor, codes: Tensor, scales: Tensor) -> None:
        """Encode all positions of x by the largest value among them."""
        largest = mulaw_scale(x)
        parts, places = (torch.split(whole, PREFILL_CHUNK, dim=-2) for whole in (x, codes))
        for part, into in zip(parts, places, strict=True):
            into.copy_(mulaw_codes(part, largest, self._mu))
        scales.copy_(largest.half().expand_as(scales))

    def read(self, codes: Tensor, scales: Tensor, into: Tensor, scratch: Scratch) -> None:
        """Look each code up and multiply in fp16, the precision the format is defined in, part by part."""
        rows, heads, _, dim = codes.shape
        each = scratch.positions * dim * looked_up_bytes(into.element_size())
        count = looked_up_at_once(heads, each)
        for row, first in product(range(rows), range(0, heads, count)):
            part = codes[row : row + 1, first : first + count]
            seen = into[row : row + 1, first : first + count]
            index = scratch.room("index", part.shape, torch.int32).copy_(part.view(torch.uint8))
            half = seen if into.dtype == torch.float16 else scratch.room("half", part.shape, torch.float16)
            torch.index_select(self._table, 0, index.flatten(), out=half.view(-1))
            half.mul_(scales[row : row + 1])
            if half is not seen:
                seen.copy_(half)
