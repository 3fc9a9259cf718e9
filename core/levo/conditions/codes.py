"""Sound of any length to codes: 40 s at a time, short sound repeated to fill them."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from core.levo.conditions.encoder import MusicEncoder
from core.levo.shapes import ENCODER_FRAMES, SAMPLES_PER_FRAME, EncoderShapes, QuantizerShapes
from core.levo.vq import Quantizer

_WINDOW = ENCODER_FRAMES * SAMPLES_PER_FRAME


class MixEncoder(nn.Module):
    """What hears a whole mix; its state dict is the role file `mix_encoder`."""

    def __init__(self, shapes: EncoderShapes, quantizer: QuantizerShapes) -> None:
        super().__init__()
        self.encoder = MusicEncoder(shapes, shapes.mix_tap)
        self.mix = Quantizer(quantizer)


class StemEncoder(nn.Module):
    """What hears the stems; its state dict is the role file `stem_encoder`."""

    def __init__(self, shapes: EncoderShapes, quantizer: QuantizerShapes) -> None:
        super().__init__()
        self.encoder = MusicEncoder(shapes, max(shapes.vocal_tap, shapes.backing_tap))
        self.vocal = Quantizer(quantizer)
        self.backing = Quantizer(quantizer)


def encode(
    encoder: MusicEncoder,
    quantizer: Quantizer,
    sound: Tensor,
    *,
    tap: int,
    frames: int,
    tick: Callable[[], None] = lambda: None,
) -> Tensor:
    """Stereo [2, n] at 48 kHz to `frames` codes, int64 (levo-audio spec §3.7).

    The encoder hears all of a window at once, so what fills a window is part of what its codes mean: the
    sound is repeated from its beginning. `tick` is called after each window.
    """
    found = []
    for start in range(0, frames, ENCODER_FRAMES):
        window = _repeated(sound, start * SAMPLES_PER_FRAME, _WINDOW)
        found.append(quantizer.encode(encoder(window[None], tap)[0]))
        tick()
    return torch.cat(found)[:frames] if found else torch.empty(0, dtype=torch.int64, device=sound.device)


def _repeated(sound: Tensor, start: int, length: int) -> Tensor:
    """`length` samples from `start` on of sound that begins anew wherever it ends."""
    places = (torch.arange(length, device=sound.device) + start) % sound.shape[-1]
    return sound[:, places]
