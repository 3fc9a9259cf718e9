"""Signals, full disks and full memories in the middle of the work: what was made stays."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.takes.take import take_of
from tests.crash.judge import CONTINUE, RUN, Trial
from tests.crash.trips import Trip


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SIGTERM", 143),
        pytest.param("SIGHUP", 129, marks=pytest.mark.slow),
        pytest.param("SIGINT", 130, marks=pytest.mark.slow),
    ],
)
def test_told_to_leave_it_pauses_and_the_next_one_goes_on(trial: Trial, name: str, code: int) -> None:
    ran = trial.strike(*RUN, trip=Trip("tokens", 40, name))
    assert ran.status == code, ran.said
    (folder,) = trial.place.takes()
    take = take_of(folder)
    assert take is not None
    assert take.state == "paused"
    trial.end(*RUN)


def test_a_render_told_to_leave_is_gone_on_with(rendering: Trial) -> None:
    args = rendering.place.rendering()
    for event, name in (("tokens", "SIGHUP"), ("audio", "SIGTERM")):
        assert rendering.strike(*args, trip=Trip(event, 2 if event == "audio" else 40, name)).status > 128
    rendering.end(*args)


def test_memory_that_no_way_can_do_with_is_told_in_any_phase_and_costs_nothing(trial: Trial) -> None:
    for event, n, command in (("conditions", 1, RUN), ("tokens", 50, CONTINUE), ("audio", 2, CONTINUE)):
        ran = trial.strike(*command, trip=Trip(event, n, "starve"))
        assert ran.status == 2
        assert "not enough memory for this song" in ran.said
        assert "Traceback" not in ran.said
    trial.end(*CONTINUE)


def test_a_disk_that_refuses_one_write_of_the_journal(trial: Trial) -> None:
    ran = trial.strike(*RUN, trip=Trip("write", 2, "full"))
    assert ran.status == 2
    assert "no space left on device" in ran.said
    trial.end(*CONTINUE)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "songdesk-test", str(disk)]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no small disk: {mounted.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_disk_that_fills_up_in_any_phase_and_is_freed(
    trial: Trial, small_disk: Path, tmp_path: Path
) -> None:
    place = trial.place.copy(small_disk / "place")
    trial = Trial(place, trial.truth, tmp_path / "scratch")
    for event, n in (("tokens", 40), ("audio", 1)):
        ran = trial.strike(*(CONTINUE if place.runs else RUN), trip=Trip(event, n, "ballast"))
        assert ran.status == 2, ran.said
        assert "full" in ran.said or "no space left on device" in ran.said
        (place.root / "ballast").unlink()
    trial.end(*CONTINUE)
