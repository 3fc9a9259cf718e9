"""What makes tests of hearing a recording short."""

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


def be_brisk(patch: pytest.MonkeyPatch) -> None:
    """Let an engine look through the rule's weights once and collect no garbage."""
    honest = demo_weights

    def once(shapes: Shapes, folder: Path) -> None:
        if not (folder / "styles.safetensors").exists():  # which is made last
            honest(shapes, folder)

    patch.setattr(engine, "demo_weights", once)
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
