"""Layers of a cache to try kernels on."""

import torch

from core.kernels.reference import int8_groups
from core.kernels.store import Kind, LayerStore

KINDS: tuple[Kind, ...] = ("int8", "mulaw8", "fp16", "fp32")


def empty_store(
    kind: Kind, *, rows: int, heads: int, positions: int, dim: int, device: torch.device, mu: float = 64.0
) -> LayerStore:
    """A layer full of what must never be read: not a number, or the largest codes and scales."""
    shape = (rows, heads, positions, dim)
    if kind in ("fp16", "fp32"):
        dtype = torch.float16 if kind == "fp16" else torch.float32
        keys, values = (torch.full(shape, torch.nan, dtype=dtype, device=device) for _ in range(2))
        return LayerStore(kind, keys, values)
    keys, values = (torch.full(shape, 127, dtype=torch.int8, device=device) for _ in range(2))
    if kind == "int8":
        scale = torch.full((*shape[:-1], int8_groups(dim)), 255, dtype=torch.uint8, device=device)
    else:
        scale = torch.full((rows, 1, positions, 1), torch.nan, dtype=torch.float16, device=device)
    return LayerStore(kind, keys, values, scale, scale.clone(), mu)


def copy_of(store: LayerStore) -> LayerStore:
    """The same in memory of its own."""
    keys, values, *scales = (part.clone() for part in store.parts())
    key_scales, value_scales = scales or (None, None)
    return LayerStore(store.kind, keys, values, key_scales, value_scales, store.mu)


def place(position: int, device: torch.device) -> torch.Tensor:
    """A position or length as the device has it."""
    return torch.tensor([position], dtype=torch.int32, device=device)
