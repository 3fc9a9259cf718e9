"""One window of flow matching: its input channels, its guidance, and what it carries in."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor

from core.levo.synthesis.euler import SIGMA_MIN, Problem, Schedule, solve
from core.levo.synthesis.flow import Flow, Normaliser
from core.levo.synthesis.render import Synthesis

FRAMES, CARRIED, STEPS = 14, 5, 4
MARKS, CONTEXT, CONDITION, STATE = slice(0, 4), slice(4, 8), slice(8, 20), slice(20, 24)


@pytest.fixture
def flow(models: Synthesis) -> Flow:
    return models.flow


@pytest.fixture
def schedule(flow: Flow) -> Schedule:
    return flow.schedule(STEPS)


@pytest.fixture
def carried() -> Tensor:
    return torch.randn(1, CARRIED, 4, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def problem(flow: Flow, carried: Tensor) -> Problem:
    draw = torch.Generator().manual_seed(2)
    codes = torch.randint(0, 16, (1, 2, FRAMES), generator=draw)
    return flow.problem(codes, carried, torch.randn(1, FRAMES, 4, generator=draw))


@contextmanager
def inputs_seen(flow: Flow) -> Iterator[list[Tensor]]:
    seen: list[Tensor] = []
    hook = flow.transformer.register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))
    yield seen
    hook.remove()


def test_carried_frames_come_out_as_they_went_in(
    flow: Flow, schedule: Schedule, problem: Problem, carried: Tensor
) -> None:
    latents = flow.window(problem, schedule, guidance=1.5, tick=lambda: None)
    assert latents.shape == (1, FRAMES, 4)
    torch.testing.assert_close(latents[:, :CARRIED], carried, rtol=0, atol=1e-6)
    assert not torch.allclose(latents[:, CARRIED:], flow.normaliser.latents(problem.noise[:, CARRIED:]))


def test_the_pass_without_codes_comes_first_and_lacks_nothing_else(
    flow: Flow, schedule: Schedule, problem: Problem
) -> None:
    with inputs_seen(flow) as seen:
        flow.window(problem, schedule, guidance=1.5, tick=lambda: None)
    assert len(seen) == STEPS
    for x in seen:
        blind, seeing = x
        assert not blind[:, CONDITION].any()
        assert torch.equal(seeing[:, CONDITION], problem.condition[0])
        for channels in (MARKS, CONTEXT, STATE):
            assert torch.equal(blind[:, channels], seeing[:, channels])


def test_marks_and_context_tell_carried_frames_from_new_ones(
    flow: Flow, schedule: Schedule, problem: Problem
) -> None:
    with inputs_seen(flow) as seen:
        flow.window(problem, schedule, guidance=1, tick=lambda: None)
    first = seen[0][0]
    rows = flow.marks.weight
    assert torch.equal(first[:CARRIED, MARKS], rows[0].expand(CARRIED, -1))
    assert torch.equal(first[CARRIED:, MARKS], rows[1].expand(FRAMES - CARRIED, -1))
    assert torch.equal(first[:CARRIED, CONTEXT], problem.carried[0])
    assert not first[CARRIED:, CONTEXT].any()


def test_carried_frames_travel_from_their_noise_to_what_is_known(
    flow: Flow, schedule: Schedule, problem: Problem
) -> None:
    with inputs_seen(flow) as seen:
        flow.window(problem, schedule, guidance=1, tick=lambda: None)
    for step, x in enumerate(seen):
        time = step / STEPS
        between = (1 - (1 - SIGMA_MIN) * time) * problem.noise[0, :CARRIED] + time * problem.carried[0]
        torch.testing.assert_close(x[0, :CARRIED, STATE], between)


def test_condition_holds_vocal_then_backing(flow: Flow, problem: Problem) -> None:
    draw = torch.Generator().manual_seed(2)
    vocal, backing = torch.randint(0, 16, (1, 2, FRAMES), generator=draw)[0]
    torch.testing.assert_close(problem.condition[0, :, :6], flow.vocal.decode(vocal))
    torch.testing.assert_close(problem.condition[0, :, 6:], flow.backing.decode(backing))


@pytest.mark.parametrize("guidance", [1.0, 0.5])
def test_without_guidance_one_pass_is_made_and_gives_what_two_would(
    flow: Flow, schedule: Schedule, problem: Problem, guidance: float
) -> None:
    with inputs_seen(flow) as seen:
        alone = flow.window(problem, schedule, guidance=guidance, tick=lambda: None)
    assert {len(x) for x in seen} == {1}
    both = flow.window(problem, schedule, guidance=1 + 1e-6, tick=lambda: None)
    torch.testing.assert_close(alone, both, rtol=1e-4, atol=1e-4)


def test_guidance_moves_the_result(flow: Flow, schedule: Schedule, problem: Problem) -> None:
    mild, strong = (flow.window(problem, schedule, guidance=g, tick=lambda: None) for g in (1.0, 4.0))
    assert (mild - strong).abs().max() > 1e-3


def test_one_euler_step_is_noise_plus_velocity(flow: Flow, problem: Problem) -> None:
    once = flow.schedule(1)
    with inputs_seen(flow) as seen:
        state = solve(flow.transformer, problem, once, guidance=1, tick=lambda: None)
    velocity = flow.transformer(seen[0], once.modulation.at(0), flow.transformer.rope(FRAMES))
    torch.testing.assert_close(state[:, CARRIED:], (problem.noise + velocity)[:, CARRIED:])


def test_it_ticks_once_per_step_and_a_tick_may_end_it(
    flow: Flow, schedule: Schedule, problem: Problem
) -> None:
    ticks: list[int] = []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError), inputs_seen(flow) as seen:
        flow.window(problem, schedule, guidance=1.5, tick=tick)
    assert len(seen) == 2


def test_the_start_noise_is_left_as_it_was(flow: Flow, schedule: Schedule, problem: Problem) -> None:
    before = problem.noise.clone()
    flow.window(problem, schedule, guidance=1.5, tick=lambda: None)
    assert torch.equal(problem.noise, before)


def test_songs_side_by_side_come_out_as_alone(flow: Flow, schedule: Schedule) -> None:
    draw = torch.Generator().manual_seed(8)
    codes = torch.randint(0, 16, (2, 2, FRAMES), generator=draw)
    carried, noise = torch.randn(2, CARRIED, 4, generator=draw), torch.randn(2, FRAMES, 4, generator=draw)
    both = flow.window(flow.problem(codes, carried, noise), schedule, guidance=1.5, tick=lambda: None)
    for row in range(2):
        one = slice(row, row + 1)
        alone = flow.problem(codes[one], carried[one], noise[one])
        torch.testing.assert_close(
            flow.window(alone, schedule, guidance=1.5, tick=lambda: None)[0], both[row]
        )


def test_the_normaliser_undoes_itself_and_does_not_learn(flow: Flow) -> None:
    normaliser: Normaliser = flow.normaliser
    before = (normaliser.mean.clone(), normaliser.deviation.clone())
    latents = torch.randn(3, 50, 4) * 7 + 2
    torch.testing.assert_close(normaliser.latents(normaliser.normal(latents)), latents)
    assert torch.equal(normaliser.mean, before[0])
    assert torch.equal(normaliser.deviation, before[1])


def test_the_normaliser_learns_nothing_from_what_passes_through(
    flow: Flow, schedule: Schedule, problem: Problem
) -> None:
    before = {key: value.clone() for key, value in flow.normaliser.state_dict().items()}
    flow.window(problem, schedule, guidance=1.5, tick=lambda: None)
    flow.normaliser.normal(torch.full((3, 4), 100.0))
    assert all(torch.equal(value, before[key]) for key, value in flow.normaliser.state_dict().items())


def test_angles_and_times_are_worked_out_once_for_all_steps(
    flow: Flow, problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = flow.schedule(STEPS)

    def again(*_: object) -> None:
        raise AssertionError("worked out again")

    monkeypatch.setattr("core.levo.synthesis.transformer.rope_table", again)
    monkeypatch.setattr("core.levo.synthesis.transformer.sinusoids", again)
    flow.window(problem, schedule, guidance=1.5, tick=lambda: None)
