"""The Oobleck autoencoder: stereo 48 kHz sound to 25 Hz latents and back, whole or chunk by chunk."""

from collections.abc import Iterator
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.levo.shapes import SAMPLES_PER_FRAME, VAE_CONTEXT, VaeShapes

_DILATIONS = (1, 3, 9)


class Snake(nn.Module):
    """x + sin²(e^α x) / e^β, with one α and one β per channel (levo-audio spec §5)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.empty(channels))
        self.beta = nn.Parameter(torch.empty(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Activate x [B, C, L]."""
        wave = (x * self.alpha.exp()[:, None]).sin_().square_()
        return torch.addcmul(x, wave, (self.beta.exp() + 1e-9).reciprocal()[:, None])


class Residual(nn.Module):
    """A dilated convolution and a pointwise one around which the signal also passes unchanged."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.snake1 = Snake(channels)
        self.conv1 = nn.Conv1d(channels, channels, 7, dilation=dilation, padding=3 * dilation)
        self.snake2 = Snake(channels)
        self.conv2 = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Add to x [B, C, L]."""
        added: Tensor = self.conv2(self.snake2(self.conv1(self.snake1(x))))
        return x + added


class VaeEncoder(nn.Module):
    """Sound [B, 2, L] to the latents' mean and spread [B, latent, L // 1920] (levo-audio spec §1.5)."""

    def __init__(self, shapes: VaeShapes) -> None:
        super().__init__()
        widths = [shapes.channels * m for m in shapes.multipliers]
        layers: list[nn.Module] = [nn.Conv1d(2, widths[0], 7, padding=3)]
        for (narrow, wide), stride in zip(pairwise(widths), shapes.strides, strict=True):
            layers += [Residual(narrow, dilation) for dilation in _DILATIONS]
            layers += [Snake(narrow), nn.Conv1d(narrow, wide, 2 * stride, stride, _half(stride))]
        layers += [Snake(widths[-1]), nn.Conv1d(widths[-1], 2 * shapes.latent, 3, padding=1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, sound: Tensor) -> tuple[Tensor, Tensor]:
        """Encode; a sample is `mean + spread · noise`, the mean alone is the usual choice."""
        mean, scale = self.layers(sound).chunk(2, dim=1)
        return mean, F.softplus(scale) + 1e-4


class VaeDecoder(nn.Module):
    """Latents [B, latent, T] to sound [B, 2, 1920 T] (levo-audio spec §1.5)."""

    def __init__(self, shapes: VaeShapes) -> None:
        super().__init__()
        widths = [shapes.channels * m for m in reversed(shapes.multipliers)]
        layers: list[nn.Module] = [nn.Conv1d(shapes.latent, widths[0], 7, padding=3)]
        for (wide, narrow), stride in zip(pairwise(widths), reversed(shapes.strides), strict=True):
            layers += [Snake(wide), nn.ConvTranspose1d(wide, narrow, 2 * stride, stride, _half(stride))]
            layers += [Residual(narrow, dilation) for dilation in _DILATIONS]
        layers += [Snake(widths[-1]), nn.Conv1d(widths[-1], 2, 7, padding=3, bias=False)]
        self.layers = nn.Sequential(*layers)

    def forward(self, latents: Tensor, end: int | None = None) -> Tensor:
        """Decode in one piece; activations grow with T.

        With `end` the song is over after so many latents: what follows them is no more heard than what is
        beyond the last, and the sound of it means nothing.
        """
        x = latents if end is None else latents.clone()
        for layer in self.layers:
            if end is not None:
                # As convolutions see nothing beyond the last frame, so they shall see nothing beyond `end`.
                x[..., end * (x.shape[-1] // latents.shape[-1]) :] = 0
            x = layer(x)
        return x


class Vae(nn.Module):
    """Both sides; the state dict is the role file `vae`, of which each phase loads the side it needs."""

    def __init__(self, shapes: VaeShapes) -> None:
        super().__init__()
        self.encoder = VaeEncoder(shapes)
        self.decoder = VaeDecoder(shapes)


class StreamDecoder:
    """Decodes latents that arrive in pieces; gives sound as soon as its context is known.

    The chunks lie on a fixed grid and each is decoded with `context` latents around it, so where the pieces
    end makes no difference, and the result equals decoding everything at once to rounding. The last chunks
    are filled up: convolutions of another length round otherwise, and so the sound of a latent depends on the
    latents within `context` of it and on nothing else, to the bit, wherever the song ends.
    """

    def __init__(self, decoder: VaeDecoder, *, chunk: int, context: int = VAE_CONTEXT) -> None:
        self._decoder = decoder
        self._chunk, self._context = chunk, context
        self._held: Tensor | None = None  # the latents from `context` before the next chunk on
        self._before = 0

    def push(self, latents: Tensor) -> Iterator[Tensor]:
        """Take in latents [n, latent]; gives sound [2, 1920 · chunk], a piece a chunk."""
        held = latents if self._held is None else torch.cat((self._held, latents))
        before, chunk, context = self._before, self._chunk, self._context
        self._held = held
        while len(held) >= before + chunk + context:
            sound = self._decode(held[: before + chunk + context], before, chunk)
            drop = before + chunk - context
            held, before = (held[drop:], context) if drop > 0 else (held, before + chunk)
            self._held, self._before = held, before
            yield sound

    def finish(self) -> Iterator[Tensor]:
        """The sound [2, m] of what is left when no more latents come."""
        held, before = self._held, self._before
        while held is not None and len(held) > before:
            count = min(self._chunk, len(held) - before)
            near = held[max(0, before - self._context) : before + self._chunk + self._context]
            yield self._decode(near, min(before, self._context), count)
            before += count
        self._held, self._before = None, 0

    def _decode(self, latents: Tensor, before: int, count: int) -> Tensor:
        end = len(latents)
        filled = F.pad(latents.T[None], (0, before + self._chunk + self._context - end))
        sound: Tensor = self._decoder(filled, end if end < filled.shape[-1] else None)[0]
        return sound[:, before * SAMPLES_PER_FRAME : (before + count) * SAMPLES_PER_FRAME]


def decode_whole(decoder: VaeDecoder, latents: Tensor, *, chunk: int) -> Tensor:
    """Latents [n, latent] to sound [2, 1920 n], chunk by chunk."""
    stream = StreamDecoder(decoder, chunk=chunk)
    return torch.cat([*stream.push(latents), *stream.finish()], dim=1)


def _half(stride: int) -> int:
    return (stride + 1) // 2
