"""From where on in a song a turned setting is heard."""

from core.levo.shapes import FRAME_RATE, frames_in, shapes_of
from core.registry import Variant
from core.takes.job import KnobChange
from core.takes.recipe import Recipe

_OF_LATE_BOOKS = ("stem_temperature", "stem_top_k", "stem_top_p")
"""What only the vocal and backing codebooks read, which are written some columns after the mixed one."""
_OF_ALL_BOOKS = ("guidance", "repetition_penalty", "repetition_window", "penalty_mode", "penalty_sign")
_TURNS = "the transformers took turns"
"""How the note begins by which takes of an earlier songdesk tell of a schedule chosen on the way."""


def heard_from(chosen: Variant, recipe: Recipe, knob: KnobChange) -> float:
    """Seconds into the song from which a change counts; its end where it came too late for anything.

    A unit of the token stage is a column, which stands for the frame of its mixed codebook; what the late
    codebooks alone read counts from their frame. Stages that read their settings once, at their start, count
    from 0. For a take of two passes that was cut short in the second the time is a guess.
    """
    if knob.stage != "tokens":
        return 0.0
    frames = _frames(recipe)
    if _took_turns(recipe):
        frame = _frame_in_turns(knob, frames)
    else:
        frame = _frame_in_step(knob, frames, max(shapes_of(chosen.shapes).tokens.delays))
    return frame / FRAME_RATE


def _frame_in_step(knob: KnobChange, frames: int, delay: int) -> int:
    """The codebooks are written side by side, the late ones `delay` columns behind to the end."""
    if knob.key in _OF_LATE_BOOKS or (knob.key in _OF_ALL_BOOKS and knob.at >= frames):
        return max(0, knob.at - delay)
    return min(knob.at, frames)


def _frame_in_turns(knob: KnobChange, frames: int) -> int:
    """The mixed codebook is written to its end, then the late ones from their beginning."""
    if knob.at < frames:
        return 0 if knob.key in _OF_LATE_BOOKS else knob.at
    return knob.at - frames if knob.key in (*_OF_LATE_BOOKS, *_OF_ALL_BOOKS) else frames


def _took_turns(recipe: Recipe) -> bool:
    schedule = recipe.schedule or recipe.chosen.get("schedule") or recipe.settings.get("schedule")
    return schedule == "two-pass" or any(note.startswith(_TURNS) for note in recipe.notes)


def _frames(recipe: Recipe) -> int:
    """Frames of the song as made, or while it is made as asked for."""
    length = recipe.chosen.get("length", recipe.settings.get("length"))
    asked = length if isinstance(length, int | float) else 0.0
    return frames_in(recipe.seconds or asked)
