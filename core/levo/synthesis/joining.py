"""How the latents of windows become one sound: joined and decoded once, or as the published programs do."""

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from core.levo.accidents import Fade
from core.levo.shapes import SAMPLES_PER_FRAME
from core.levo.synthesis.windows import Window
from core.levo.vae import StreamDecoder, VaeDecoder, decode_whole


class Joint(Protocol):
    """Takes a song's windows in turn and gives its sound as it becomes final."""

    def push(self, window: Window, latents: Tensor) -> Iterator[Tensor]:
        """Take a window's latents [T, latent]; gives sound [2, n]."""

    def finish(self) -> Iterator[Tensor]:
        """The sound that is left."""


class Joined:
    """Each frame's latents once, decoded in one go: no edges, and nothing to fade."""

    def __init__(self, decoder: VaeDecoder, *, chunk: int) -> None:
        self._stream = StreamDecoder(decoder, chunk=chunk)

    def push(self, window: Window, latents: Tensor) -> Iterator[Tensor]:
        """Take a window's latents; what it carries has been heard."""
        return self._stream.push(latents[window.carried :])

    def finish(self) -> Iterator[Tensor]:
        """The sound of the last latents."""
        return self._stream.finish()


class Faded:
    """Each window decoded alone and faded into the one before it (levo-audio spec §6.5)."""

    def __init__(self, decoder: VaeDecoder, *, fade: Fade, carried: int, chunk: int) -> None:
        """`carried` is the frames that two windows have in common."""
        self._decoder, self._chunk = decoder, chunk
        self._overlap = carried * SAMPLES_PER_FRAME
        self._fade: Fade = fade
        self._tail: Tensor | None = None

    def push(self, window: Window, latents: Tensor) -> Iterator[Tensor]:
        """Take a window's latents; the end of its sound waits for the next window."""
        heard = latents if window.index else latents[window.carried :]
        sound = decode_whole(self._decoder, heard, chunk=self._chunk)
        if self._tail is not None:
            out, into = ramps(self._fade, self._overlap, sound.device)
            begun = self._tail * out + sound[:, : self._overlap] * into
            sound = torch.cat((begun, sound[:, self._overlap :]), dim=1)
        self._tail = sound[:, -self._overlap :]
        yield sound[:, : -self._overlap]

    def finish(self) -> Iterator[Tensor]:
        """The end of the last window."""
        if self._tail is not None:
            yield self._tail


def ramps(fade: Fade, samples: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Gains [samples] of what ends and of what begins; those of `power` together reach 3 dB."""
    if fade == "linear":
        rise = torch.linspace(0, 1, samples, device=device)
        return 1 - rise, rise
    angle = torch.linspace(0, torch.pi / 2, samples, device=device)
    return angle.cos(), angle.sin()
