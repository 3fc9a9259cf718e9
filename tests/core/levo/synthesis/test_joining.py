"""Windows become one sound: by default without an edge, and by request as the published programs do."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from core.levo.accidents import NONE, Accidents, accidents_of
from core.levo.artifacts import Conditions, Tokens
from core.levo.settings import settings_of
from core.levo.shapes import SAMPLES_PER_FRAME
from core.levo.synthesis.joining import Faded, Joined, ramps
from core.levo.synthesis.render import Synthesis, render
from core.levo.synthesis.windows import Window, plan_windows, tiled_windows
from core.registry import variant
from core.settings import Values

POSITIONS, CARRIED = 24, 6
MakeRun = Callable[..., Any]
MakeTokens = Callable[..., Tokens]
MakeConditions = Callable[..., Conditions]


def windows_of(latents: Tensor) -> Iterator[tuple[Window, Tensor]]:
    """A song's latents as windows that overlap in the same values."""
    for window in tiled_windows(len(latents), positions=POSITIONS, carried=CARRIED):
        yield window, latents[window.start : window.end]


def joined(joint: Joined | Faded, latents: Tensor) -> Tensor:
    pieces = [piece for window, part in windows_of(latents) for piece in joint.push(window, part)]
    return torch.cat([*pieces, *joint.finish()], dim=1)


@pytest.fixture
def latents() -> Tensor:
    return torch.randn(60, 4, generator=torch.Generator().manual_seed(3))


def test_joined_windows_are_the_whole_song_decoded_at_once(models: Synthesis, latents: Tensor) -> None:
    whole = models.decoder(latents.T[None])[0]
    sound = joined(Joined(models.decoder, chunk=8), latents)
    torch.testing.assert_close(sound, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("fade", ["linear", "power"])
def test_a_fade_is_heard_at_the_edges_of_windows(models: Synthesis, latents: Tensor, fade: Any) -> None:
    """In the middle of an overlap both sides are the same sound: linear gives it back, power 3 dB louder."""
    whole = models.decoder(latents.T[None])[0]
    sound = joined(Faded(models.decoder, fade=fade, carried=CARRIED, chunk=8), latents)
    assert sound.shape == whole.shape
    assert (sound - whole).abs().max() > 1e-4


def test_the_power_fade_is_3_db_too_loud_and_the_linear_one_is_not() -> None:
    for fade, swell in (("power", 2**0.5), ("linear", 1.0)):
        out, into = ramps(fade, 1001, torch.device("cpu"))  # type: ignore[arg-type]
        assert (out + into)[500] == pytest.approx(swell, abs=1e-6)
        assert (out + into)[[0, -1]].tolist() == pytest.approx([1, 1], abs=1e-6)


def test_no_swell_is_heard_every_thirty_seconds_by_default(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    """Q1: against one continuous decode of the same latents the default has no gain anywhere."""
    runs = {}
    for name, accidents in (("ours", NONE), ("fork", Accidents(fade="power"))):
        runs[name] = make_run()
        render(models, make_tokens(60), make_conditions(), runs[name], chunk=8, accidents=accidents)
    ours, fork = runs["ours"].sound, runs["fork"].sound
    assert ours.shape == fork.shape
    middle = (POSITIONS - CARRIED // 2) * SAMPLES_PER_FRAME
    loudness = [float(sound[:, middle - 400 : middle + 400].square().mean().sqrt()) for sound in (fork, ours)]
    assert loudness[0] / loudness[1] > 1.2


@pytest.mark.parametrize("frames", [1, 20, 24, 25, 60])
def test_a_tiled_song_has_the_same_length(
    models: Synthesis,
    make_run: MakeRun,
    make_tokens: MakeTokens,
    make_conditions: MakeConditions,
    frames: int,
) -> None:
    run = make_run()
    tiled = Accidents(tiled=True, fade="linear")
    render(models, make_tokens(frames), make_conditions(), run, chunk=8, accidents=tiled)
    assert run.sound.shape == (2, frames * SAMPLES_PER_FRAME)


def test_what_fills_the_last_window_is_not_heard_by_the_song(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    """Q14: a song of 20 frames is a window of 20; tiled, its first frames fill it up and colour the rest."""
    exact, tiled = make_run(), make_run()
    render(models, make_tokens(20), make_conditions(), exact, chunk=8)
    filler = Accidents(tiled=True)
    render(models, make_tokens(20), make_conditions(), tiled, chunk=8, accidents=filler)
    assert plan_windows(20, positions=POSITIONS, carried=CARRIED)[-1].length == 20
    assert (exact.sound - tiled.sound[:, : exact.sound.shape[1]]).abs().max() > 1e-4


def test_a_surplus_prompt_code_delays_the_song_only_when_asked(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions
) -> None:
    """Q2: six codes for five latents, and all that follows would be 40 ms late."""
    led = make_conditions(codes=6, latents=5)
    runs = {flag: make_run() for flag in (False, True)}
    for flag, run in runs.items():
        render(models, make_tokens(30), led, run, chunk=8, accidents=Accidents(skew=flag))
    exact = make_run()
    cut = replace(led, prompt_codes=led.prompt_codes[:, :5])
    render(models, make_tokens(30), cut, exact, chunk=8)
    assert torch.equal(runs[False].sound, exact.sound)
    assert not torch.allclose(runs[True].sound, exact.sound)


@pytest.mark.parametrize(("at", "kept"), [((9,), 9), ((0,), 30), ((0, 12), 12), ((), 30)])
def test_the_last_code_ends_a_song_only_when_asked(
    models: Synthesis, make_run: MakeRun, make_tokens: MakeTokens, make_conditions: MakeConditions,
    at: tuple[int, ...], kept: int,
) -> None:  # fmt: skip
    """Q3: the codebook's last code is a sound like any other."""
    codes = make_tokens(30).codes.clone()
    codes[1] = codes[1].clamp_max(14)
    codes[1, list(at)] = 15
    for early, frames in ((False, 30), (True, kept)):
        run = make_run()
        accidents = Accidents(early_end=early, fade="linear")
        render(models, Tokens(codes), make_conditions(), run, chunk=8, accidents=accidents)
        assert run.sound.shape[1] == frames * SAMPLES_PER_FRAME


def test_nothing_is_accidental_by_default() -> None:
    table = {setting.key: setting.default for setting in settings_of(variant("demo"))}
    assert accidents_of(Values(table)) == NONE == Accidents()
    fork = accidents_of(Values({**table, "compatibility": "fork"}))
    upstream = accidents_of(Values({**table, "compatibility": "upstream"}))
    assert (fork.fade, upstream.fade) == ("power", "linear")
    assert fork.tiled
    assert upstream.tiled
    assert not upstream.early_end
