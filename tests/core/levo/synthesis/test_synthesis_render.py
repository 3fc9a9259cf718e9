"""Phase 3 as a whole: exact length, honest progress, stops, the reference, and noise that stays in place."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from core.engine import Verdict
from core.errors import Cancelled, SongdeskError
from core.levo.artifacts import Conditions, Tokens
from core.levo.shapes import SAMPLES_PER_FRAME, VAE_CONTEXT
from core.levo.synthesis.flow import Problem
from core.levo.synthesis.render import Synthesis, render

WINDOW, CARRIED = 24, 6
MakeRun = Callable[..., Any]
MakeTokens = Callable[..., Tokens]
MakeConditions = Callable[..., Conditions]


@pytest.mark.parametrize("frames", [1, 23, 24, 25, 42, 43, 70])
def test_the_sound_has_exactly_1920_samples_per_frame(
    models: Synthesis,
    make_run: MakeRun,
    make_tokens: MakeTokens,
    make_conditions: MakeConditions,
    frames: int,
) -> None:
    run = make_run()
    render(models, make_tokens(frames), make_conditions(), run, chunk=8)
    assert run.sound.shape == (2, frames * SAMPLES_PER_FRAME)
    assert run.sound.isfinite().all()


def test_progress_counts_up_to_a_total_known_from_the_start(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    run = make_run()
    render(models, make_tokens(50), make_conditions(), run, chunk=8)
    total = 3 * 3 + 7
    assert run.steps == [(done, total) for done in range(1, total + 1)]


def test_sound_is_given_before_the_next_window_is_solved(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    run = make_run()
    render(models, make_tokens(50), make_conditions(), run, chunk=8)
    assert run.log.index("audio") == 3  # after the Euler steps of one window


def test_finish_ends_the_song_with_the_window_being_solved(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    whole = make_run()
    render(models, make_tokens(70), make_conditions(), whole, chunk=8)
    cut = make_run(answer=lambda done: Verdict.FINISH if done == 2 else Verdict.GO)
    render(models, make_tokens(70), make_conditions(), cut, chunk=8)
    assert cut.sound.shape == (2, WINDOW * SAMPLES_PER_FRAME)
    sure = (WINDOW - VAE_CONTEXT) * SAMPLES_PER_FRAME
    torch.testing.assert_close(cut.sound[:, :sure], whole.sound[:, :sure], rtol=0, atol=1e-5)
    done, total = cut.steps[-1]
    assert done == total == whole.steps[-1][1]


@pytest.mark.parametrize("when", [1, 4, 9])
def test_cancelled_passes_through_and_nothing_follows_it(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions, when: int
) -> None:
    def answer(done: int) -> Verdict:
        if done == when:
            raise Cancelled
        return Verdict.GO

    run = make_run(answer=answer)
    with pytest.raises(Cancelled):
        render(models, make_tokens(70), make_conditions(), run, chunk=8)
    assert len(run.steps) == when


def test_the_same_seed_gives_the_same_sound_and_another_does_not(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    first, again, other = make_run(seed=1), make_run(seed=1), make_run(seed=2)
    for run in (first, again, other):
        render(models, make_tokens(30), make_conditions(), run, chunk=8)
    assert torch.equal(first.sound, again.sound)
    assert not torch.allclose(first.sound, other.sound)


def test_a_beginning_that_did_not_change_sounds_the_same(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    short, long = make_run(), make_run()
    render(models, make_tokens(42), make_conditions(), short, chunk=8)  # two full windows
    render(models, make_tokens(70), make_conditions(), long, chunk=8)
    sure = (42 - VAE_CONTEXT) * SAMPLES_PER_FRAME
    torch.testing.assert_close(short.sound[:, :sure], long.sound[:, :sure], rtol=0, atol=1e-5)


def test_windows_draw_different_noise(
    models: Synthesis, make_run: MakeRun, make_conditions: MakeConditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    noises: list[torch.Tensor] = []
    pose = models.flow.problem

    def note(codes: torch.Tensor, carried: torch.Tensor, noise: torch.Tensor) -> Problem:
        noises.append(noise[0])
        return pose(codes, carried, noise)

    monkeypatch.setattr(models.flow, "problem", note)
    render(models, Tokens(torch.zeros(3, 60, dtype=torch.int64)), make_conditions(), make_run(), chunk=8)
    assert [len(noise) for noise in noises] == [24, 24, 24]
    assert not torch.allclose(noises[0], noises[1])
    assert not torch.allclose(noises[1][CARRIED:], noises[2][CARRIED:])


@pytest.mark.parametrize("prompt", [0, 5])
def test_each_window_carries_the_last_latents_of_the_one_before(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions,
    monkeypatch: pytest.MonkeyPatch, prompt: int,
) -> None:  # fmt: skip
    given: list[torch.Tensor] = []
    made: list[torch.Tensor] = []
    pose, window = models.flow.problem, models.flow.window

    def note_given(codes: torch.Tensor, carried: torch.Tensor, noise: torch.Tensor) -> Problem:
        given.append(carried)
        return pose(codes, carried, noise)

    def note_made(*args: Any, **options: Any) -> torch.Tensor:
        made.append(window(*args, **options))
        return made[-1]

    monkeypatch.setattr(models.flow, "problem", note_given)
    monkeypatch.setattr(models.flow, "window", note_made)
    conditions = make_conditions(codes=prompt, latents=prompt)
    render(models, make_tokens(60), conditions, make_run(), chunk=8)
    assert len(made) >= 3
    assert torch.equal(given[0][0], conditions.prompt_latents[0])
    for before, after in zip(made, given[1:], strict=False):
        assert torch.equal(after, before[:, -CARRIED:])


def test_the_mixed_codes_are_not_read(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    tokens = make_tokens(20)
    other = Tokens(torch.cat((torch.full((1, 20), 16), tokens.codes[1:])))
    runs = make_run(), make_run()
    for run, codes in zip(runs, (tokens, other), strict=True):
        render(models, codes, make_conditions(), run, chunk=8)
    assert torch.equal(runs[0].sound, runs[1].sound)


def test_a_reference_is_carried_into_the_first_window_and_not_played(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    plain, led = make_run(), make_run()
    render(models, make_tokens(30), make_conditions(), plain, chunk=8)
    render(models, make_tokens(30), make_conditions(codes=5, latents=5), led, chunk=8)
    assert led.sound.shape == plain.sound.shape
    assert not torch.allclose(led.sound, plain.sound)


def test_a_surplus_prompt_code_neither_delays_nor_changes_the_song(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    exact = make_conditions(codes=6, latents=5)
    trimmed = replace(exact, prompt_codes=exact.prompt_codes[:, :5])
    runs = make_run(), make_run()
    for run, conditions in zip(runs, (exact, trimmed), strict=True):
        render(models, make_tokens(30), conditions, run, chunk=8)
    assert torch.equal(runs[0].sound, runs[1].sound)


@pytest.mark.parametrize("stray", [-1, 16, 17])
def test_ids_that_are_no_codes_are_refused_before_anything_is_made(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions, stray: int
) -> None:
    tokens = make_tokens(20)
    tokens.codes[2, 7] = stray
    run = make_run()
    with pytest.raises(SongdeskError, match="not codes of this model"):
        render(models, tokens, make_conditions(), run, chunk=8)
    assert run.log == []
