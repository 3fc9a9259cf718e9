"""One layer of the KV cache as kernels see it: views of the product's own memory."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Kind = Literal["int8", "mulaw8", "fp16", "fp32"]


@dataclass(frozen=True, slots=True, eq=False)
class LayerStore:
    """Keys (after rotation) and values of one layer, [B, H, L, D], contiguous: codes, or plain numbers."""

    kind: Kind
    keys: Tensor
    values: Tensor
    key_scales: Tensor | None = None
    """int8: uint8 [B, H, L, groups], as `reference.int8_encode` makes them; mulaw8: fp16 [B, 1, L, 1]."""
    value_scales: Tensor | None = None
    mu: float = 64.0
    """Curvature of mulaw8."""

    def __post_init__(self) -> None:
        assert self.keys.shape == self.values.shape
        assert (self.key_scales is None) == (self.kind in ("fp16", "fp32"))
        assert all(part.is_contiguous() for part in self.parts())

    def parts(self) -> list[Tensor]:
        """Keys and values, and their scales where the kind has them."""
        parts = (self.keys, self.values, self.key_scales, self.value_scales)
        return [part for part in parts if part is not None]

    @property
    def rows(self) -> int:
        """Batch rows B."""
        return self.keys.shape[0]

    @property
    def heads(self) -> int:
        """Heads H."""
        return self.keys.shape[1]

    @property
    def pairs(self) -> int:
        """Heads of all rows."""
        return self.rows * self.heads

    @property
    def positions(self) -> int:
        """Positions L there is room for."""
        return self.keys.shape[2]

    @property
    def dim(self) -> int:
        """Channels D of a head."""
        return self.keys.shape[3]

    @property
    def groups(self) -> int:
        """Scales of a vector: more than one in int8 where 32 divides D."""
        return self.key_scales.shape[-1] if self.key_scales is not None else 1
