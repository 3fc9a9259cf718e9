"""Which weights are measured, and that random ones are as good."""

from dataclasses import replace

import torch

from core.bench.models import Subject, random_synthesis, subject
from core.checkpoints import model_folder
from core.levo.shapes import shapes_of
from core.levo.vae import decode_whole
from core.registry import variant

CPU = torch.device("cpu")


def test_a_model_by_rule_is_made(windowed: str, toy_subject: Subject) -> None:
    assert toy_subject.weights == "made by rule"
    assert (model_folder(variant(windowed)) / "flow.safetensors").is_file()


def test_a_models_own_weights_are_taken_where_they_are(windowed: str, toy_subject: Subject) -> None:
    found = subject(replace(variant(windowed), weights="published"), CPU)
    assert found.weights == f"its own, from {model_folder(variant(windowed))}"
    for mine, made in zip(found.models.flow.parameters(), toy_subject.models.flow.parameters(), strict=True):
        assert torch.equal(mine, made)


def test_without_them_weights_are_random_and_it_is_said(windowed: str) -> None:
    found = subject(replace(variant(windowed), id="absent", weights="published"), CPU)
    assert found.weights.startswith("random")


def test_random_weights_are_the_same_each_time_and_keep_a_signals_size(windowed: str) -> None:
    shapes = shapes_of(variant(windowed).shapes)
    one, other = random_synthesis(shapes, CPU), random_synthesis(shapes, CPU)
    for network, twin in ((one.flow, other.flow), (one.decoder, other.decoder)):
        assert all(torch.equal(a, b) for a, b in zip(network.parameters(), twin.parameters(), strict=True))
    latents = torch.randn(40, shapes.vae.latent, generator=torch.Generator().manual_seed(1))
    assert 0.1 < decode_whole(one.decoder, latents, chunk=64).std() < 30
