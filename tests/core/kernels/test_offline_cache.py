"""What the kernels of the cache need on devices that are not here."""

from functools import cache

import pytest
import torch

from core.kernels import append, attention
from core.kernels.store import Kind, LayerStore
from tests.core.kernels.stores import KINDS, empty_store
from tests.offline import TARGETS, Built, Job, build

NAMES = {
    torch.float32: "*fp32", torch.float16: "*fp16", torch.int8: "*i8", torch.int16: "*i16",
    torch.int32: "*i32", torch.uint8: "*u8",
}  # fmt: skip
REGISTERS = 128
"""What lets four programs of four warps be on a unit of an NVIDIA device at a time."""


@cache
def layer(kind: Kind, dim: int) -> LayerStore:
    """A layer of the largest model's shape, without memory."""
    return empty_store(kind, rows=2, heads=16, positions=8210, dim=dim, device=torch.device("meta"))


def attend(kind: Kind, dim: int, target: str) -> Job:
    store = layer(kind, dim)
    common = {"length": "*i32", "mixed": "*fp32", "stats": "*fp32"}
    if store.key_scales is None:
        held = NAMES[store.keys.dtype]
        name = "attend_plain"
        signature = {"q": "*fp32", "keys": held, "values": held, **common}
    else:
        held = NAMES[attention.packed(store.key_scales).dtype]
        name = "attend_codes"
        signature = {"q": "*fp32", "keys": "*i32", "values": "*i32", "key_scales": held, "value_scales": held}
        signature |= {**common, "heads": "i32", "mu": "fp32"}
    signature |= {"positions": "i32", "sharpness": "fp32"}
    return Job(
        f"core.kernels.fused.attention:{name}", signature, attention.shape_of(store), attention.WARPS,
        aligned=["heads"], target=target, options=attention.FAST_EXPONENTS,
    )  # fmt: skip


def merge(target: str) -> Job:
    shape = attention.shape_of(layer("int8", 128))
    return Job(
        "core.kernels.fused.attention:merge",
        {"mixed": "*fp32", "stats": "*fp32", "out": "*fp32"},
        {"DIM": 128, "DIM_PADDED": 128, "SPLITS": shape["SPLITS"]}, attention.WARPS, target=target,
    )  # fmt: skip


def rotate(kind: Kind, dim: int, target: str) -> Job:
    store = layer(kind, dim)
    held, scales = (None if part is None else NAMES[part.dtype] for part in (store.keys, store.key_scales))
    assert held is not None
    signature = {"qkv": "*fp32", "cos": "*fp32", "sin": "*fp32", "turned": "*fp32", "position": "*i32"}
    signature |= {"keys": held, "values": held, "mu": "fp32"}
    signature |= dict.fromkeys(("heads", "length", "table"), "i32")
    if scales is not None:
        signature |= {"key_scales": scales, "value_scales": scales}
    shape = append.shape_of(store)
    constants = {"key_scales": None, "value_scales": None, **shape} if scales is None else shape
    return Job(
        "core.kernels.fused.append:rotate_and_store", signature, constants, append.warps_of(shape),
        aligned=["heads"], target=target,
    )  # fmt: skip


def assert_fits(built: Built, *, registers: int) -> None:
    assert built.spills == 0
    assert built.barriers == 0
    assert built.registers <= registers


def assert_attends(built: Built, *, registers: int) -> None:
    """What `assert_fits` says, of the one loop that goes through the cache too."""
    assert len(built.loops) == 1
    assert_fits(built, registers=registers)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("target", TARGETS)
def test_every_format_and_head_is_built_for(target: str) -> None:
    dims = (16, 48, 64, 96, 112, 128)
    for built in build(*(attend(kind, dim, target) for kind in KINDS for dim in dims), timeout=3000):
        assert_attends(built, registers=160)
    others = [rotate(kind, dim, target) for kind in KINDS for dim in dims]
    for built in build(*others, merge(target), timeout=3000):
        assert_fits(built, registers=REGISTERS)
