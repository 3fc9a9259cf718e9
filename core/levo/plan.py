"""What a LeVo song will take, from shapes alone: units of work and bytes, stage by stage."""

from itertools import pairwise

from core.engine import Note, Plan, StagePlan
from core.levo.shapes import (
    CODEBOOKS,
    FRAME_RATE,
    PREFILL_CHUNK,
    SAMPLES_PER_FRAME,
    VAE_CONTEXT,
    FlowShapes,
    QuantizerShapes,
    TokenShapes,
    VaeShapes,
    frames_in,
    shapes_of,
)
from core.levo.synthesis.windows import VAE_CHUNK, plan_windows, units
from core.registry import Variant
from core.settings import Values
from core.song import Song

ROWS = 2
"""Sequences side by side: the conditioned one and the null one that guidance needs."""
TRAINED_SECONDS = 270.0
"""The published models were configured for songs up to this long (levo-tokens spec §1)."""
_STREAMS = 2
"""Embeddings of the conditions: main's and sub's."""
_NOISE_BYTES = 450
"""Noise of 16 steps: 64 in each of three codebooks, and the words it is made from, per id, measured."""
_DECODE_BYTES = 53
"""Scratch of the VAE per sample and base channel, measured on processors; GPUs take a third of it."""
_CACHE_BYTES = {"fp32": 4, "fp16": 2, "int8": 1, "mulaw8": 1}
_SCALE_CHANNELS = 32
"""Channels of a head that share an fp16 scale in the int8 cache; a head that 32 does not divide has one."""


def plan(song: Song, chosen: Variant, values: Values) -> Plan:
    """Frames, steps and bytes of each stage; costs nothing and loads nothing."""
    shapes = shapes_of(chosen.shapes)
    frames = frames_in(values.real("length"))
    bytes_each = 4 if chosen.weights == "rule" else 2
    return Plan(
        seconds=frames / FRAME_RATE,
        stages=(
            StagePlan("conditions", units=1, weights=0, cache=0, work=0),
            _tokens(shapes.tokens, values, frames=frames, bytes_each=bytes_each),
            _audio(shapes.flow, shapes.quantizer, shapes.vae, values, frames=frames),
        ),
        notes=tuple(_notes(song, chosen, values)),
    )


def _notes(song: Song, chosen: Variant, values: Values) -> list[Note]:
    notes = []
    if song.reference is not None:
        notes.append(Note("the reference is not used", "this version conditions on lyrics and style alone"))
    if chosen.weights == "published" and values.real("length") > TRAINED_SECONDS:
        hint = f"up to {TRAINED_SECONDS:g} s is what the model was trained for"
        notes.append(Note("a very long song", hint))
    return notes


def _tokens(shapes: TokenShapes, values: Values, *, frames: int, bytes_each: int) -> StagePlan:
    if values.text("schedule") == "two-pass":
        return two_pass_plan(shapes, values, frames=frames, bytes_each=bytes_each)
    return lockstep_plan(shapes, values, frames=frames, bytes_each=bytes_each)


def choose_schedule(shapes: TokenShapes, values: Values, *, bytes_each: int, free: int) -> tuple[str, str]:
    """The schedule asked for, and why another than the usual one; `auto` is lockstep as long as it fits.

    It fits when its plan takes no more than the `free` bytes.
    """
    asked = values.text("schedule")
    if asked != "auto":
        return asked, ""
    frames = frames_in(values.real("length"))
    together = lockstep_plan(shapes, values, frames=frames, bytes_each=bytes_each)
    if together.peak <= free:
        return "lockstep", ""
    need, room = together.peak / 2**30, free / 2**30
    return (
        "two-pass",
        f"the transformers took turns: together they need {need:.1f} GiB and {room:.1f} are free",
    )


def lockstep_plan(shapes: TokenShapes, values: Values, *, frames: int, bytes_each: int) -> StagePlan:
    """Main and sub in memory together; `bytes_each` is the weights' own."""
    layers = (shapes.main_layers, shapes.sub_layers)
    weights = (main_parameters(shapes) + sub_parameters(shapes)) * bytes_each
    tables = len({shapes.main_rope_base, shapes.sub_rope_base})
    cache, work = _song_bytes(shapes, values, frames, bytes_each, layers=layers, tables=tables)
    return StagePlan("tokens", frames + max(shapes.delays), weights, cache, work)


def two_pass_plan(shapes: TokenShapes, values: Values, *, frames: int, bytes_each: int) -> StagePlan:
    """The fuller of the two passes: main alone with the states it leaves, then sub alone over them."""
    rows = 1 if values.real("guidance") == 1 else ROWS
    states = rows * _positions(shapes, frames) * shapes.width * bytes_each
    passes = []
    for parameters, layers in (
        (main_parameters(shapes), shapes.main_layers),
        (sub_parameters(shapes), shapes.sub_layers),
    ):
        cache, work = _song_bytes(shapes, values, frames, bytes_each, layers=(layers,), tables=1)
        passes.append(StagePlan("tokens", 2 * frames, parameters * bytes_each, cache, work + states))
    return max(passes, key=lambda one: one.peak)


def _song_bytes(
    shapes: TokenShapes, values: Values, frames: int, bytes_each: int, *, layers: tuple[int, ...], tables: int
) -> tuple[int, int]:
    """Bytes of the caches of stacks of so many layers, and of all else beside the weights."""
    rows = 1 if values.real("guidance") == 1 else ROWS
    kind, dim, positions = values.text("kv_cache"), shapes.width // shapes.heads, _positions(shapes, frames)
    sizes = {"rows": rows, "heads": shapes.heads, "positions": positions, "dim": dim}
    cache = sum(cache_bytes(kind, layers=count, **sizes) for count in layers)
    scratch = scratch_bytes(kind, bytes_each=bytes_each, **sizes)
    embedded = 2 * (_STREAMS * rows * shapes.prefix * shapes.width * bytes_each)
    ropes = tables * positions * dim * 4
    at_once = shapes.prefix + 1
    if values.text("kv_cache") != "mulaw8":
        at_once = min(PREFILL_CHUNK, at_once)
    chunk = rows * at_once
    layer = chunk * (2 * shapes.width * 4 + 4 * shapes.ffn * bytes_each)
    draw = _NOISE_BYTES * (shapes.codes + 1)
    return cache, scratch + embedded + ropes + max(layer, draw)


def _positions(shapes: TokenShapes, frames: int) -> int:
    return shapes.prefix + frames + max(shapes.delays)


def cache_bytes(kind: str, *, layers: int, rows: int, heads: int, positions: int, dim: int) -> int:
    """Bytes of a stack's KV cache, scales included (levo-tokens spec §10)."""
    values = 2 * layers * rows * heads * positions * dim * _CACHE_BYTES[kind]
    if kind == "mulaw8":
        return values + 2 * 2 * layers * rows * positions
    if kind == "int8":
        return values + 2 * 2 * layers * rows * heads * positions * _scales(dim)
    return values


def scratch_bytes(kind: str, *, rows: int, heads: int, positions: int, dim: int, bytes_each: int) -> int:
    """Bytes that one layer's keys and values are unpacked into; `bytes_each` is the network's own."""
    vectors = rows * heads * positions
    unpacked = 2 * vectors * dim * bytes_each
    if kind == "mulaw8":
        return unpacked + vectors * dim * (4 + (2 if bytes_each != 2 else 0))
    if kind == "int8":
        return unpacked + vectors * _scales(dim) * bytes_each
    return 0 if _CACHE_BYTES[kind] == bytes_each else unpacked


def _scales(dim: int) -> int:
    return dim // _SCALE_CHANNELS if dim % _SCALE_CHANNELS == 0 else 1


def main_parameters(shapes: TokenShapes) -> int:
    """Parameters that are read for codebook 0 (levo-tokens spec §10)."""
    codes = (2 * shapes.codes + 3) * shapes.width
    return _stack_parameters(shapes, shapes.main_layers) + codes


def sub_parameters(shapes: TokenShapes) -> int:
    """Parameters that are read for codebooks 1 and 2, with the bridge from main (levo-tokens spec §10)."""
    width = shapes.width
    codes = (CODEBOOKS - 1) * (2 * shapes.codes + 3) * width
    return _stack_parameters(shapes, shapes.sub_layers) + codes + 3 * width * width + 2 * width


def _stack_parameters(shapes: TokenShapes, layers: int) -> int:
    width = shapes.width
    return layers * (4 * width * width + 3 * width * shapes.ffn + 2 * width) + width


def _audio(
    flow: FlowShapes, quantizer: QuantizerShapes, vae: VaeShapes, values: Values, *, frames: int
) -> StagePlan:
    windows = plan_windows(frames, positions=flow.positions, carried=flow.carried)
    steps = units(windows, frames, steps=values.whole("flow_steps"), chunk=VAE_CHUNK)
    weights = 4 * (flow_parameters(flow) + vae_parameters(vae) + 2 * quantizer.codes * quantizer.code_width)
    rows = 1 if values.real("flow_guidance") <= 1 else ROWS
    window = rows * flow.positions * (8 * flow.width + flow.ffn) * 4
    chunk = (VAE_CHUNK + 2 * VAE_CONTEXT) * SAMPLES_PER_FRAME * vae.channels * _DECODE_BYTES
    latents = frames * flow.latent * 4
    return StagePlan("audio", steps, weights, latents, max(window, chunk))


def flow_parameters(shapes: FlowShapes) -> int:
    """Parameters of the flow transformer that inference reads (levo-audio spec §1.3)."""
    width, ffn = shapes.width, shapes.ffn
    block = 4 * width + 3 * width * width + 3 * width + width * width + width
    block += 2 * width * ffn + ffn + width + 6 * width
    time = shapes.time_width * width + width + width * width + width + 6 * width * (width + 1)
    return shapes.blocks * block + time + (shapes.positions + 4) * width + shapes.latent * (width + 1)


def vae_parameters(shapes: VaeShapes) -> int:
    """Parameters of the decoder, weight norm folded (levo-audio spec §1.5)."""
    widths = [shapes.channels * m for m in shapes.multipliers]
    total = 7 * shapes.latent * widths[-1] + widths[-1]
    for (narrow, wide), stride in zip(pairwise(widths), shapes.strides, strict=True):
        unit = 8 * narrow * narrow + 6 * narrow
        total += 2 * wide + 2 * stride * wide * narrow + narrow + 3 * unit
    return total + 2 * widths[0] + 14 * widths[0]
