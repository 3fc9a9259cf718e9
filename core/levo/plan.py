"""What a LeVo song will take, from shapes alone: units of work and bytes, stage by stage; no torch."""

from core.device import Device
from core.engine import Note, Plan, StagePlan
from core.levo.accidents import NONE, accidents_of
from core.levo.conditions.steps import HEARD
from core.levo.plan_sound import audio_plan, conditions_plan, with_sound
from core.levo.plan_tokens import lockstep_plan, two_pass_plan
from core.levo.settings import AUTO, resolved
from core.levo.shapes import FRAME_RATE, REFERENCE_FRAMES, TokenShapes, frames_in, shapes_of
from core.registry import Variant
from core.settings import Values
from core.song import Song

TRAINED_SECONDS = 270.0
"""The published models were configured for songs up to this long (levo-tokens spec §1)."""


def plan(song: Song, chosen: Variant, values: Values, device: Device = "cuda") -> Plan:
    """Frames, steps and bytes of each stage on a device; costs nothing and loads nothing.

    What is left to `auto` is planned as where there is room for everything.
    """
    shapes, half = shapes_of(chosen.shapes), is_half(chosen, device)
    values = resolved(values, half=half)
    frames = frames_in(values.real("length"))
    has_recording = _has_recording(song)
    prompt = REFERENCE_FRAMES * has_recording
    tokens = _tokens(shapes.tokens, values, frames=frames, bytes_each=2 if half else 4)
    if values.get("ahead", AUTO) != "off" and can_be_ahead(song, chosen, values):
        tokens = with_sound(tokens, shapes, values, frames=frames, prompt=prompt)
    return Plan(
        seconds=frames / FRAME_RATE,
        stages=(
            conditions_plan(shapes, units=condition_units(song), has_recording=has_recording),
            tokens,
            audio_plan(shapes, values, frames=frames, prompt=prompt, replayed=device != "cpu"),
        ),
        notes=tuple(_notes(chosen, values)),
    )


def can_be_ahead(song: Song, chosen: Variant, values: Values) -> bool:
    """Whether anything of a song can be rendered while it is composed: no window is known before its end."""
    frames = frames_in(values.real("length")) + REFERENCE_FRAMES * _has_recording(song)
    return frames > shapes_of(chosen.shapes).flow.positions and not why_not_ahead(values)


def why_not_ahead(values: Values) -> str:
    """Why no song can be rendered while it is composed with these settings; empty where it can."""
    if values.text("schedule") == "two-pass":
        return "its transformers compose one after the other"
    if accidents_of(values) != NONE:
        return "compatibility with the published programs was asked for"
    if values.text("flow_precision") in ("fp16", "bf16"):
        return "whether halves are close enough is measured first"
    return ""


def is_half(chosen: Variant, device: Device) -> bool:
    """Whether the token model computes in fp16: published weights on an accelerator."""
    return not chosen.is_built_in and device != "cpu"


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
