"""The formats a matrix can have in memory: whole numbers or few bits with a scale for every 128 inputs."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Kind = Literal["fp32", "fp16", "int8", "int4"]
KINDS: tuple[Kind, ...] = ("fp32", "fp16", "int8", "int4")
"""int4 is experimental: without calibration its error is hundreds of times that of int8."""
GROUP = 128
"""Inputs of a row that share a scale; a row's last group may be shorter."""
_DTYPES: dict[Kind, torch.dtype] = {"fp32": torch.float32, "fp16": torch.float16}
_KIND_OF = {dtype: kind for kind, dtype in _DTYPES.items()}
_HALF_MAX = torch.finfo(torch.float16).max
_BYTES = 16
"""Rows begin at multiples of this many bytes where they are padded, so that loads stay whole."""
_CLIPS = tuple(1 - step / 20 for step in range(10))
"""Shares of a group's largest value that int4 may reach up to."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A matrix [rows, inputs] in one of the formats; value = code times the scale of its row and group."""

    kind: Kind
    codes: Tensor
    """fp32 | fp16 | int8 [rows, inputs + padding], or two values a byte: uint8 [rows, 128 a pair of groups].

    A byte of int4 holds input i of a pair of groups below and input i + 128 above, each plus 8.
    """
    scales: Tensor | None
    """fp16 [rows, groups] of int8 and int4."""
    rows: int
    inputs: int
    pad: int = 0
    """Values (bytes for int4) behind each row that mean nothing."""

    @property
    def nbytes(self) -> int:
        """Bytes in memory, padding included."""
        return self.codes.nbytes + (self.scales.nbytes if self.scales is not None else 0)

    @property
    def moved(self) -> int:
        """Bytes that a product with it reads: each code and scale once, whatever the number of vectors."""
        return self.nbytes - self.rows * self.pad * self.codes.itemsize


def groups(inputs: int) -> int:
    """Scales of a row of so many inputs."""
    return -(-inputs // GROUP)


def packed_bytes(kind: Kind, rows: int, inputs: int) -> int:
    """`Packed.moved` from shapes alone."""
    scales = 2 * rows * groups(inputs)
    each = {"fp32": 4 * inputs, "fp16": 2 * inputs, "int8": inputs, "int4": GROUP * -(-inputs // (2 * GROUP))}
    return rows * each[kind] + (scales if kind in ("int8", "int4") else 0)


def pack(weight: Tensor, kind: Kind, *, pad: int = 0) -> Packed:
    """A matrix [N, K] of floats in another format, on its device.

    `pad` bytes, a multiple of 16, lie behind each row: some cards are slow where the distance of rows is
    a multiple of 512 bytes.
    """
    assert pad % _BYTES == 0, "rows begin at whole loads"
    rows, inputs = weight.shape
    if kind == "int8":
        codes, scales = int8_weight(weight)
        return Packed(kind, _padded(codes, pad), scales, rows, inputs, pad)
    if kind == "int4":
        codes, scales = int4_weight(weight)
        return Packed(kind, _padded(codes, pad), scales, rows, inputs, pad)
    whole = weight.to(_DTYPES[kind])
    between = pad // whole.itemsize
    return Packed(kind, _padded(whole, between), None, rows, inputs, between)


def view(weight: Tensor, scales: Tensor | None = None) -> Packed:
    """A matrix [N, K] as a network holds it, without a copy: fp32, fp16, or int8 with scales [N, groups]."""
    kind: Kind = "int8" if weight.dtype == torch.int8 else _KIND_OF[weight.dtype]
    assert (scales is not None) == (kind == "int8"), "int8, and nothing else here, has scales"
    return Packed(kind, weight.contiguous(), scales, *weight.shape)


def unpack(weight: Packed) -> Tensor:
    """The values a packed matrix stands for, fp32 [rows, inputs]."""
    if weight.kind == "int4":
        held = weight.codes[:, : weight.codes.shape[1] - weight.pad].view(weight.rows, -1, 1, GROUP)
        both = torch.cat((held & 15, held >> 4), dim=2).flatten(1)[:, : weight.inputs]
        values = both.float() - 8
    else:
        values = weight.codes[:, : weight.inputs].float()
    return values if weight.scales is None else scaled(values, weight.scales)


def scaled(values: Tensor, scales: Tensor) -> Tensor:
    """Multiply values [N, K] in place by the scales [N, groups] of their rows and groups."""
    whole = values.shape[1] // GROUP * GROUP
    by = scales.to(values.dtype)
    values[:, :whole].view(len(values), whole // GROUP, GROUP).mul_(by[:, : whole // GROUP].unsqueeze(-1))
    values[:, whole:].mul_(by[:, whole // GROUP :])
    return values


def int8_weight(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix [N, K] to int8 codes -127 to 127 and fp16 scales [N, groups].

    Each scale is rounded up, so that no value is beyond the last code.
    """
    values = _grouped(weight)
    scales = _rounded_up(values.abs().amax(-1) / 127)
    codes = _codes(values, scales, 127).to(torch.int8)
    return codes.flatten(1)[:, : weight.shape[1]].contiguous(), scales


def int4_weight(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix to bytes [N, 128 a pair of groups] and fp16 scales [N, groups], of least squared error."""
    values = _grouped(weight)
    largest = values.abs().amax(-1)
    best, scales = torch.full_like(largest, torch.inf), torch.zeros_like(largest, dtype=torch.float16)
    for clip in _CLIPS:
        tried = _rounded_up(largest * clip / 7)
        error = (_codes(values, tried, 7) * tried.float().unsqueeze(-1)).sub_(values).square_().sum(-1)
        is_better = error < best
        best, scales = torch.where(is_better, error, best), torch.where(is_better, tried, scales)
    codes = _codes(values, scales, 7).add_(8).to(torch.uint8)
    if codes.shape[1] % 2:
        codes = torch.cat((codes, torch.full_like(codes[:, :1], 8)), dim=1)
    pairs = codes.view(len(codes), -1, 2, GROUP)
    return (pairs[:, :, 0] | pairs[:, :, 1] << 4).flatten(1), scales


def _grouped(weight: Tensor) -> Tensor:
    """fp32 [N, groups, 128], filled up by zeros."""
    short = -weight.shape[1] % GROUP
    padded = torch.nn.functional.pad(weight.float(), (0, short))
    return padded.reshape(len(weight), padded.shape[1] // GROUP, GROUP)


def _codes(values: Tensor, scales: Tensor, most: int) -> Tensor:
    """Values [N, groups, 128] over their scales, whole and within `most`, fp32."""
    steps = scales.float().unsqueeze(-1)
    return (values / torch.where(steps > 0, steps, 1)).round_().clamp_(-most, most)


def _rounded_up(scales: Tensor) -> Tensor:
    """The nearest fp16 number not below each of `scales`, which are not negative."""
    near = scales.clamp_max(_HALF_MAX).half()
    above = near.view(torch.int16).add(1).view(torch.float16)
    return torch.where(near.float() < scales, above, near).clamp_max(_HALF_MAX)


def _padded(codes: Tensor, count: int) -> Tensor:
    return torch.nn.functional.pad(codes, (0, count)) if count else codes.contiguous()
