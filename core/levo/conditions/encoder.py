"""The music encoder of phase 1: a conformer over a spectrogram, read out after as many blocks as asked."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.kernels.reference import attention, rotary_table, rotate_halves
from core.levo.conditions.frontend import MELS, Frontend, frontend_tables
from core.levo.shapes import EncoderShapes

ROPE_BASE = 10_000.0
_FOLDED = MELS // 4
"""Rows that are left of the spectrogram's bands after two halvings."""
_EPS = 1e-5


class Scale(nn.Module):
    """A batch norm whose statistics stand still: one factor and one offset per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.empty(channels))
        self.offset = nn.Parameter(torch.empty(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Scale x [B, C, …]."""
        shape = (-1,) + (1,) * (x.ndim - 2)
        return torch.addcmul(self.offset.view(shape), x, self.factor.view(shape))


class Halving(nn.Module):
    """Two convolutions beside a third, halving both axes of an image (levo-audio spec §3.4)."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=2, padding=1)
        self.scale1 = Scale(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.scale2 = Scale(channels)
        self.conv3 = nn.Conv2d(channels_in, channels, 3, stride=2, padding=1)
        self.scale3 = Scale(channels)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C', H, W] to [B, C, H/2, W/2]."""
        inner = self.scale2(self.conv2(F.relu(self.scale1(self.conv1(x)))))
        return F.relu(inner + self.scale3(self.conv3(x)))


class Subsampling(nn.Module):
    """A spectrogram of four columns a frame to one vector a frame."""

    def __init__(self, shapes: EncoderShapes) -> None:
        super().__init__()
        self.halvings = nn.Sequential(Halving(1, shapes.channels), Halving(shapes.channels, shapes.channels))
        self.project = nn.Linear(shapes.channels * _FOLDED, shapes.width)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """[B, mels, 4 F] to [B, F, width]; features are ordered by channel, then by band."""
        image: Tensor = self.halvings(spectrogram[:, None])  # [B, C, mels / 4, F]
        vectors: Tensor = self.project(image.permute(0, 3, 1, 2).flatten(2))
        return vectors


class FeedForward(nn.Module):
    """Norm, widen, silu, narrow."""

    def __init__(self, shapes: EncoderShapes) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(shapes.width, _EPS)
        self.up = nn.Linear(shapes.width, shapes.ffn)
        self.down = nn.Linear(shapes.ffn, shapes.width)

    def forward(self, x: Tensor) -> Tensor:
        """What to add to x [B, F, width]."""
        added: Tensor = self.down(F.silu(self.up(self.norm(x))))
        return added


class Attention(nn.Module):
    """Every frame hears every other; the input itself is rotated before it becomes queries and keys."""

    def __init__(self, shapes: EncoderShapes) -> None:
        super().__init__()
        self.heads = shapes.heads
        self.norm = nn.LayerNorm(shapes.width, _EPS)
        self.query = nn.Linear(shapes.width, shapes.width)
        self.key = nn.Linear(shapes.width, shapes.width)
        self.value = nn.Linear(shapes.width, shapes.width)
        self.out = nn.Linear(shapes.width, shapes.width)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """What to add to x [B, F, width]; cos and sin are [F, D/2]."""
        heard = self.norm(x)
        turned = rotate_halves(self._split(heard), cos, sin).transpose(1, 2).flatten(2)
        q, k, v = (self._split(y) for y in (self.query(turned), self.key(turned), self.value(heard)))
        added: Tensor = self.out(attention(q, k, v).transpose(1, 2).flatten(2))
        return added

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)  # [B, H, F, D]


class Convolution(nn.Module):
    """A gate, then a convolution over each channel's neighbouring frames."""

    def __init__(self, shapes: EncoderShapes) -> None:
        super().__init__()
        width = shapes.width
        self.norm = nn.LayerNorm(width, _EPS)
        self.enter = nn.Linear(width, 2 * width, bias=False)
        self.depthwise = nn.Conv1d(
            width, width, shapes.kernel, padding=shapes.kernel // 2, groups=width, bias=False
        )
        self.scale = Scale(width)
        self.leave = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """What to add to x [B, F, width]."""
        gated = F.glu(self.enter(self.norm(x)), dim=-1)
        spread = F.silu(self.scale(self.depthwise(gated.transpose(1, 2)))).transpose(1, 2)
        added: Tensor = self.leave(spread)
        return added


class Block(nn.Module):
    """One conformer block (levo-audio spec §3.5)."""

    def __init__(self, shapes: EncoderShapes) -> None:
        super().__init__()
        self.ffn1 = FeedForward(shapes)
        self.attention = Attention(shapes)
        self.convolution = Convolution(shapes)
        self.ffn2 = FeedForward(shapes)
        self.norm = nn.LayerNorm(shapes.width, _EPS)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x [B, F, width] to the same shape; cos and sin are [F, D/2]."""
        x = x + 0.5 * self.ffn1(x)
        x = x + self.attention(x, cos, sin)
        x = x + self.convolution(x)
        x = x + 0.5 * self.ffn2(x)
        normed: Tensor = self.norm(x)
        return normed


class MusicEncoder(nn.Module):
    """Sound to one vector a frame; it has only as many blocks as its furthest tap needs."""

    frequencies: Tensor

    def __init__(self, shapes: EncoderShapes, blocks: int) -> None:
        super().__init__()
        self.frontend = Frontend()
        self.subsampling = Subsampling(shapes)
        self.register_buffer("frequencies", torch.empty(shapes.width // shapes.heads // 2))
        self.blocks = nn.ModuleList(Block(shapes) for _ in range(blocks))

    def use_exact_tables(self) -> None:
        """Replace the tables of the checkpoint, rounded to 16 bits, by exact ones."""
        self.frontend.use_exact_tables()
        self.frequencies = rope_frequencies(2 * len(self.frequencies)).to(self.frequencies.device)

    def forward(self, sound: Tensor, tap: int) -> Tensor:
        """Stereo [B, 2, L] at 48 kHz to [B, L // 1920, width] after `tap` blocks; tap 0 is before them."""
        return self.taps(self.subsampling(self.frontend(sound)), tap)[-1]

    def taps(self, x: Tensor, tap: int) -> list[Tensor]:
        """The frames x [B, F, width] and what each of `tap` blocks makes of them, in order."""
        assert tap <= len(self.blocks), "only the blocks that were asked for are here"
        places = torch.arange(x.shape[1], device=x.device)
        cos, sin = rotary_table(places, self.frequencies)
        states = [x]
        for block in self.blocks[:tap]:
            states.append(block(states[-1], cos, sin))
        return states


def rope_frequencies(dim: int) -> Tensor:
    """The exact rotary frequencies of a head of `dim`, float32 [dim / 2]."""
    return 1.0 / ROPE_BASE ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim)


def encoder_tables(dim: int) -> dict[str, Tensor]:
    """Exact values of all that is not learned, by its key in a MusicEncoder with heads of `dim`."""
    tables = {f"frontend.{name}": table for name, table in frontend_tables().items()}
    return {**tables, "frequencies": rope_frequencies(dim)}
