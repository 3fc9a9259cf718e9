"""Threads of the processor: measured once, kept, and by rule where that is not to be had."""

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch

from core import threads
from core.paths import thread_file
from core.threads import Threads, chosen, counts, rule, threads_for


@pytest.fixture
def laps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[int, ...]]:
    """On a machine of four cores where two threads are fastest: what was measured, in turn."""
    seen: list[tuple[int, ...]] = []

    def measured(kind: str, width: int, tried: tuple[int, ...]) -> dict[int, float]:
        seen.append(tried)
        return {count: 1.0 + abs(count - 2) for count in tried}

    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 4)
    monkeypatch.setattr(threads, "measured", measured)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return seen


def test_it_is_measured_once_and_then_stays_whatever_the_machine_does(
    laps: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = threads_for("sound", 2200)
    assert (first.count, first.is_rule) == (2, False)
    monkeypatch.setattr(threads, "measured", lambda *_: pytest.fail("measured again"))
    assert threads_for("sound", 2200) == first
    assert laps == [(1, 2, 4)]


def test_kinds_widths_and_machines_are_kept_apart(
    laps: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads_for("sound", 2200)
    threads_for("steps", 2200)
    threads_for("steps", 192)
    monkeypatch.setattr(threads, "processor_name", lambda: "another one")
    threads_for("steps", 192)
    assert len(laps) == 4
    assert len(json.loads(thread_file().read_text())) == 4


def test_where_it_cannot_be_kept_the_rule_holds(
    laps: list[tuple[int, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    found = threads_for("sound", 2200)
    assert (found.count, found.is_rule) == (4, True)
    assert "kept" in found.why


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"x": 1}', '{"x": {"a": "b"}}'])
def test_a_damaged_file_is_measured_anew(laps: list[tuple[int, ...]], damage: str) -> None:
    thread_file().parent.mkdir(parents=True)
    thread_file().write_text(damage)
    assert threads_for("sound", 2200).count == 2
    assert threads_for("sound", 2200).count == 2
    assert len(laps) == 1


def test_a_machine_of_one_core_is_not_measured(
    laps: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 1)
    assert threads_for("sound", 2200) == Threads(1, "one core")
    assert laps == []


@pytest.mark.parametrize(
    ("seconds", "count", "is_rule"),
    [
        ({1: 1.0, 2: 0.95, 4: 2.0}, 1, True),
        ({1: 1.0, 2: 0.5, 4: 2.0}, 2, False),
        ({1: 1.0, 2: 1.0, 4: 1.0}, 1, True),
        ({2: 1.0, 4: 0.5}, 4, False),
    ],
)
def test_another_count_is_taken_when_it_is_clearly_faster(
    seconds: dict[int, float], count: int, *, is_rule: bool
) -> None:
    found = chosen(seconds, 1)
    assert (found.count, found.is_rule) == (count, is_rule)


def test_the_rule_gives_narrow_steps_one_thread_and_sound_every_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 6)
    assert (rule("steps", 192), rule("steps", 2048), rule("sound", 192)) == (1, 6, 6)


def test_few_counts_are_tried() -> None:
    assert [counts(most) for most in (1, 2, 3, 8, 64)] == [
        (1,),
        (1, 2),
        (1, 2, 3),
        (1, 2, 4, 8),
        (1, 2, 32, 64),
    ]


@pytest.mark.parametrize("kind", ["steps", "sound"])
def test_what_is_measured_is_work_on_so_many_threads(
    kind: threads.Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    before = torch.get_num_threads()

    def lap(work: Callable[[], object]) -> float:
        work()
        seen.append(torch.get_num_threads())
        return 3.0 if torch.get_num_threads() == 1 else 2.0

    monkeypatch.setattr(threads, "_lap", lap)
    assert threads.measured(kind, 64, (1, 2)) == {1: 3.0, 2: 2.0}
    assert sorted(seen) == [1] * 5 + [2] * 5
    assert torch.get_num_threads() == before


def test_a_lap_is_as_long_as_a_clock_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100))
    monkeypatch.setattr("core.threads.time.perf_counter", lambda: 0.005 * next(ticks))
    runs: list[int] = []
    seconds = threads._lap(lambda: runs.append(1))
    assert len(runs) > 2
    assert seconds == pytest.approx(0.005 * (len(runs) + 1) / len(runs))


@pytest.mark.parametrize(
    ("device", "is_rule", "told"),
    [("cpu", False, ["the processor worked on 3 threads: measured"]), ("cpu", True, []), ("cuda", False, [])],
)
def test_a_stage_tells_of_a_count_that_other_machines_do_not_take(
    monkeypatch: pytest.MonkeyPatch, device: str, *, is_rule: bool, told: list[str]
) -> None:
    """On an accelerator nothing is measured."""
    engine: Any = import_module("core.levo.engine")
    monkeypatch.setattr(engine, "threads_for", lambda *_: Threads(3, "measured", is_rule=is_rule))
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 2)
    notes: list[str] = []
    run = SimpleNamespace(device=torch.device(device), note=notes.append)
    assert engine._threads("sound", 2200, run) == (3 if device == "cpu" else 2)
    assert notes == told
    engine._threads("sound", 224, run)
    assert notes == told, "it changes nothing in a small model"
