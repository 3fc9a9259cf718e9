"""What the fused product needs of devices that are not here."""

import re
from dataclasses import asdict

import pytest
import torch

from core.kernels.matvec import WARPS, shape_of
from core.kernels.packing import KINDS, Kind, Packed
from tests.offline import TARGETS, Built, Job, build

_CODES = {"fp32": "*fp32", "fp16": "*fp16", "int8": "*i8", "int4": "*u8"}
_WHOLE = ("outputs", "inputs", "width", "stride", "groups")
_REGISTERS = 168
"""Of a thread: three programs of four warps on a multiprocessor at the least; of AMD's 256 without spills."""
_SCALARS = 8


def job(kind: Kind, rows: int, *, swiglu: bool, target: str) -> Job:
    """A product of two vectors with a matrix of so many rows, with a norm and a residual."""
    weight = Packed(kind, torch.empty(0), None, rows, 2048)
    signature = {"x": "*fp32", "codes": _CODES[kind], "norm": "*fp16", "residual": "*fp32", "out": "*fp32"}
    scales = {"scales": "*fp16"} if kind.startswith("int") else {}
    numbers = {**dict.fromkeys(_WHOLE, "i32"), "eps": "fp32"}
    constants = {**asdict(shape_of(weight, 2, swiglu=swiglu)), "bias": None}
    if not scales:
        constants["scales"] = None
    aligned = ("inputs", "width", "stride")
    name, types = "core.kernels.fused.matvec:products", {**signature, **scales, **numbers}
    return Job(name, types, constants, WARPS, aligned, target)


def check(*jobs: Job) -> None:
    for given, made in zip(jobs, build(*jobs), strict=True):
        assert_keeps_to_itself(given, made)


def assert_keeps_to_itself(given: Job, made: Built) -> None:
    """No barrier in the loop, no spills, no more registers than a quarter of the device can have."""
    about = (given.target, given.signature["codes"], dict(given.constants), made.registers, made.spills)
    assert len(made.loops) == 2, about  # whole steps, and the one that is masked
    assert made.barriers == 0, about
    assert made.registers <= _REGISTERS, about
    # A few scalars may go to lanes of a vector register, which AMD's compiler counts as spilled.
    assert made.spills <= (_SCALARS if given.target.startswith("gfx") else 0), about
    assert not re.search(r"vgpr_spill_count:\s+[1-9]", made.assembly), about
    assert made.shared <= 1024, about


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("target", TARGETS)
def test_products_of_every_format_are_built_for(target: str) -> None:
    check(
        *(
            job(kind, rows, swiglu=swiglu, target=target)
            for kind in KINDS
            for rows, swiglu in ((2048, False), (6144, False), (22016, True))
        )
    )
