"""What hears a recording: networks of a few thousand weights whose codebooks can tell sounds apart."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.levo.accidents import NONE, Accidents
from core.levo.conditions.encoder import MusicEncoder
from core.levo.conditions.listen import Listener
from core.levo.demo import demo_weights
from core.levo.shapes import EncoderShapes, Shapes
from core.levo.vq import Quantizer
from core.random import Stream
from tests.core.levo.conditions.encoders import CPU, mix_encoder, stem_encoder
from tests.core.levo.conditions.led import short_hearing
from tests.core.levo.conditions.music import as_heard, music
from tests.core.levo.tiny import TINY

Hear = Callable[..., Listener]

SHAPES = replace(
    TINY,
    quantizer=replace(TINY.quantizer, codes=4096, width=8),
    encoder=EncoderShapes(
        channels=4, width=8, heads=2, ffn=16, kernel=7, mix_tap=2, vocal_tap=3, backing_tap=1
    ),
    flow=replace(TINY.flow, latent=8, condition=8),
    vae=replace(TINY.vae, channels=4, multipliers=(1, 1, 2, 2, 4, 4), latent=8),
)


@pytest.fixture(scope="session")
def shapes() -> Shapes:
    """The sizes of what hears."""
    return SHAPES


@pytest.fixture(scope="session")
def ears(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the role files of these sizes are."""
    folder = tmp_path_factory.mktemp("ears")
    demo_weights(SHAPES, folder)
    mix, stems = mix_encoder(SHAPES, folder), stem_encoder(SHAPES, folder)
    taps = SHAPES.encoder
    _centre(folder / "mix_encoder.safetensors", mix.encoder, {"mix": (mix.mix, taps.mix_tap)})
    stem_books = {"vocal": (stems.vocal, taps.vocal_tap), "backing": (stems.backing, taps.backing_tap)}
    _centre(folder / "stem_encoder.safetensors", stems.encoder, stem_books)
    return folder


def _centre(path: Path, encoder: MusicEncoder, books: Mapping[str, tuple[Quantizer, int]]) -> None:
    """Put a codebook's middle where the untrained encoder puts music: else all music gets a few codes."""
    state: dict[str, Tensor] = load_file(path)
    with torch.inference_mode():
        for name, (book, tap) in books.items():
            usual = encoder(as_heard(music(4, seed=7))[None], tap)[0].mean(0)
            state[f"{name}.enter.bias"] = -book.enter.weight @ usual
    save_file(state, path)


@pytest.fixture(scope="session")
def listener(ears: Path) -> Hear:
    """Makes a listener; roles named in `files` have files of their own."""

    def make(
        accidents: Accidents = NONE,
        *,
        exact_tables: bool = False,
        files: Mapping[str, Path] | None = None,
        weights: Callable[[str], Path] | None = None,
        reached: Callable[[int], object] = lambda done: None,
        seed: int = 5,
    ) -> Listener:
        return Listener(
            shapes=SHAPES,
            weights=weights or (lambda role: (files or {}).get(role, ears / f"{role}.safetensors")),
            device=CPU,
            accidents=accidents,
            exact_tables=exact_tables,
            noise=Stream(seed, "separation"),
            reached=reached,
        )

    return make


@pytest.fixture
def short_windows() -> Iterator[int]:
    """Let encoder and separator hear a few seconds at a time; the samples that the encoder hears."""
    with short_hearing() as window:
        yield window


@pytest.fixture(scope="module")
def short_windows_throughout() -> Iterator[int]:
    """The same for all tests of a file."""
    with short_hearing() as window:
        yield window
