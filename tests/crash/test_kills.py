"""Songdesks are killed wherever that may hurt and started again, and nothing is lost.

They are killed about 40 times here, and more than 300 times with `-m slow`.
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.judge import CONTINUE, RUN, Trial, Truth, recipe_in
from tests.crash.trips import Trip
from tests.crash.workplace import Workplace

PLANS = (
    ("toy", "length=4", "schedule=two-pass"),
    ("windowed", "length=6", "format=flac", "stems=mix+vocal+backing"),
    ("windowed", "length=5", "format=mp3", "decode_chunk=16"),
    ("windowed", "length=6", "decode_chunk=8", "ahead=on"),
)
SLICES = 16
"""Every event of a run is in one of so many tests."""


def at_its_files(trial: Trial, seed: int, *, kills: int) -> None:
    """Kill one after the other at something it does to a file, and let the last one be."""
    draw = random.Random(seed)
    for _ in range(kills):
        trial.strike(*RUN, trip=Trip("touch", draw.randint(1, trial.truth.counts["touch"])))
    trial.end(*trial.way_on(seed))


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_its_files_again_and_again(trial: Trial, seed: int) -> None:
    at_its_files(trial, seed, kills=4)


def test_killed_in_every_phase(trial: Trial) -> None:
    trips = [("conditions", 1), ("tokens", 1), ("tokens", 30), ("tokens", 60), ("audio", 1), ("audio", 2)]
    for event, n in trips:
        assert trial.strike(*RUN, trip=Trip(event, n)).was_killed
    trial.end(*CONTINUE)


def test_killed_in_the_middle_of_what_it_writes_down(trial: Trial) -> None:
    for n in (1, 2, 1, 1):
        assert trial.strike(*RUN, trip=Trip("write", n, "half")).was_killed
    trial.end(*RUN)


def test_the_power_goes_and_the_end_of_the_journal_with_it(trial: Trial) -> None:
    for n, torn in ((40, 7), (60, 150), (50, 38), (30, 212)):
        assert trial.strike(*RUN, trip=Trip("tokens", n), torn=torn).was_killed
    trial.end(*RUN)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("temperature", 1.5),
        pytest.param("stop", 1, marks=pytest.mark.slow),
        pytest.param("flow_steps", 3, marks=pytest.mark.slow),
    ],
)
def test_what_was_turned_before_is_heard_after(
    known: Callable[..., tuple[Workplace, Truth]], tmp_path: Path, key: str, value: float
) -> None:
    queued, _ = known("toy")
    turn = (40, key, value)
    whole = queued.copy(tmp_path / "whole")
    whole.run(*RUN, trip=Trip("tokens", 1, "nothing", turn))
    trial = Trial(queued.copy(tmp_path / "place"), Truth.of(whole), tmp_path / "scratch")
    (made,) = trial.truth.takes.values()
    assert made.recipe.knobs
    at = Trip("audio", 1, turn=turn) if key == "stop" else Trip("tokens", 70, turn=turn)
    assert trial.strike(*RUN, trip=at).was_killed
    assert trial.strike(*RUN, trip=Trip("audio", 1)).was_killed
    trial.end(*CONTINUE)
    (folder,) = trial.place.takes()
    assert recipe_in(folder).knobs == made.recipe.knobs
    assert recipe_in(folder).state == made.recipe.state


@pytest.mark.parametrize("data", [None, b"no index" * 999], ids=["gone", "nonsense"])
def test_the_index_goes_as_well(trial: Trial, data: bytes | None) -> None:
    assert trial.strike(*RUN, trip=Trip("tokens", 60)).was_killed
    for path in trial.place.library.glob(".songdesk/*"):
        path.unlink()
        if data is not None and path.suffix == ".db":
            path.write_bytes(data)
    trial.end(*CONTINUE)


def test_killed_at_any_moment(trial: Trial) -> None:
    draw = random.Random(5)
    for _ in range(4):
        trial.strike(*RUN, after=draw.uniform(0.05, 0.5))
    trial.end(*RUN)


def test_killed_while_a_song_is_queued(empty: Workplace, trial: Trial, tmp_path: Path) -> None:
    adding = Trial(empty.copy(tmp_path / "adding"), trial.truth, tmp_path / "scratch")
    for n in range(2, 22, 3):
        assert adding.strike(*adding.place.adding(), trip=Trip("touch", n)).was_killed
    adding.settle(*adding.place.adding())


def test_a_render_into_a_folder_is_killed_again_and_again(rendering: Trial) -> None:
    draw, args = random.Random(2), rendering.place.rendering()
    for _ in range(5):
        rendering.strike(*args, trip=Trip("touch", draw.randint(5, rendering.truth.counts["touch"] - 5)))
    rendering.end(*args)


@pytest.mark.slow
def test_the_demo_model_is_killed_and_goes_on(trials: Callable[..., Trial]) -> None:
    trial = trials("demo", "length=1", "flow_steps=2")
    assert trial.strike(*RUN, trip=Trip("tokens", trial.truth.counts["tokens"] - 5)).was_killed
    trial.end(*CONTINUE)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(1, SLICES + 1))
def test_killed_at_every_event(
    known: Callable[..., tuple[Workplace, Truth]], tmp_path: Path, first: int
) -> None:
    queued, truth = known("toy")
    for n in range(first, truth.counts["touch"] + 1, SLICES):
        trial = Trial(queued.copy(tmp_path / str(n)), truth, tmp_path / "scratch")
        trial.strike(*RUN, trip=Trip("touch", n))
        trial.end(*trial.way_on(n))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(8))
def test_killed_at_many_moments(trial: Trial, seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(5):
        trial.strike(*RUN, after=draw.uniform(0.05, 0.9))
    trial.end(*RUN)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan[-1])
def test_killed_whatever_is_asked_for(trials: Callable[..., Trial], plan: tuple[str, ...], seed: int) -> None:
    at_its_files(trials(*plan), seed, kills=4)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("of", ["kin", "drafted"])
def test_killed_while_it_goes_on_from_what_others_have(
    request: pytest.FixtureRequest, tmp_path: Path, of: str, seed: int
) -> None:
    place, truth = request.getfixturevalue(of)
    at_its_files(Trial(place.copy(tmp_path / "place"), truth, tmp_path / "scratch"), seed, kills=4)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(3))
def test_the_demo_model_is_killed_again_and_again(trials: Callable[..., Trial], seed: int) -> None:
    at_its_files(trials("demo", "length=1", "flow_steps=2"), seed, kills=4)


@pytest.mark.slow
def test_killed_at_every_event_of_queueing(empty: Workplace, trial: Trial, tmp_path: Path) -> None:
    for n in range(1, 29):
        adding = Trial(empty.copy(tmp_path / str(n)), trial.truth, tmp_path / "scratch")
        adding.strike(*adding.place.adding(), trip=Trip("touch", n))
        adding.settle(*adding.place.adding())


@pytest.mark.slow
@pytest.mark.parametrize("n", range(1, 121, 4))
def test_a_render_is_killed_at_many_events(rendering: Trial, n: int) -> None:
    args = rendering.place.rendering()
    rendering.strike(*args, trip=Trip("touch", n))
    rendering.end(*args)
