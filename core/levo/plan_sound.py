"""What hearing a reference and rendering a song will take, from shapes alone; no torch."""

from dataclasses import replace
from itertools import accumulate, pairwise
from operator import mul

from core.engine import StagePlan
from core.levo.accidents import accidents_of
from core.levo.shapes import (
    ENCODER_FRAMES,
    REFERENCE_FRAMES,
    SAMPLES_PER_FRAME,
    VAE_CONTEXT,
    EncoderShapes,
    FlowShapes,
    QuantizerShapes,
    Shapes,
    VaeShapes,
)
from core.levo.synthesis.windows import VAE_CHUNK, order, plan_windows, tiled_windows, units
from core.settings import Values

ROWS = 2
"""Sequences side by side: the conditioned one and the null one that guidance needs."""
_MELS = 128
_TENSORS = 4
"""Tensors alive in a residual unit of the VAE."""
_CONVOLVED = 16
"""Channels that a processor's convolutions fill one of them up to where there are fewer.

They add scratch of their own, as much again.
"""
_ATTENTION = 11.3
"""Values per frame and channel of the flow that are alive in a block's attention, measured."""
_IMAGES = 3
"""Images of a halving that are alive together."""
_SPECTRUM_BYTES, _MELS_BYTES = 101_000_000, 20_000_000
"""Tensors of the front end: while it transforms 40 s, and what is left of it beside the images."""
_SEPARATE_BYTES, _CHANNEL_BYTES = 312_000_000, 2_630_000
"""Tensors of the separator, which hears 7.8 s at a time: at any width, and for each channel; measured."""


def conditions_plan(shapes: Shapes, *, units: int, has_recording: bool) -> StagePlan:
    """The first stage: nothing to speak of for texts; for a recording the fullest of its three parts."""
    if not has_recording:
        return StagePlan("conditions", units, weights=0, cache=0, work=0)
    separator, encoder, vae = shapes.separator, shapes.encoder, shapes.vae
    samples = REFERENCE_FRAMES * SAMPLES_PER_FRAME
    image = (_MELS // 2) * (2 * ENCODER_FRAMES)
    parts = (
        (separator.parameters * 4, _SEPARATE_BYTES + separator.channels * _CHANNEL_BYTES),
        (
            4 * (encoder_parameters(encoder) + 3 * quantizer_parameters(shapes.quantizer)),
            max(_SPECTRUM_BYTES, _MELS_BYTES + _IMAGES * 4 * encoder.channels * image),
        ),
        (4 * vae_encoder_parameters(vae), int(4 * samples * fullest_channels(vae))),
    )
    weights, work = max(parts, key=sum)
    return StagePlan("conditions", units, weights, cache=0, work=work)


def audio_plan(
    shapes: Shapes, values: Values, *, frames: int, prompt: int, replayed: bool = False
) -> StagePlan:
    """The last stage for a song of `frames` led by so many of a prompt; `decode_chunk` rules the VAE.

    Half-wide products take no less: they are measured against fp32, which is what is left where they are too
    coarse. What a recorded step works in stays taken while sound is decoded.
    """
    flow, vae, chunk = shapes.flow, shapes.vae, values.whole("decode_chunk") or VAE_CHUNK
    stems = len(values.text("stems").split("+"))
    cut = tiled_windows if accidents_of(values).tiled else plan_windows
    windows = cut(frames, positions=flow.positions, carried=flow.carried, prompt=prompt)
    steps = stems * units(windows, frames, steps=values.whole("flow_steps"), chunk=chunk)
    weights = 4 * (flow_parameters(flow) + vae_parameters(vae) + 2 * quantizer_parameters(shapes.quantizer))
    rows = 1 if values.real("flow_guidance") <= 1 else ROWS
    length = max((window.length for window in windows), default=0)
    window = rows * length * 4 * max(_ATTENTION * flow.width, 5 * flow.width + 2 * flow.ffn)
    decoded = 4 * (chunk + 2 * VAE_CONTEXT) * SAMPLES_PER_FRAME * (fullest_channels(vae) + 2)
    codes = stems * (frames + prompt) * (8 * 2 + 4 * flow.latent)
    as_done = order(
        windows, frames, steps=values.whole("flow_steps"), chunk=chunk, stems=stems, context=VAE_CONTEXT
    )
    work = window + decoded if replayed else max(window, decoded)
    return StagePlan("audio", steps, weights, codes, int(work), as_done)


def with_sound(tokens: StagePlan, shapes: Shapes, values: Values, *, frames: int, prompt: int) -> StagePlan:
    """The plan of composing a song whose first stem is rendered meanwhile, in turns."""
    sound = audio_plan(shapes, values.replace(stems="mix"), frames=frames, prompt=prompt)
    weights, cache, work = (
        tokens.weights + sound.weights, tokens.cache + sound.cache, tokens.work + sound.work,
    )  # fmt: skip
    return replace(tokens, weights=weights, cache=cache, work=work)


def encoder_parameters(shapes: EncoderShapes) -> int:
    """Values of both music encoders as far as they are read (levo-audio spec §1.1)."""
    width, channels = shapes.width, shapes.channels
    front = 10 * channels * 2 + 9 * channels * channels * 4 + 4 * channels + 6 * 2 * channels
    front += (channels * _MELS // 4 + 1) * width
    ffn = 2 * width * shapes.ffn + shapes.ffn + 3 * width
    block = 2 * ffn + 4 * (width * width + width) + 2 * width
    block += 3 * width * width + shapes.kernel * width + 4 * width + 2 * width
    blocks = shapes.mix_tap + max(shapes.vocal_tap, shapes.backing_tap)
    return 2 * front + blocks * block


def quantizer_parameters(shapes: QuantizerShapes) -> int:
    """Values of one quantizer (levo-audio spec §1.2)."""
    return (
        shapes.codes * shapes.code_width
        + 2 * shapes.width * shapes.code_width
        + shapes.width
        + shapes.code_width
    )


def flow_parameters(shapes: FlowShapes) -> int:
    """Parameters of the flow transformer that inference reads (levo-audio spec §1.3)."""
    width, ffn = shapes.width, shapes.ffn
    block = 4 * width + 3 * width * width + 3 * width + width * width + width
    block += 2 * width * ffn + ffn + width + 6 * width
    time = shapes.time_width * width + width + width * width + width + 6 * width * (width + 1)
    return shapes.blocks * block + time + (shapes.positions + 4) * width + shapes.latent * (width + 1)


def fullest_channels(shapes: VaeShapes) -> float:
    """Values per sample of the sound that are alive in the level of the VAE that has most of them."""
    lengths = accumulate(shapes.strides, mul, initial=1)
    widths = (shapes.channels * wide for wide in shapes.multipliers)
    levels = zip(widths, lengths, strict=True)
    return max(((_TENSORS - 1) * width + max(width, _CONVOLVED)) / length for width, length in levels)


def vae_parameters(shapes: VaeShapes) -> int:
    """Parameters of the decoder, weight norm folded (levo-audio spec §1.5)."""
    widths = [shapes.channels * m for m in shapes.multipliers]
    total = 7 * shapes.latent * widths[-1] + widths[-1]
    for (narrow, wide), stride in zip(pairwise(widths), shapes.strides, strict=True):
        unit = 8 * narrow * narrow + 6 * narrow
        total += 2 * wide + 2 * stride * wide * narrow + narrow + 3 * unit
    return total + 2 * widths[0] + 14 * widths[0]


def vae_encoder_parameters(shapes: VaeShapes) -> int:
    """Parameters of the encoder, weight norm folded (levo-audio spec §1.5)."""
    widths = [shapes.channels * m for m in shapes.multipliers]
    total = 14 * widths[0] + widths[0]
    for (narrow, wide), stride in zip(pairwise(widths), shapes.strides, strict=True):
        unit = 8 * narrow * narrow + 6 * narrow
        total += 2 * narrow + 2 * stride * wide * narrow + wide + 3 * unit
    return total + 2 * widths[-1] + 3 * widths[-1] * 2 * shapes.latent + 2 * shapes.latent
