"""A song that begins with another one's latents: what it shares is the same to the bit, the rest goes on."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from core.engine import Verdict
from core.levo.accidents import Accidents
from core.levo.artifacts import Conditions, Latents, Start, Tokens
from core.levo.shapes import EDGE_SAMPLES, SAMPLES_PER_FRAME
from core.levo.synthesis.flow import Problem
from core.levo.synthesis.render import Synthesis, render
from core.levo.vae import decode_whole

WINDOW, CARRIED = 24, 6
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
        seen.append((codes[0], carried[0], noise[0]))
        return pose(codes, carried, noise)

    monkeypatch.setattr(models.flow, "problem", note)
    return seen


def goes_on(first: Tokens, then: Tokens, frames: int) -> Tokens:
    """The first codes of one song, then those of another."""
    return Tokens(torch.cat((first.codes[:, :frames], then.codes[:, frames:]), dim=1))


def start_of(tokens: Tokens, latents: Latents | None, frames: int, stems: Sequence[str] = ALL) -> Start:
    assert latents is not None
    kept = {stem: latents.stems[stem][:frames] for stem in stems if stem in latents.stems}
    return Start(tokens.codes[:, :frames], kept)


def equal_up_to(one: Tensor, other: Tensor) -> int:
    """Samples before the first in which two sounds differ."""
    length = min(one.shape[1], other.shape[1])
    differ = (one[:, :length] != other[:, :length]).any(dim=0).nonzero()
    return int(differ[0]) if len(differ) else length


@pytest.mark.parametrize("frames", [1, 24, 50])
def test_latents_are_those_of_the_sound_each_frame_once(
    models: Synthesis,
    make_run: MakeRun,
    make_tokens: MakeTokens,
    make_conditions: MakeConditions,
    frames: int,
) -> None:
    run = make_run()
    led = make_conditions(codes=5, latents=5)
    latents = render(models, make_tokens(frames), led, run, chunk=32, stems=ALL)
    assert latents is not None
    assert {stem: each.shape for stem, each in latents.stems.items()} == dict.fromkeys(ALL, (frames, 4))
    assert all(each.dtype == torch.float32 for each in latents.stems.values())
    for stem, each in latents.stems.items():
        assert torch.equal(decode_whole(models.decoder, each, chunk=32), run.stem(stem))


@pytest.mark.parametrize(
    "accidents", [Accidents(fade="linear"), Accidents(tiled=True), Accidents(skew=True)], ids=str
)
def test_accidents_leave_no_latents(
    models: Synthesis,
    make_run: MakeRun,
    make_tokens: MakeTokens,
    make_conditions: MakeConditions,
    accidents: Accidents,
) -> None:
    run = make_run()
    assert render(models, make_tokens(30), make_conditions(), run, chunk=32, accidents=accidents) is None
    assert set(run.log) == {"step", "audio"}


@pytest.mark.parametrize(("whole", "known", "then", "chunk"), [
    (60, 30, 60, 16), (50, 30, 31, 8), (50, 31, 37, 64), (40, 12, 80, 32), (40, 3, 40, 16), (40, 30, 30, 8),
    (25, 25, 60, 64), (33, 33, 50, 16),
])  # fmt: skip
def test_up_to_the_edge_of_the_decoder_the_sound_is_the_same_to_the_bit(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions,
    whole: int, known: int, then: int, chunk: int,
) -> None:  # fmt: skip
    """Also for a song that ends soon after, and for one that goes on behind the other's end."""
    parent, child = make_run(), make_run()
    tokens = make_tokens(whole)
    latents = render(models, tokens, make_conditions(), parent, chunk=chunk)
    start = start_of(tokens, latents, known)
    other = goes_on(tokens, make_tokens(then, seed=6), known)
    made = render(models, other, make_conditions(), child, chunk=chunk, start=start)
    assert latents is not None
    assert made is not None
    assert child.sound.shape == (2, then * SAMPLES_PER_FRAME)
    assert child.sound.isfinite().all()
    assert torch.equal(made.stems["mix"][:known], latents.stems["mix"][:known])
    place = known * SAMPLES_PER_FRAME
    same = equal_up_to(parent.sound, child.sound)
    assert same >= max(0, place - EDGE_SAMPLES)
    assert same <= place or known == min(whole, then)
    if whole != then and known > 9:
        assert same < place, "the edge is not wider than it has to be"


def test_what_follows_a_start_is_another_song(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    """With the very same codes the rest differs too: other windows begin from other noise."""
    parent, child = make_run(), make_run()
    tokens = make_tokens(60)
    latents = render(models, tokens, make_conditions(), parent, chunk=32)
    start = start_of(tokens, latents, 30)
    render(models, tokens, make_conditions(), child, chunk=32, start=start)
    place = 30 * SAMPLES_PER_FRAME
    assert not torch.allclose(child.sound[:, place:], parent.sound[:, place:])


@pytest.mark.parametrize("known", [2, 6, 30])
def test_the_first_window_carries_the_last_known_latents_with_the_codes_of_their_places(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions,
    posed: list[tuple[Tensor, Tensor, Tensor]], known: int,
) -> None:  # fmt: skip
    tokens = make_tokens(60)
    latents = render(models, tokens, make_conditions(), make_run(), chunk=32, stems=ALL)
    start = start_of(tokens, latents, known)
    posed.clear()
    render(models, tokens, make_conditions(), make_run(), chunk=32, stems=ALL, start=start)
    back = min(known, CARRIED)
    for number, stem in enumerate(ALL):
        assert torch.equal(posed[number][1], start.stems[stem][known - back :])
    for place in range(0, len(posed), 3):
        begins = known - back + place // 3 * (WINDOW - CARRIED)
        assert torch.equal(posed[place][0], tokens.codes[1:, begins : begins + WINDOW])
    solved = posed[0][0].shape[1] + sum(codes.shape[1] - CARRIED for codes, _, _ in posed[3::3])
    assert solved == 60 - known + back, "known frames are not solved again"


def test_noise_behind_a_start_is_nobody_elses(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions,
    posed: list[tuple[Tensor, Tensor, Tensor]],
) -> None:  # fmt: skip
    """It depends on seed and place alone: the same again, another where the song is cut elsewhere."""
    tokens = make_tokens(60)
    latents = render(models, tokens, make_conditions(), make_run(), chunk=32)
    rows = [{tuple(frame.tolist()) for _, _, noise in posed for frame in noise}]
    for known in (30, 30, 31):
        posed.clear()
        start = start_of(tokens, latents, known)
        render(models, tokens, make_conditions(), make_run(), chunk=32, start=start)
        rows.append({tuple(frame.tolist()) for _, _, noise in posed for frame in noise})
    whole, first, again, elsewhere = rows
    assert first == again
    assert not whole & first
    assert not whole & elsewhere
    assert not first & elsewhere


@pytest.mark.parametrize(("known", "of_prompt"), [(2, 4), (6, 0), (30, 0)])
def test_behind_a_start_a_prompt_is_carried_only_where_there_is_room_for_it(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions,
    posed: list[tuple[Tensor, Tensor, Tensor]], known: int, of_prompt: int,
) -> None:  # fmt: skip
    led = make_conditions(codes=5, latents=5)
    tokens = make_tokens(50)
    parent, child = make_run(), make_run()
    latents = render(models, tokens, led, parent, chunk=32)
    start = start_of(tokens, latents, known)
    posed.clear()
    render(models, tokens, led, child, chunk=32, start=start)
    codes, carried, _ = posed[0]
    assert torch.equal(carried[:of_prompt], led.prompt_latents[0, 5 - of_prompt :])
    assert torch.equal(carried[of_prompt:], start.stems["mix"][-CARRIED:])
    all_codes = torch.cat((led.prompt_codes[1:], tokens.codes[1:]), dim=1)
    begins = 5 + known - CARRIED
    assert torch.equal(codes, all_codes[:, begins : begins + WINDOW])
    assert child.sound.shape == parent.sound.shape
    assert equal_up_to(parent.sound, child.sound) >= known * SAMPLES_PER_FRAME - EDGE_SAMPLES


@pytest.mark.parametrize("left", [(), ("mix",), ("mix", "backing")])
def test_without_the_latents_of_every_stem_all_is_made_anew_and_told(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions,
    left: tuple[str, ...],
) -> None:  # fmt: skip
    plain, child = make_run(), make_run()
    tokens, stems = make_tokens(50), ("mix", "vocal")
    latents = render(models, tokens, make_conditions(), plain, chunk=32, stems=stems)
    start = start_of(tokens, latents, 30, left)
    render(models, tokens, make_conditions(), child, chunk=32, stems=stems, start=start)
    assert all(torch.equal(child.stem(stem), plain.stem(stem)) for stem in stems)
    told = [line for line in child.log if line.startswith("the audio before the start was made anew: ")]
    assert len(told) == 1
    assert "vocal" in told[0]


@pytest.mark.parametrize("why", ["compatibility", "other codes", "another shape"])
def test_latents_that_are_of_no_use_are_not_used_and_it_is_told_why(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions, why: str
) -> None:
    tokens, run = make_tokens(50), make_run()
    latents = render(models, tokens, make_conditions(), make_run(), chunk=32)
    start = start_of(tokens, latents, 30)
    accidents = Accidents(fade="linear") if why == "compatibility" else Accidents()
    if why == "other codes":
        tokens = make_tokens(50, seed=6)
    if why == "another shape":
        start = Start(start.codes, {"mix": torch.zeros(30, 5)})
    plain = make_run()
    render(models, tokens, make_conditions(), plain, chunk=32, accidents=accidents)
    render(models, tokens, make_conditions(), run, chunk=32, accidents=accidents, start=start)
    assert [why in line for line in run.log if line.startswith("the audio")] == [True]
    assert torch.equal(run.sound, plain.sound)


def test_latents_hold_no_further_than_they_reach_and_the_codes_agree(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    tokens, stems = make_tokens(50), ("mix", "vocal")
    latents = render(models, tokens, make_conditions(), make_run(), chunk=32, stems=stems)
    assert latents is not None
    reach = {"mix": 20, "vocal": 25}
    short = Start(tokens.codes[:, :30], {stem: latents.stems[stem][: reach[stem]] for stem in stems})
    made = render(models, tokens, make_conditions(), make_run(), chunk=32, stems=stems, start=short)
    assert made is not None
    for stem in ("mix", "vocal"):
        same = (made.stems[stem] == latents.stems[stem]).all(dim=1).tolist()
        assert all(same[:20])
        assert not any(same[20:])
    changed = Tokens(tokens.codes.clone())
    changed.codes[2, 17] = (changed.codes[2, 17] + 1) % 16
    start = start_of(tokens, latents, 30)
    made = render(models, changed, make_conditions(), make_run(), chunk=32, start=start)
    assert made is not None
    assert torch.equal(made.stems["mix"][:17], latents.stems["mix"][:17])
    assert not torch.equal(made.stems["mix"][17], latents.stems["mix"][17])


def test_a_child_of_a_child_keeps_what_both_keep(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    sounds, tokens, latents = [], make_tokens(60), None
    for seed, known in ((5, 0), (6, 40), (7, 25)):
        run = make_run()
        start = start_of(tokens, latents, known) if known else None
        tokens = goes_on(tokens, make_tokens(60, seed=seed), known)
        latents = render(models, tokens, make_conditions(), run, chunk=32, start=start)
        sounds.append(run.sound)
    first, second, third = sounds
    assert 25 * SAMPLES_PER_FRAME - EDGE_SAMPLES <= equal_up_to(first, third) < 25 * SAMPLES_PER_FRAME
    assert 25 * SAMPLES_PER_FRAME - EDGE_SAMPLES <= equal_up_to(second, third) < 25 * SAMPLES_PER_FRAME
    assert 40 * SAMPLES_PER_FRAME - EDGE_SAMPLES <= equal_up_to(first, second) < 40 * SAMPLES_PER_FRAME


@pytest.mark.parametrize("stems", [("mix",), ALL])
@pytest.mark.parametrize(("at", "frames"), [(1, 30), (4, 48), (10_000, 60)])
def test_a_stop_behind_a_start_keeps_the_start_and_the_window_being_solved(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions,
    stems: tuple[str, ...], at: int, frames: int,
) -> None:  # fmt: skip
    """Stopped while the start is decoded, it is the start; progress never goes back and comes to its end."""
    tokens = make_tokens(60)
    start = Start(tokens.codes[:, :30], dict.fromkeys(stems, torch.ones(30, 4)))
    run = make_run(answer=lambda done: Verdict.FINISH if done == at * len(stems) else Verdict.GO)
    made = render(models, tokens, make_conditions(), run, chunk=16, stems=stems, start=start)
    assert made is not None
    assert {len(each) for each in made.stems.values()} == {frames}
    assert {run.stem(name).shape[1] for name in stems} == {frames * SAMPLES_PER_FRAME}
    done = [step for step, _ in run.steps]
    assert done == sorted(done)
    assert len({total for _, total in run.steps}) == 1
    assert run.steps[-1][0] == run.steps[-1][1]
    if at > 1000:
        assert run.steps[-1][1] == len(stems) * (2 * 3 + 4) == len(run.steps)
