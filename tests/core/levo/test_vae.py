"""The autoencoder: lengths, the snake's formula, and that chunks change neither the sound nor its order."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from core.levo.shapes import EDGE_SAMPLES, SAMPLES_PER_FRAME, VAE_CONTEXT, VaeShapes
from core.levo.vae import Snake, StreamDecoder, VaeDecoder, VaeEncoder, decode_whole

SHAPES = VaeShapes(channels=2, multipliers=(1, 1, 2, 4, 8, 16), strides=(2, 4, 4, 6, 10), latent=3)
FRAMES = 41


@pytest.fixture(scope="module")
def decoder() -> VaeDecoder:
    torch.manual_seed(1)
    decoder = VaeDecoder(SHAPES).double().requires_grad_(False)
    for parameter in decoder.parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 4
        parameter.copy_(torch.randn(parameter.shape) * 0.6 / fan_in**0.5)
    return decoder


def decode_stream(
    decoder: VaeDecoder, pieces: Iterable[Tensor], *, chunk: int, context: int = VAE_CONTEXT
) -> Iterator[Tensor]:
    stream = StreamDecoder(decoder, chunk=chunk, context=context)
    for piece in pieces:
        yield from stream.push(piece)
    yield from stream.finish()


@pytest.fixture(scope="module")
def latents() -> Tensor:
    return torch.randn(FRAMES, SHAPES.latent, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


@pytest.fixture(scope="module")
def whole(decoder: VaeDecoder, latents: Tensor) -> Tensor:
    sound: Tensor = decoder(latents.T[None])[0]
    return sound


def test_a_latent_becomes_exactly_1920_stereo_samples(whole: Tensor) -> None:
    assert whole.shape == (2, FRAMES * SAMPLES_PER_FRAME)
    assert whole.std() > 1e-3


@pytest.mark.parametrize("chunk", [1, 4, 9, 16, 40, 41, 100])
def test_chunked_decode_is_the_whole_decode(
    decoder: VaeDecoder, latents: Tensor, whole: Tensor, chunk: int
) -> None:
    parts = list(decode_stream(decoder, [latents], chunk=chunk))
    assert {part.shape[1] for part in parts[:-1]} <= {chunk * SAMPLES_PER_FRAME}
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-9)


@pytest.mark.parametrize("sizes", [[41], [1] * 41, [30, 11], [5, 20, 0, 16], [0, 41]])
def test_it_makes_no_difference_in_which_pieces_latents_arrive(
    decoder: VaeDecoder, latents: Tensor, whole: Tensor, sizes: list[int]
) -> None:
    parts = list(decode_stream(decoder, torch.split(latents, sizes), chunk=7))
    assert torch.equal(torch.cat(parts, dim=1), decode_whole(decoder, latents, chunk=7))
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-9)


def test_less_context_than_the_decoder_hears_would_be_noticed(
    decoder: VaeDecoder, latents: Tensor, whole: Tensor
) -> None:
    parts = list(decode_stream(decoder, [latents], chunk=7, context=VAE_CONTEXT - 3))
    assert (torch.cat(parts, dim=1) - whole).abs().max() > 1e-9


def test_no_more_latents_are_decoded_at_once_than_the_chunk_and_its_context(
    decoder: VaeDecoder, latents: Tensor
) -> None:
    lengths: list[int] = []
    hook = decoder.register_forward_pre_hook(lambda _, given: lengths.append(given[0].shape[-1]))
    list(decode_stream(decoder, [latents], chunk=6))
    hook.remove()
    assert max(lengths) <= 6 + 2 * VAE_CONTEXT


def test_sound_comes_as_soon_as_its_context_is_known(decoder: VaeDecoder, latents: Tensor) -> None:
    given: list[int] = []

    def pieces() -> Iterator[Tensor]:
        for piece in torch.split(latents, 10):
            given.append(len(piece))
            yield piece

    next(decode_stream(decoder, pieces(), chunk=8))
    assert sum(given) == 20  # 8 + 9 of context lie within the second piece


@pytest.mark.parametrize(("known", "ends"), [(30, (30, 33)), (20, (26,))])
def test_sound_depends_on_the_latents_within_its_context_to_the_bit(
    latents: Tensor, known: int, ends: tuple[int, ...]
) -> None:
    """Whatever follows them, and wherever the song ends: a song that goes on sounds as it did before."""
    torch.manual_seed(1)
    decoder = VaeDecoder(replace(SHAPES, channels=16)).requires_grad_(False)
    for parameter in decoder.parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 4
        parameter.copy_(torch.randn(parameter.shape) * 0.6 / fan_in**0.5)
    songs = [latents.float()]
    for end in ends:
        songs.append(torch.cat((songs[0][:known], torch.randn(end - known, SHAPES.latent))))
    sure = max(0, known * SAMPLES_PER_FRAME - EDGE_SAMPLES)
    whole, *others = (decode_whole(decoder, song, chunk=16) for song in songs)
    for sound in others:
        assert torch.equal(sound[:, :sure], whole[:, :sure])
    assert not torch.equal(others[-1][:, : known * SAMPLES_PER_FRAME], whole[:, : known * SAMPLES_PER_FRAME])


def test_nothing_in_gives_nothing_out(decoder: VaeDecoder, latents: Tensor) -> None:
    assert list(decode_stream(decoder, [], chunk=8)) == []
    assert list(decode_stream(decoder, [latents[:0]], chunk=8)) == []


def test_the_encoder_gives_one_latent_per_1920_samples_and_a_positive_spread() -> None:
    torch.manual_seed(5)
    encoder = VaeEncoder(SHAPES).requires_grad_(False)
    for parameter in encoder.parameters():
        if parameter.ndim == 1:
            parameter.zero_()
    mean, spread = encoder(torch.randn(1, 2, 3 * SAMPLES_PER_FRAME + 700))
    assert mean.shape == spread.shape == (1, SHAPES.latent, 3)
    assert (spread > 0).all()


def test_the_snake_follows_its_formula() -> None:
    snake = Snake(3).double().requires_grad_(False)
    snake.alpha.copy_(torch.tensor([-1.0, 0.0, 0.7]))
    snake.beta.copy_(torch.tensor([0.3, -0.5, 0.0]))
    x = torch.linspace(-4, 4, 33, dtype=torch.float64).expand(1, 3, 33)
    a, b = snake.alpha.exp()[:, None], snake.beta.exp()[:, None]
    torch.testing.assert_close(snake(x), x + (1 - (2 * a * x).cos()) / 2 / (b + 1e-9))
