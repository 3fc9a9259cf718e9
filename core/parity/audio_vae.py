"""Golden autoencoder and separation."""

import re
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from core.levo.conditions.separate import SOURCES, separated, separator
from core.levo.vae import Snake, Vae, decode_whole
from core.parity.audio_bench import AudioBench, AudioCase
from core.parity.audio_rule import called, first_called
from core.parity.compare import Case, Check, close

_CHUNK = 128
_LEAST = 1e-4


def vae_case(bench: AudioBench, case: AudioCase) -> Case:
    """The snake, the encoder or the decoder; what a case is shows in the tensors it holds."""
    if "alpha" in case.stored:
        return case.done(list(_snake(bench, case)))
    shapes = bench.shapes(case.config).vae
    heard = any(part in case.stored for part in ("enc", "mean")) or "mean_every5" in case.stored
    decodes = any(part.split("_")[0] in ("out", "dec", "slice") for part in case.stored)
    part = "" if heard and decodes else "encoder." if heard else "decoder."
    vae = bench.by_rule("vae", lambda: Vae(shapes), case, part=part)
    inputs = [bench.here(tensor) for tensor in called(case.recipe)]
    checks: list[Check] = []
    if heard:
        sound = inputs[0][None] if inputs[0].ndim == 2 else inputs[0]
        checks += _encoded(case, vae, sound, inputs[1:])
    if decodes:
        checks += _decoded(case, vae, inputs[-1])
    return case.done(checks)


def _snake(bench: AudioBench, case: AudioCase) -> Iterator[Check]:
    snake = Snake(len(case.stored["alpha"]))
    snake.load_state_dict({name: case.stored[name] for name in ("alpha", "beta")}, assign=True)
    yield case.near("out", snake.to(bench.device)(bench.here(case.stored["in"])))


def _encoded(case: AudioCase, vae: Vae, sound: Tensor, rest: list[Tensor]) -> Iterator[Check]:
    mean, spread = vae.encoder(sound)
    yield from case.thinned("mean", mean)
    if "scale" in case.stored:
        yield close("scale", spread, F.softplus(case.stored["scale"]) + _LEAST, case.tolerance)
        yield case.near("sample", mean + spread * rest[0])
    if "enc" in case.stored:
        middle, scale = case.stored["enc"].chunk(2, dim=1)
        yield close("enc", mean, middle, case.tolerance)
        yield close("enc scale", spread, F.softplus(scale) + _LEAST, case.tolerance)


def _decoded(case: AudioCase, vae: Vae, latents: Tensor) -> Iterator[Check]:
    sound = decode_whole(vae.decoder, latents[0].T, chunk=_CHUNK)[None]
    yield from case.thinned("out", sound)
    yield from case.thinned("dec", sound)
    for part in case.stored:
        if found := re.fullmatch(r"slice_(\d+)_(\d+)", part):
            yield case.near(part, sound[..., int(found[1]) : int(found[2])])


def demucs_case(bench: AudioBench, case: AudioCase) -> Case:
    """Four sources of a mix, the shift being given, at the rate the mix has."""
    shapes = bench.shapes(case.config).separator
    network = bench.by_rule("separator", lambda: separator(shapes), case)
    mix = bench.here(first_called(case.recipe))
    sources = separated(network, mix, shift=int(case.stored["shift"]), tick=lambda: None)
    vocal = sources[SOURCES.index("vocals")]
    checks = list(case.thinned("vocals", vocal))
    checks.append(case.near("all_rms", sources.square().mean(dim=-1).sqrt()))
    if "bgm_slice" in case.stored:
        checks.append(_somewhere(case, "bgm_slice", mix - vocal))
    return case.done(checks)


def _somewhere(case: AudioCase, part: str, sound: Tensor) -> Check:
    """Compare with a stretch of sound whose place is not told: where it fits best."""
    want = case.stored[part].to(sound)
    stretches = sound.unfold(-1, want.shape[-1], want.shape[-1] // 5)  # [C, places, n]
    apart = (stretches - want[:, None]).abs().amax(dim=(0, 2))
    return Check(part, float(torch.min(apart)), case.tolerance)
