"""What published songs are made with, built for every kind of device; the slow tests build all formats."""

import pytest

from tests.core.kernels.draw_offline import advance_job, assert_draws, assert_moves_on, draw_job
from tests.core.kernels.test_matvec_offline import assert_keeps_to_itself, job
from tests.core.kernels.test_offline_cache import (
    REGISTERS,
    assert_attends,
    assert_fits,
    attend,
    merge,
    rotate,
)
from tests.offline import TARGETS, build


@pytest.mark.timeout(600)
@pytest.mark.parametrize("target", TARGETS)
def test_no_barrier_and_no_spill_where_songs_are_made(target: str) -> None:
    """In one child, as starting one takes as long as two kernels."""
    pytest.importorskip("triton")
    attending = [attend("int8", 128, target), attend("mulaw8", 128, target)]
    storing = [rotate("int8", 128, target), merge(target)]
    products = [
        job("fp16", 6144, swiglu=False, target=target),
        job("int8", 22016, swiglu=True, target=target),
    ]
    made = iter(build(*attending, *storing, *products, draw_job(target), advance_job(target)))
    for _ in attending:
        assert_attends(next(made), registers=REGISTERS)
    for _ in storing:
        assert_fits(next(made), registers=REGISTERS)
    for given in products:
        assert_keeps_to_itself(given, next(made))
    assert_draws(next(made), target=target)
    assert_moves_on(next(made))
