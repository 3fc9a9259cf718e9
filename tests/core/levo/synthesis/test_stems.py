"""Stems: alike in length and noise, without what they leave out, and the mix the same beside them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from core.engine import Verdict
from core.levo.artifacts import Conditions, Tokens
from core.levo.settings import STEM_CHOICES
from core.levo.shapes import SAMPLES_PER_FRAME
from core.levo.synthesis.flow import Flow, Problem
from core.levo.synthesis.render import Synthesis, render
from core.levo.vae import decode_whole
from core.levo.weights import hollow

ALL = ("mix", "vocal", "backing")
MakeRun = Callable[..., Any]
MakeTokens = Callable[..., Tokens]
MakeConditions = Callable[..., Conditions]


@pytest.fixture
def posed(models: Synthesis, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Tensor, Tensor, Tensor]]:
    """What the flow is given for each window: codes, latents it begins with, noise."""
    seen: list[tuple[Tensor, Tensor, Tensor]] = []
    pose = models.flow.problem

    def note(codes: Tensor, carried: Tensor, noise: Tensor) -> Problem:
        seen.append((codes, carried, noise))
        return pose(codes, carried, noise)

    monkeypatch.setattr(models.flow, "problem", note)
    return seen


def test_stems_are_as_long_as_the_mix_and_the_mix_is_the_same_without_them(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    alone, together = make_run(), make_run()
    render(models, make_tokens(50), make_conditions(), alone, chunk=8)
    render(models, make_tokens(50), make_conditions(), together, chunk=8, stems=ALL)
    assert {name: together.stem(name).shape for name in ALL} == dict.fromkeys(
        ALL, (2, 50 * SAMPLES_PER_FRAME)
    )
    assert torch.equal(together.stem("mix"), alone.sound)
    assert not torch.allclose(together.stem("vocal"), together.stem("backing"))


def test_what_a_stem_leaves_out_is_the_neutral_code_throughout(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions,
    posed: list[tuple[Tensor, Tensor, Tensor]],
) -> None:  # fmt: skip
    tokens = make_tokens(20)
    led = make_conditions(codes=5, latents=5)
    render(models, tokens, led, make_run(), chunk=8, stems=ALL)
    given = torch.cat((led.prompt_codes[1:, :5], tokens.codes[1:]), dim=1)[:, :24]
    no_vocal, no_backing = models.shapes.quantizer.neutral
    mix, vocal, backing = (codes[0] for codes, _, _ in posed[:3])
    assert torch.equal(mix, given[:, : mix.shape[1]])
    assert torch.equal(vocal[0], mix[0])
    assert (vocal[1] == no_backing).all()
    assert torch.equal(backing[1], mix[1])
    assert (backing[0] == no_vocal).all()


def test_each_stem_is_led_by_its_own_latents_and_all_start_from_one_noise(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions,
    posed: list[tuple[Tensor, Tensor, Tensor]],
) -> None:  # fmt: skip
    led = make_conditions(codes=5, latents=5)
    render(models, make_tokens(15), led, make_run(), chunk=8, stems=ALL)
    assert len(posed) == 3
    for number, (_, carried, noise) in enumerate(posed):
        assert torch.equal(carried[0], led.prompt_latents[number])
        assert torch.equal(noise, posed[0][2])


def test_a_stop_ends_every_stem_at_the_same_frame(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    run = make_run(answer=lambda done: Verdict.FINISH if done == 2 else Verdict.GO)
    render(models, make_tokens(70), make_conditions(), run, chunk=8, stems=ALL)
    assert {run.stem(name).shape[1] for name in ALL} == {24 * SAMPLES_PER_FRAME}
    assert run.steps[-1][0] == run.steps[-1][1]


def test_progress_counts_the_steps_of_every_stem(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    run = make_run()
    render(models, make_tokens(50), make_conditions(), run, chunk=8, stems=("vocal", "backing"))
    total = 2 * (3 * 3 + 7)
    assert run.steps == [(done, total) for done in range(1, total + 1)]
    assert set(run.sounds) == {"vocal", "backing"}


def test_stems_can_be_chosen_in_any_company_and_the_mix_comes_first() -> None:
    assert len(STEM_CHOICES) == 7
    assert all(choice.split("+")[0] == "mix" for choice in STEM_CHOICES if "mix" in choice)


def test_sound_is_given_in_the_order_of_the_song_and_equals_the_file_sample_for_sample(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    """What is heard while it is made is what is kept: pieces join to the song, whatever their windows."""
    streamed, once = make_run(), make_run()
    render(models, make_tokens(60), make_conditions(), streamed, chunk=8)
    solver = models.flow.window
    kept: list[Tensor] = []

    def keep(*given: Any, **options: Any) -> Tensor:
        kept.append(solver(*given, **options))
        return kept[-1]

    models.flow.window = keep  # type: ignore[method-assign]
    try:
        render(models, make_tokens(60), make_conditions(), once, chunk=8)
    finally:
        models.flow.window = solver  # type: ignore[method-assign]
    latents = torch.cat([kept[0][0], *(each[0, 6:] for each in kept[1:])])
    assert torch.equal(streamed.sound, decode_whole(models.decoder, latents, chunk=8))
    assert len(streamed.sounds["mix"]) > 5


@pytest.mark.parametrize(("dtype", "near"), [(torch.bfloat16, 0.2), (torch.float16, 0.02)])
def test_narrow_products_keep_state_norms_and_output_in_fp32(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions,
    dtype: torch.dtype, near: float,
) -> None:  # fmt: skip
    with hollow():
        narrow = Flow(models.shapes, dtype)
    like = narrow.state_dict()
    narrow.load_state_dict(
        {key: value.to(like[key].dtype) for key, value in models.flow.state_dict().items()}, assign=True
    )
    kinds = {key: value.dtype for key, value in narrow.state_dict().items()}
    assert {key for key, kind in kinds.items() if kind == dtype} == {
        f"transformer.blocks.{block}.{name}.{leaf}"
        for block in range(2)
        for name in ("qkv", "out", "up", "down")
        for leaf in ("weight", "bias")
    }
    codes = make_tokens(20).codes[None, 1:]
    noise = torch.randn(1, 20, 4, generator=torch.Generator().manual_seed(1))
    solved = [
        flow.window(
            flow.problem(codes, torch.zeros(1, 0, 4), noise),
            flow.schedule(4),
            guidance=1.5,
            tick=lambda: None,
        )
        for flow in (models.flow, narrow.eval())
    ]
    assert all(latents.dtype == torch.float32 for latents in solved)
    error = (solved[0] - solved[1]).square().mean().sqrt() / solved[0].square().mean().sqrt()
    assert 0 < error < near
    run = make_run()
    render(replace(models, flow=narrow), make_tokens(20), make_conditions(), run, chunk=8)
    assert run.sound.isfinite().all()
