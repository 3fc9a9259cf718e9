"""What the music encoder hears: stereo at 48 kHz made a mono mel spectrogram at 24 kHz."""

import math

import torch
import torch.nn.functional as F
import torchaudio.functional
from torch import Tensor, nn

FFT = 2048
HOP = 240
MELS = 128
BLOCK = 960
"""Samples at 24 kHz of one frame."""
_RATE = 24_000
_LOUDEST = 0.9
"""Peak of a channel that is left as it is."""
_FLOOR = 1e-10
_MEAN, _DEVIATION = 6.768444971712967, 18.417922652295623
"""Of the published training data's decibels (levo-audio spec §3.3)."""
_HALF_TAPS, _ROLLOFF, _ZERO_CROSSINGS = 13, 0.99, 6
_LEFT, _RIGHT = 13, 15


class Frontend(nn.Module):
    """Resampler and spectrogram with the tables of the checkpoint, which are rounded to 16 bits there.

    Their rounding moves one code in forty (levo-audio spec §3.5), so they are part of the weights;
    `use_exact_tables` puts the unrounded ones in their place.
    """

    resampler: Tensor
    window: Tensor
    filterbank: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("resampler", torch.empty(1, 1, 2 * _HALF_TAPS + 2))
        self.register_buffer("window", torch.empty(FFT))
        self.register_buffer("filterbank", torch.empty(FFT // 2 + 1, MELS))

    def use_exact_tables(self) -> None:
        """Replace the stored tables by exact ones."""
        for name, table in frontend_tables().items():
            self.register_buffer(name, table.to(self.window.device))

    def forward(self, sound: Tensor) -> Tensor:
        """Stereo [B, 2, L] at 48 kHz to the normalised spectrogram [B, mels, L // 480]."""
        return self.spectrogram(self.halved(levelled(sound).mean(dim=1)))

    def halved(self, mono: Tensor) -> Tensor:
        """[B, L] at 48 kHz to [B, ceil(L / 2)] at 24 kHz (levo-audio spec §3.1)."""
        half: Tensor = F.conv1d(F.pad(mono[:, None], (_LEFT, _RIGHT)), self.resampler, stride=2)
        return half[:, 0, : -(-mono.shape[-1] // 2)]

    def spectrogram(self, mono: Tensor) -> Tensor:
        """[B, L] at 24 kHz to normalised decibels [B, mels, 4 frames]; what is no whole frame is cut off."""
        whole = mono[:, : mono.shape[-1] // BLOCK * BLOCK]
        spectrum = torch.stft(
            whole, FFT, HOP, window=self.window, center=True, pad_mode="reflect", return_complex=True
        )
        power = (spectrum.abs().square().transpose(1, 2) @ self.filterbank).transpose(1, 2)
        decibels = 10 * power.clamp_min(_FLOOR).log10()
        return (decibels[..., :-1] - _MEAN) / _DEVIATION


def levelled(sound: Tensor) -> Tensor:
    """Stereo [B, 2, L] with channels that are louder than 0.9 turned down to it (levo-audio spec §3.2)."""
    peaks = sound.abs().amax(dim=-1, keepdim=True)
    return sound / (peaks / _LOUDEST).clamp_min(1)


def frontend_tables() -> dict[str, Tensor]:
    """The tables as their formulas give them, float32 (levo-audio spec §3.1 and §3.3)."""
    filterbank: Tensor = torchaudio.functional.melscale_fbanks(
        FFT // 2 + 1, 0.0, _RATE / 2, MELS, _RATE, norm=None, mel_scale="htk"
    )
    return {"resampler": _sinc(), "window": torch.hann_window(FFT), "filterbank": filterbank}


def _sinc() -> Tensor:
    places = torch.arange(-_HALF_TAPS, _HALF_TAPS + 2, dtype=torch.float64) / 2
    times = (places * _ROLLOFF).clamp(-_ZERO_CROSSINGS, _ZERO_CROSSINGS)
    window = (math.pi * times / (2 * _ZERO_CROSSINGS)).cos().square()
    return (_ROLLOFF / 2 * window * torch.sinc(times)).float()[None, None]
