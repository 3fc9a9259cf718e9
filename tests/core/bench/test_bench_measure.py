"""Turns are fair, and a lap knows when the first sound came and what was held at once."""

from collections.abc import Callable

import pytest
import torch

from core.bench.measure import Way, peak_of, take_turns
from core.engine import Run
from core.settings import Values

CPU = torch.device("cpu")
BYTES = 4 << 20


def a_way(name: str, order: list[str], held: int = 0) -> Way:
    def work(run: Run) -> None:
        order.append(name)
        some = torch.zeros(held // 4)
        run.audio(torch.zeros(2, 4))
        run.audio(torch.zeros(2, 4))
        del some

    def ready() -> Callable[[Run], None]:
        return work

    return Way(name, ready)


def test_turns_are_taken_there_and_back() -> None:
    order: list[str] = []
    told: list[str] = []
    laps = take_turns((a_way("A", order), a_way("B", order)), CPU, Values(), tell=told.append)
    assert order == ["A", "B", "B", "A"]
    assert [len(some) for some in laps] == [2, 2]
    assert len(told) == 4


def test_the_first_sound_comes_before_the_work_is_done() -> None:
    laps, _ = take_turns((a_way("A", []), a_way("B", [])), CPU, Values(), tell=lambda _: None)
    assert all(0 <= lap.first <= lap.seconds for lap in laps)


def test_a_lap_knows_what_its_work_held() -> None:
    some, none = take_turns((a_way("A", [], BYTES), a_way("B", [])), CPU, Values(), tell=lambda _: None)
    for lap in some:
        assert BYTES <= lap.memory < BYTES + (64 << 10)
    for lap in none:
        assert 0 < lap.memory < 64 << 10


@pytest.mark.parametrize(("changes", "most"), [([], 0), ([5, -5, 4], 5), ([5, 4, -9, 8], 9), ([-3, 5], 2)])
def test_the_peak_is_the_most_at_one_time(changes: list[int], most: int) -> None:
    assert peak_of(changes) == most
