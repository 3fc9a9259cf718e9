"""Turns are fair, a lap is as long as it should be, and a song's time is the sum of its steps."""

import pytest
import torch
from torch import Tensor

from core.bench.decode.laps import Effort, paces, peak, song_seconds
from core.bench.decode.quality import Lesson
from core.bench.decode.traffic import Form
from core.bench.decode.ways import Steps, Way

CPU = torch.device("cpu")
FORM = Form("full", "fp32")


def a_way(name: str, taken: list[tuple[str, int, int]], held: int = 0) -> Way:
    def ready(position: int) -> Steps:
        some = torch.zeros(held // 4)

        def take(count: int) -> None:
            assert len(some) == held // 4
            taken.append((name, position, count))

        return take

    def listen(taught: Lesson) -> Tensor:
        raise AssertionError

    return Way(name, FORM, 1000, ready, listen)


def test_turns_are_taken_there_and_back_at_each_position() -> None:
    taken: list[tuple[str, int, int]] = []
    effort = Effort(seconds=0.0, least=3, most=9, warm=2, together=1)
    ways = [a_way(name, taken) for name in "ABC"]
    told: list[str] = []
    found = paces(ways, (10, 20), effort, told.append)
    visits = [(name, position) for name, position, count in taken if count == 2]
    assert visits == [(name, position) for position in (10, 20) for name in "ABCCBA"]
    assert len(taken) == len(visits) * (1 + 3)
    assert len(told) == len(visits)
    assert [[pace.position for pace in way] for way in found] == [[10, 20]] * 3
    assert {len(pace.laps) for way in found for pace in way} == {2}


def test_steps_are_timed_together_where_a_device_works_ahead() -> None:
    taken: list[tuple[str, int, int]] = []
    effort = Effort(seconds=9.0, least=8, most=32, warm=8, together=8)
    ((pace,),) = paces([a_way("A", taken)], (100,), effort, lambda _: None)
    assert {count for _, _, count in taken} == {8}
    assert len(taken) == 2 * (1 + 4)
    assert pace.at == 100 + 8 + 16


def test_a_songs_time_follows_the_measured_steps() -> None:
    def step(position: float) -> float:
        return 0.01 + 2e-6 * position

    points = [(float(at), step(at)) for at in (953, 2010, 4600, 8210)]
    assert song_seconds(points, 953, 8203) == pytest.approx(sum(step(at) for at in range(953, 8203)))


def test_between_two_points_the_nearer_ones_count() -> None:
    points = [(0.0, 1.0), (10.0, 2.0), (20.0, 10.0)]
    assert song_seconds(points, 5, 6) == pytest.approx(1.5)
    assert song_seconds(points, 15, 16) == pytest.approx(6.0)
    assert song_seconds(points, 25, 27) == pytest.approx(20.0)
    assert song_seconds(points, -3, 0) == pytest.approx(3.0)


def test_the_peak_has_the_weights_and_what_a_step_holds() -> None:
    size = 4 << 20
    most = peak(a_way("A", [], held=size), 10, CPU)
    assert size + 1000 <= most < size + (64 << 10)
