"""What a LeVo song will take, from shapes alone: units of work and bytes, stage by stage."""

from core.engine import Note, Plan, StagePlan
from core.levo.conditions.steps import HEARD
from core.levo.plan_sound import ROWS, audio_plan, conditions_plan
from core.levo.shapes import (
    CODEBOOKS,
    FRAME_RATE,
    PREFILL_CHUNK,
    REFERENCE_FRAMES,
    TokenShapes,
    frames_in,
    shapes_of,
)
from core.registry import Variant
from core.settings import Values
from core.song import Song

TRAINED_SECONDS = 270.0
"""The published models were configured for songs up to this long (levo-tokens spec §1)."""
_STREAMS = 2
"""Embeddings of the conditions: main's and sub's."""
_NOISE_BYTES = 450
"""Noise of 16 steps: 64 in each of three codebooks, and the words it is made from, per id, measured."""
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
            conditions_plan(shapes, units=condition_units(song), has_recording=_has_recording(song)),
            _tokens(shapes.tokens, values, frames=frames, bytes_each=bytes_each),
            audio_plan(shapes, values, frames=frames, prompt=REFERENCE_FRAMES * _has_recording(song)),
        ),
        notes=tuple(_notes(chosen, values)),
    )


def condition_units(song: Song) -> int:
    """Steps of the first stage: the texts, and where there is a recording, listening to it."""
    return 1 + (HEARD if _has_recording(song) else 0)


def _has_recording(song: Song) -> bool:
    return song.reference is not None and bool(song.reference.path)


def _notes(chosen: Variant, values: Values) -> list[Note]:
    notes = []
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
