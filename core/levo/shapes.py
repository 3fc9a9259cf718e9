"""The sizes of LeVo's networks, as `conf/models.yaml` gives them; no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

FRAME_RATE = 25
"""Codes and latents per second (Hz)."""
SAMPLE_RATE = 48_000
"""Samples per second of the sound (Hz)."""
SAMPLES_PER_FRAME = SAMPLE_RATE // FRAME_RATE
REFERENCE_FRAMES = 250
"""Frames of a reference at most: 10 s."""
ENCODER_FRAMES = 1000
"""Frames that the music encoder hears at a time: 40 s."""
VAE_CONTEXT = 9
"""Latents on each side of a chunk that its decoded samples depend on (levo-audio spec §5)."""
EDGE_SAMPLES = VAE_CONTEXT * SAMPLES_PER_FRAME
"""Samples (0.36 s) before a place in the song that latents behind it colour; what is before them they leave
alone to the bit."""
PREFILL_CHUNK = 256
"""Positions of a prefill computed at a time."""
CODEBOOKS = 3
"""0 mixed, 1 vocal, 2 backing."""
STEMS = ("mix", "vocal", "backing")
"""The parts a song can be heard in; the codebooks have the same order."""

_T = TypeVar("_T")


def frames_in(seconds: float) -> int:
    """Whole frames of a length in seconds, however the length is rounded in binary."""
    return int(seconds * FRAME_RATE + 1e-6)


@dataclass(frozen=True, slots=True)
class TokenShapes:
    """The language model of phase 2 (levo-tokens spec §1)."""

    width: int
    ffn: int
    heads: int
    main_layers: int
    sub_layers: int
    main_rope_base: float
    sub_rope_base: float
    codes: int
    """Size of a codebook; ids `codes` and `codes + 1` are end of song and special."""
    lyric_rows: int
    style_rows: int
    lyric_length: int
    prompt_length: int
    style_length: int
    delays: tuple[int, int, int]

    @property
    def eos(self) -> int:
        """End of song."""
        return self.codes

    @property
    def special(self) -> int:
        """Start column, absent prompt, and cells the delay pattern leaves empty."""
        return self.codes + 1

    @property
    def prefix(self) -> int:
        """Positions before the first code column."""
        return self.lyric_length + self.prompt_length + self.style_length

    @property
    def prompt_frames(self) -> int:
        """Frames of prompt codes at most: two positions are the end-of-text embedding and the first slot."""
        return self.prompt_length - 2


@dataclass(frozen=True, slots=True)
class QuantizerShapes:
    """A one-codebook vector quantizer (levo-audio spec §1.2)."""

    codes: int
    code_width: int
    width: int
    neutral: tuple[int, int]
    """The codes that stand for no vocal and for no backing (levo-audio spec §9, Q4)."""


@dataclass(frozen=True, slots=True)
class EncoderShapes:
    """The music encoder that hears references in phase 1 (levo-audio spec §3)."""

    channels: int
    """Of the convolutions that shorten the spectrogram."""
    width: int
    heads: int
    ffn: int
    kernel: int
    """Frames that the convolution inside a block spans."""
    mix_tap: int
    """Blocks that the mix passes before it is quantized; then those of vocal and backing."""
    vocal_tap: int
    backing_tap: int


@dataclass(frozen=True, slots=True)
class SeparatorShapes:
    """The separation network, htdemucs (levo-audio spec §7)."""

    channels: int
    bottom_channels: int
    layers: int
    heads: int
    parameters: int
    """How many it has in all."""


@dataclass(frozen=True, slots=True)
class FlowShapes:
    """The flow transformer of phase 3 (levo-audio spec §4)."""

    blocks: int
    heads: int
    ffn: int
    positions: int
    """Frames of a full window."""
    carried: int
    """Frames of a window that repeat the end of the one before."""
    mask_width: int
    latent: int
    condition: int
    """Width of one quantizer's output; vocal and backing each bring one."""
    time_width: int

    @property
    def width(self) -> int:
        """Channels of the concatenated input, which is also the transformer's width."""
        return self.mask_width + 2 * self.latent + 2 * self.condition


@dataclass(frozen=True, slots=True)
class VaeShapes:
    """The Oobleck autoencoder (levo-audio spec §1.5)."""

    channels: int
    multipliers: tuple[int, ...]
    strides: tuple[int, ...]
    latent: int


@dataclass(frozen=True, slots=True)
class Shapes:
    """Every network of one variant."""

    tokens: TokenShapes
    quantizer: QuantizerShapes
    encoder: EncoderShapes
    separator: SeparatorShapes
    flow: FlowShapes
    vae: VaeShapes


def shapes_of(entry: Mapping[str, Mapping[str, object]]) -> Shapes:
    """Read the `shapes` of one model of the registry."""
    return Shapes(
        tokens=_read(TokenShapes, entry["tokens"]),
        quantizer=_read(QuantizerShapes, entry["quantizer"]),
        encoder=_read(EncoderShapes, entry["encoder"]),
        separator=_read(SeparatorShapes, entry["separator"]),
        flow=_read(FlowShapes, entry["flow"]),
        vae=_read(VaeShapes, entry["vae"]),
    )


def _read(kind: type[_T], entry: Mapping[str, object]) -> _T:
    values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in entry.items()}
    return kind(**values)
