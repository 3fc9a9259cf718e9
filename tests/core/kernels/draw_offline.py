"""What the draw and the step on need of devices that are not here."""

from core.kernels import advance, draw
from tests.offline import Built, Job

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


def assert_draws(built: Built, *, target: str) -> None:
    """A thread of 1024 has 64 registers on sm_90, where the compiler puts 8 bytes of them by."""
    assert built.spills <= (8 if target == "sm_90" else 0)
    assert built.registers <= 104
    assert built.shared <= 64 * 1024  # what every supported device has
    assert len(built.loops) == 3  # what was heard, and the bits of either limit
    assert 0 < built.barriers <= 3  # a sum over all warps for each bit


def assert_moves_on(built: Built) -> None:
    assert built.spills == 0
    assert built.registers <= 48
    assert not built.loops
    assert built.shared == 0
