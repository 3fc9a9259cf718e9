"""The Euler step as a device replays it: what is recorded, when it is trusted, and that nothing moves."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from core.levo.artifacts import Conditions, Tokens
from core.levo.graphs import Work
from core.levo.synthesis import trial
from core.levo.synthesis.euler import Problem, Record, Replays, Step, solve
from core.levo.synthesis.flow import Flow
from core.levo.synthesis.render import Means, Synthesis, render

CPU = torch.device("cpu")
STEPS = 3


@pytest.fixture
def flow(models: Synthesis) -> Flow:
    return models.flow


def problem(flow: Flow, frames: int = 14, carried: int = 5, seed: int = 2) -> Problem:
    draw = torch.Generator().manual_seed(seed)
    codes = torch.randint(0, 16, (1, 2, frames), generator=draw)
    known = torch.randn(1, carried, 4, generator=draw)
    return flow.problem(codes, known, torch.randn(1, frames, 4, generator=draw))


def taped(log: list[str]) -> Record:
    """As a device records: trial runs that are undone, then the same places of memory, time and again."""

    def record(work: Work, put_back: Work) -> Work:
        log.append("recorded")
        work()
        put_back()

        def replay() -> None:
            log.append("replayed")
            work()

        return replay

    return record


def replays(record: Record | None, *lengths: int, told: Callable[[str], object] = lambda _: None) -> Replays:
    return Replays(record, lengths, told)


def solved(flow: Flow, given: Problem, with_replays: Replays | None = None, guidance: float = 1.5) -> Tensor:
    schedule = flow.schedule(STEPS, with_replays)
    return solve(flow.transformer, given, schedule, guidance=guidance, tick=lambda: None)


@pytest.mark.parametrize("guidance", [1.0, 1.5])
def test_a_step_is_recorded_once_for_all_windows_of_a_length(flow: Flow, guidance: float) -> None:
    log: list[str] = []
    schedule = flow.schedule(STEPS, replays(taped(log), 14, 9))
    for seed, (frames, carried) in enumerate(((14, 0), (14, 5), (9, 5), (14, 3), (9, 2))):
        given = problem(flow, frames, carried, seed)
        made = solve(flow.transformer, given, schedule, guidance=guidance, tick=lambda: None)
        assert torch.equal(made, solved(flow, given, guidance=guidance))
    assert log.count("recorded") == 2
    assert log.count("replayed") == 2 + 5 * STEPS, "each recording is compared once"


def test_lengths_that_are_not_worth_it_are_not_recorded(flow: Flow) -> None:
    log: list[str] = []
    solved(flow, problem(flow), replays(taped(log), 9))
    assert log == []


def refused(*_: Work) -> Work:
    raise RuntimeError("operation not permitted when stream is capturing\nmore")


def off(work: Work, put_back: Work) -> Work:
    """A device that replays something else."""
    work()
    put_back()
    step: Any = work
    return lambda: step.state.add_(1e-3)


def stuck(work: Work, put_back: Work) -> Work:
    """A device that falls over the first replay."""
    work()
    put_back()
    return lambda: refused()


@pytest.mark.parametrize(
    ("record", "why"), [(refused, "not permitted"), (off, "a replay differs"), (stuck, "not permitted")]
)
def test_a_recording_that_fails_or_differs_is_told_once_and_costs_the_song_nothing(
    flow: Flow, record: Record, why: str
) -> None:
    said: list[str] = []
    schedule = flow.schedule(STEPS, replays(record, 14, told=said.append))
    for seed in range(3):
        given = problem(flow, seed=seed)
        made = solve(flow.transformer, given, schedule, guidance=1.5, tick=lambda: None)
        assert torch.equal(made, solved(flow, given))
    (line,) = said
    assert line.startswith("the flow was computed without replays")
    assert why in line
    assert "\n" not in line


class _HostReads(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Falls over whatever brings a value to the host, which no recording survives."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert "_local_scalar_dense" not in str(func), "a value was read"
        assert "nonzero" not in str(func), "a shape depends on a value"
        return func(*args, **(kwargs or {}))


def test_no_step_reads_a_value_or_moves_a_tensor_that_it_keeps(flow: Flow) -> None:
    schedule = flow.schedule(STEPS)
    with torch.inference_mode():
        step = Step(flow.transformer, schedule, problem(flow), guidance=1.5)

        def places() -> list[int]:
            return [value.data_ptr() for value in vars(step).values() if isinstance(value, Tensor)]

        before = places()
        with _HostReads():  # type: ignore[no-untyped-call]
            for _ in range(STEPS):
                step()
            step.begin(problem(flow, carried=2, seed=3))
        assert places() == before


def test_a_songs_result_is_the_solved_one_and_not_the_place_it_was_solved_in(flow: Flow) -> None:
    kept = replays(taped([]), 14)
    first = solved(flow, problem(flow), kept)
    copy = first.clone()
    solved(flow, problem(flow, seed=9), kept)
    assert torch.equal(first, copy)


def test_a_song_by_replays_is_the_same_and_records_what_comes_often(
    models: Synthesis, make_run: Callable[..., Any], make_tokens: Callable[..., Tokens],
    make_conditions: Callable[..., Conditions],
) -> None:  # fmt: skip
    """Three full windows and a short one."""
    log: list[str] = []
    one, other = make_run(), make_run()
    render(models, make_tokens(70), make_conditions(), one, chunk=8)
    render(models, make_tokens(70), make_conditions(), other, chunk=8, means=Means(record=taped(log)))
    assert torch.equal(one.sound, other.sound)
    assert one.steps == other.steps
    assert log.count("recorded") == 1


def test_the_trial_agrees_where_replays_are_right_and_tells_where_not() -> None:
    assert trial.check(CPU, taped([])) == ""
    assert "not permitted" in trial.check(CPU, refused)
    assert "in float32" in trial.check(CPU, off)


def forgetful(work: Work, put_back: Work) -> Work:
    """A device whose replays are right until the window changes."""
    work()
    put_back()
    count = 0

    def replay() -> None:
        nonlocal count
        count += 1
        work()
        if count > 6:
            step: Any = work
            step.state.add_(1e-4)

    return replay


def test_the_trial_finds_a_replay_that_goes_wrong_later() -> None:
    assert "window 3 is off" in trial.check(CPU, forgetful)


def test_a_processor_makes_steps_one_by_one_and_says_so() -> None:
    record, why = trial.recorder(CPU)
    assert record is None
    assert "processor" in why


@pytest.mark.gpu
def test_a_device_replays_the_steps_to_the_bit() -> None:
    assert trial.check(torch.device("cuda")) == ""
