"""The draw and the step on, compiled for devices that are not here."""

import pytest

from core.kernels import advance, draw
from tests.offline import TARGETS, Job, build

PUBLISHED = 16384
DRAW = {
    "logits": "*fp32", "columns": "*i64", "marks": "*i32", "knobs": "*fp32", "banned": "*u8", "key": "*i64",
    "tokens": "*i64", "row_stride": "i32", "book_stride": "i32", "column_stride": "i32", "first": "i32",
    "codes": "i32",
}  # fmt: skip
ADVANCE = {
    "columns": "*i64", "fed": "*i64", "tokens": "*i64", "marks": "*i32", "knobs": "*fp32",
    "column_stride": "i32", "width": "i32", "count": "i32", "longest": "i32", "late": "i32", "first": "i32",
    "last": "i32", "eos": "i32",
}  # fmt: skip


def draw_job(target: str, codes: int = PUBLISHED) -> Job:
    constants = {**draw.SLOTS, "ROWS": 2, "BLOCK": codes}
    return Job(
        "core.kernels.fused.draw:draw_column", DRAW, constants, draw.warps_of(codes), ["codes"], target
    )


def advance_job(target: str) -> Job:
    return Job("core.kernels.fused.advance:next_column", ADVANCE, advance.SLOTS, 1, ["eos"], target)


def check(*targets: str, most: int = 0) -> None:
    """`most` bytes of a thread's registers may lie in memory."""
    pytest.importorskip("triton")
    jobs = [draw_job(target) for target in targets] + [advance_job(target) for target in targets]
    built = build(*jobs)
    for drawn in built[: len(targets)]:
        assert drawn.spills <= most
        assert drawn.registers <= 104
        assert drawn.shared <= 64 * 1024  # what every supported device has
        assert drawn.barriers <= 3  # a sum over all warps for each bit of the limit
    for moved in built[len(targets) :]:
        assert moved.spills == 0
        assert moved.registers <= 48
        assert not moved.loops
        assert moved.shared == 0


@pytest.mark.timeout(600)
def test_a_column_is_drawn_without_spills() -> None:
    check("gfx1201")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("target", [target for target in TARGETS if target != "gfx1201"])
def test_nor_elsewhere(target: str) -> None:
    check(target, most=8 if target == "sm_90" else 0)  # 1024 threads there have 64 registers each
