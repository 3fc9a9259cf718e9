"""A run that goes far slower than others did here is noticed, and only then."""

import pytest

from core.making import watchdog
from core.making.watchdog import WARNING, Watchdog, learn, usual_pace

ORDER = (("step", 2000), ("decode", 100))
USUAL = {"step": 0.05, "decode": 1.0}


@pytest.fixture(autouse=True)
def _nothing_remembered(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


class Run:
    def __init__(self, dog: Watchdog) -> None:
        self.dog, self.now, self.done, self.said = dog, 0.0, 0, [""]

    def go(self, seconds: float, each: float) -> "Run":
        """Work so long at so many seconds for a unit."""
        until = self.now + seconds
        while self.now + each <= until:
            self.now, self.done = self.now + each, self.done + 1
            self.said.append(self.dog.look(self.now, self.done))
        self.now = until
        return self

    @property
    def has_warned(self) -> bool:
        return WARNING in self.said


def test_the_usual_speed_and_half_of_it_are_no_reason_to_warn() -> None:
    run = Run(Watchdog(ORDER, USUAL)).go(30, 0.05).go(30, 0.1)
    assert not run.has_warned
    assert run.dog.remark == ""


def test_a_third_of_the_usual_speed_for_ten_seconds_is() -> None:
    run = Run(Watchdog(ORDER, USUAL)).go(20, 0.05)
    before = run.now
    run.go(8, 0.15)
    assert not run.has_warned, "not at once"
    run.go(12, 0.15)
    assert run.said[-1] == WARNING
    assert run.now - before == pytest.approx(20)
    assert "of the usual speed" in run.dog.remark
    assert "\n" not in WARNING
    run.go(20, 0.05)
    assert run.said[-1] == "", "it clears when the run recovers"
    assert run.dog.remark, "the recipe still tells of it"


def test_waiting_for_a_model_is_not_slowness() -> None:
    run = Run(Watchdog(ORDER, USUAL)).go(10, 0.05)
    for _ in range(40):
        run.now += 0.5
        run.said.append(run.dog.look(run.now, run.done))
    run.go(20, 0.05)
    assert not run.has_warned


def test_units_of_other_kinds_take_their_own_time() -> None:
    run = Run(Watchdog(ORDER, USUAL)).go(100.1, 0.05).go(60, 1.0)
    assert run.done > 2000
    assert not run.has_warned
    run.go(60, 3.0)
    assert run.said[-1] == WARNING


def test_without_earlier_runs_nothing_is_said() -> None:
    assert not Run(Watchdog(ORDER, {"step": 0.05})).go(60, 2.0).has_warned
    assert not Run(Watchdog((), {})).go(60, 2.0).has_warned


def test_the_usual_is_the_middle_of_the_last_nine_where_memory_can_spill(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for seconds in (99.0, *([0.04] * 4), 5.0, *([0.06] * 4)):
        learn("m cuda tokens", {"step": seconds})
    monkeypatch.setattr(watchdog, "is_wsl", lambda: True)
    assert usual_pace("m cuda tokens", "cuda", (("step", 9),)) == {"step": 0.06}
    assert usual_pace("m cuda tokens int8", "cuda", (("step", 9),)) == {}
    assert usual_pace("m cuda tokens", "cpu", (("step", 9),)) == {}
    monkeypatch.setattr(watchdog, "is_wsl", lambda: False)
    assert usual_pace("m cuda tokens", "cuda", (("step", 9),)) == {}
