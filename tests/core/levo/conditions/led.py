"""A model that a recording can lead, and what makes tests of it short."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import pytest
from demucs.htdemucs import HTDemucs

from core.levo import engine
from core.levo.conditions import codes, separate
from core.levo.demo import demo_weights
from core.levo.shapes import SAMPLES_PER_FRAME, SeparatorShapes, Shapes
from core.paths import user_config
from core.registry import variants


def roomy(toy: str) -> str:
    """Add one like the toy to the models, whose flow has room for ten seconds of reference; its name."""
    path = user_config().with_name("models.yaml")
    models = json.loads(path.read_text())
    shapes = models[toy]["shapes"]
    wider = {**shapes, "flow": {**shapes["flow"], "positions": 300}}
    path.write_text(json.dumps({**models, "roomy": {**models[toy], "shapes": wider}}))
    variants.cache_clear()
    return "roomy"


def be_brisk(patch: pytest.MonkeyPatch) -> None:
    """Let an engine look through the rule's weights once, collect no garbage, and use one thread.

    Threads that wait for each other spin here, which on a busy machine takes many times the work.
    """
    honest = demo_weights

    def once(shapes: Shapes, folder: Path) -> None:
        if not (folder / "styles.safetensors").exists():  # which is made last
            honest(shapes, folder)

    patch.setattr(engine, "demo_weights", once)
    patch.setattr(engine, "cores", lambda: 1)
    patch.setattr(engine.LevoEngine, "close", lambda self: None)


@contextmanager
def short_hearing() -> Iterator[int]:
    """Let the encoder hear 4 s at a time instead of 40, and the separator 1 s: as true, and sooner over.

    Gives the samples that the encoder hears.
    """
    honest = separate.separator
    window = 100 * SAMPLES_PER_FRAME

    def separator(shapes: SeparatorShapes) -> HTDemucs:
        network = honest(shapes)
        network.segment = Fraction(1)
        return network

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codes, "ENCODER_FRAMES", 100)
        patch.setattr(codes, "_WINDOW", window)
        patch.setattr(separate, "separator", separator)
        yield window
