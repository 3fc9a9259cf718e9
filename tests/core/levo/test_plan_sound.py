"""What phases 1 and 3 are planned to take, against the modules themselves and the memory they really use."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from core.bench.measure import memory_changes, peak_of
from core.levo.conditions.codes import MixEncoder, StemEncoder, encode
from core.levo.conditions.separate import separator, vocal_of
from core.levo.demo import rule_state
from core.levo.plan_sound import (
    audio_plan,
    conditions_plan,
    encoder_parameters,
    flow_parameters,
    fullest_channels,
    quantizer_parameters,
    vae_encoder_parameters,
    vae_parameters,
)
from core.levo.settings import settings_of
from core.levo.shapes import Shapes, shapes_of
from core.levo.synthesis.flow import Flow
from core.levo.vae import StreamDecoder, Vae, VaeDecoder, VaeEncoder
from core.levo.vq import Quantizer
from core.levo.weights import hollow
from core.registry import variant
from core.settings import Value, Values

DEMO = shapes_of(variant("demo").shapes)


def shapes(name: str) -> Shapes:
    return shapes_of(variant(name).shapes)


def values(**changes: Value) -> Values:
    table = {setting.key: setting.default for setting in settings_of(variant("demo"))}
    return Values({**table, **changes})


def count(build: Callable[[], nn.Module]) -> int:
    with hollow():
        return sum(tensor.numel() for tensor in build().parameters())


@pytest.mark.parametrize("name", ["demo", "v2-large"])
def test_parameters_are_those_of_the_modules(name: str) -> None:
    size = shapes(name)
    encoders = count(lambda: MixEncoder(size.encoder, size.quantizer))
    encoders += count(lambda: StemEncoder(size.encoder, size.quantizer))
    quantizer = count(lambda: Quantizer(size.quantizer))
    assert quantizer_parameters(size.quantizer) == quantizer
    assert encoder_parameters(size.encoder) == encoders - 3 * quantizer
    assert vae_encoder_parameters(size.vae) == count(lambda: VaeEncoder(size.vae))
    assert vae_parameters(size.vae) == count(lambda: VaeDecoder(size.vae))
    assert size.separator.parameters == count(lambda: separator(size.separator))
    flow = count(lambda: Flow(size).transformer)
    assert flow_parameters(size.flow) == pytest.approx(flow, rel=1e-4)


def test_a_reference_is_planned_for_and_texts_take_nothing() -> None:
    texts = conditions_plan(DEMO, units=1, has_recording=False)
    heard = conditions_plan(shapes("v2-large"), units=10, has_recording=True)
    assert texts.peak == 0
    assert 1.5e9 < heard.peak < 4e9


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({"decode_chunk": 256}, True), ({"decode_chunk": 16}, False), ({"flow_precision": "fp16"}, False),
    ],
)  # fmt: skip
def test_chunk_and_precision_move_the_peak(changes: dict[str, Value], *, more: bool) -> None:
    size = shapes("v2-large")
    usual, other = (audio_plan(size, values(**each), frames=3000, prompt=0) for each in ({}, changes))
    if "flow_precision" in changes:
        assert other.peak == usual.peak, "it is measured against fp32, and may have to stay there"
    elif more:
        assert other.work > usual.work
    else:
        assert other.work <= usual.work


def test_stems_take_as_many_steps_again() -> None:
    one, three = (
        audio_plan(DEMO, values(stems=stems), frames=500, prompt=0) for stems in ("mix", "mix+vocal+backing")
    )
    assert three.units == 3 * one.units
    assert three.work == one.work


def peak(work: Callable[[], object]) -> int:
    """Bytes of tensors that were alive together at the fullest moment of some work."""
    with torch.inference_mode(), memory_changes() as changes:
        work()
    return peak_of(changes())


def drawn(build: Callable[[], nn.Module]) -> Any:
    with hollow():
        module = build()
    module.load_state_dict(rule_state(module), assign=True)
    return module.eval().requires_grad_(False)


@pytest.mark.parametrize("chunk", [16, pytest.param(64, marks=pytest.mark.slow)])
def test_decoding_takes_the_memory_that_was_planned(chunk: int) -> None:
    vae = drawn(lambda: Vae(DEMO.vae)).decoder
    latents = torch.randn(200, DEMO.vae.latent)

    def work() -> None:
        stream = StreamDecoder(vae, chunk=chunk)
        for _ in stream.push(latents):
            pass

    planned = audio_plan(DEMO, values(decode_chunk=chunk, flow_guidance=1.0), frames=200, prompt=0)
    narrow = audio_plan(DEMO, values(decode_chunk=8, flow_guidance=1.0), frames=8, prompt=0)
    assert narrow.work < planned.work, "the decoder's part is the larger one"
    assert peak(work) == pytest.approx(planned.work, rel=0.05)


def test_solving_takes_the_memory_that_was_planned() -> None:
    flow = drawn(lambda: Flow(DEMO))

    def work() -> None:
        codes = torch.zeros(1, 2, DEMO.flow.positions, dtype=torch.int64)
        latent = DEMO.flow.latent
        problem = flow.problem(codes, torch.zeros(1, 0, latent), torch.randn(1, DEMO.flow.positions, latent))
        flow.window(problem, flow.schedule(1), guidance=1.5, tick=lambda: None)

    planned = audio_plan(
        DEMO, values(decode_chunk=8, flow_guidance=1.5), frames=DEMO.flow.positions, prompt=0
    )
    assert peak(work) == pytest.approx(planned.work, rel=0.08)


def test_hearing_a_reference_takes_the_memory_that_was_planned() -> None:
    """At the demo's sizes separation is the fullest part."""
    network = drawn(lambda: separator(DEMO.separator))
    encoder = drawn(lambda: StemEncoder(DEMO.encoder, DEMO.quantizer))
    vae = drawn(lambda: Vae(DEMO.vae))
    mix = 0.1 * torch.randn(2, 480_000, generator=torch.Generator().manual_seed(1))
    peaks = [
        peak(lambda: vocal_of(network, mix, shift=100)),
        peak(lambda: encode(encoder.encoder, encoder.vocal, mix, tap=1, frames=250)),
        peak(lambda: vae.encoder(mix[None])),
    ]
    planned = conditions_plan(DEMO, units=10, has_recording=True)
    assert max(peaks) == pytest.approx(planned.work, rel=0.05)
    assert peaks[2] == pytest.approx(4 * 480_000 * fullest_channels(DEMO.vae), rel=0.02)
