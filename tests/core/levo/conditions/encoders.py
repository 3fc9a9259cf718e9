"""The encoders of a folder of role files."""

from pathlib import Path

import torch

from core.levo.conditions.codes import MixEncoder, StemEncoder
from core.levo.shapes import Shapes
from core.levo.vae import VaeEncoder
from core.levo.weights import load_module

CPU = torch.device("cpu")


def mix_encoder(shapes: Shapes, folder: Path) -> MixEncoder:
    path = folder / "mix_encoder.safetensors"
    return load_module(lambda: MixEncoder(shapes.encoder, shapes.quantizer), path, CPU)


def stem_encoder(shapes: Shapes, folder: Path) -> StemEncoder:
    path = folder / "stem_encoder.safetensors"
    return load_module(lambda: StemEncoder(shapes.encoder, shapes.quantizer), path, CPU)


def vae_encoder(shapes: Shapes, folder: Path) -> VaeEncoder:
    return load_module(
        lambda: VaeEncoder(shapes.vae),
        folder / "vae.safetensors",
        CPU,
        dtype=torch.float32,
        prefix="encoder.",
    )
