"""From nothing but loaded weights to sound: a draft of some seconds, composed and then rendered."""

import time
from dataclasses import dataclass

import torch

from core.bench.decode.subject import Subject
from core.bench.decode.traffic import Form
from core.bench.decode.whole import composed
from core.bench.measure import Stopwatch
from core.bench.models import subject as sound_subject
from core.device import processor_threads
from core.levo.artifacts import Conditions, Tokens
from core.levo.settings import settings_of
from core.levo.shapes import CODEBOOKS, shapes_of
from core.levo.synthesis.render import render
from core.registry import Variant, variant
from core.settings import Values, resolve
from core.threads import threads_for

_WIDE = 1000
"""Channels of a flow from which on a processor takes minutes."""


@dataclass(frozen=True, slots=True)
class FirstSound:
    """How long a person waits for it, without loading."""

    form: Form
    draft: float
    """Seconds of song that are composed before any is rendered."""
    composed: float
    """Seconds until the draft's codes were there."""
    rendered: float | None
    """Seconds from there to the first sound; None where that was not measured."""
    left_out: str
    """Why it was not; else empty."""
    sound_of: str
    """The model whose flow and decoder made it."""


def first_sound(
    chosen: Variant, found: Subject, form: Form, values: Values, *, draft: float, is_small: bool
) -> FirstSound:
    """Compose a draft and render its first sound; small shapes are heard through the demo's networks."""
    tokens, seconds = composed(found, form, values, draft=draft)
    voice = variant("demo") if is_small else chosen
    shapes = shapes_of(voice.shapes)
    if found.device.type == "cpu" and shapes.flow.width > _WIDE:
        return FirstSound(form, draft, seconds, None, "it takes a processor minutes", voice.id)
    try:
        rendered = _rendered(voice, tokens, found.device)
    except torch.OutOfMemoryError:
        return FirstSound(form, draft, seconds, None, "no room beside the token model", voice.id)
    return FirstSound(form, draft, seconds, rendered, "", voice.id)


def _rendered(voice: Variant, tokens: Tokens, device: torch.device) -> float:
    """Seconds until the first sound of some tokens."""
    models = sound_subject(voice, device).models
    run = Stopwatch(device, resolve(settings_of(voice)))
    nothing = torch.zeros(2, 0, dtype=torch.int64)
    conditions = Conditions(
        lyric_ids=nothing, structure=nothing, style_ids=nothing,
        prompt_codes=torch.zeros(CODEBOOKS, 0, dtype=torch.int64),
        prompt_latents=torch.zeros(CODEBOOKS, 0, models.shapes.flow.latent),
    )  # fmt: skip
    with processor_threads(threads_for("sound", models.shapes.flow.width).count):
        began = time.perf_counter()
        render(models, tokens, conditions, run)
    return run.came[0] - began
