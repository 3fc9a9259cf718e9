"""The baseline is a fair one: the same sound as ours with the published programs' windows and fades."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from core.bench.models import Subject
from core.bench.straightforward import CHUNK, OVERLAP, PlainTransformer, Straightforward, decode_overlapping
from core.levo.accidents import Accidents
from core.levo.artifacts import Conditions, Tokens
from core.levo.shapes import SAMPLES_PER_FRAME
from core.levo.synthesis.render import render


def codes(frames: int) -> Tokens:
    return Tokens(torch.randint(0, 64, (3, frames), generator=torch.Generator().manual_seed(frames)))


def no_reference() -> Conditions:
    nothing = torch.zeros(2, 0, dtype=torch.int64)
    return Conditions(nothing, nothing, nothing, torch.zeros(3, 0, dtype=torch.int64), torch.zeros(3, 0, 8))


@pytest.mark.parametrize("frames", [10, 60, 61, 150])
def test_it_sounds_as_ours_with_tiled_windows_and_linear_fades(
    toy_subject: Subject, kept_run: Callable[[], Any], frames: int
) -> None:
    models, tokens, plain, ours = toy_subject.models, codes(frames), kept_run(), kept_run()
    Straightforward(models).render(tokens, plain)
    render(models, tokens, no_reference(), ours, accidents=Accidents(fade="linear", tiled=True))
    assert plain.sound.shape == (2, frames * SAMPLES_PER_FRAME)
    assert plain.sound.std() > 1e-3, "silence proves nothing"
    torch.testing.assert_close(plain.sound, ours.sound, rtol=0, atol=1e-4)


def test_the_song_is_given_in_one_piece(toy_subject: Subject, kept_run: Callable[[], Any]) -> None:
    run = kept_run()
    Straightforward(toy_subject.models).render(codes(150), run)
    assert len(run.sounds) == 1


def test_the_head_is_of_full_width_and_its_last_outputs_are_the_velocity(toy_subject: Subject) -> None:
    network = toy_subject.models.flow.transformer
    width, latent = network.shapes.width, network.shapes.latent
    x = torch.randn(2, 30, width, generator=torch.Generator().manual_seed(3))
    outputs = PlainTransformer(network).velocity(x, 0.3)
    assert outputs.shape == (2, 30, width)
    expected = network(x, network.modulation(torch.tensor([0.3])), network.rope(30))
    torch.testing.assert_close(outputs[..., -latent:], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("count", [10, 32, 33, 44, 70])
def test_overlapping_chunks_sound_as_everything_decoded_at_once(toy_subject: Subject, count: int) -> None:
    decoder = toy_subject.models.decoder
    latents = torch.randn(count, 8, generator=torch.Generator().manual_seed(count))
    sound = decode_overlapping(decoder, latents, chunk=32, overlap=20)
    torch.testing.assert_close(sound, decoder(latents.T[None])[0], rtol=0, atol=1e-5)


def test_a_full_published_window_takes_eleven_chunks_of_one_size() -> None:
    class Noted(nn.Module):
        def forward(self, latents: Tensor) -> Tensor:
            lengths.append(latents.shape[-1])
            return torch.zeros(1, 2, latents.shape[-1] * SAMPLES_PER_FRAME)

    lengths: list[int] = []
    decoder: Any = Noted()
    decode_overlapping(decoder, torch.zeros(1000, 64))
    assert lengths == [CHUNK] * 11
    assert (CHUNK, OVERLAP) == (128, 32)
