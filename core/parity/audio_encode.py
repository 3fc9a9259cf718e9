"""Golden hearing: front end, subsampling, conformer, quantizer, and sound to codes."""

import re
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from core.levo.conditions.codes import MixEncoder, StemEncoder, encode
from core.levo.conditions.encoder import MusicEncoder
from core.levo.conditions.frontend import BLOCK, Frontend, levelled
from core.levo.shapes import ENCODER_FRAMES, SAMPLES_PER_FRAME, Shapes
from core.levo.vq import Quantizer
from core.parity.audio_bench import AudioBench, AudioCase
from core.parity.audio_rule import called, first_called, rule_state
from core.parity.compare import Case, Check, close, holds

_FINAL_NORM = "bestrq.model.conformer.layer_norm"
_CUT = re.compile(r"\[:(\d+),:(\d+)\]")
_MANY = 0.01
"""Share of codes that may differ where no margins are stored."""


def frontend_case(bench: AudioBench, case: AudioCase) -> Case:
    """Resampler, spectrogram or level; what a case is shows in the tensors it holds."""
    frontend = Frontend()
    frontend.use_exact_tables()
    frontend = frontend.to(bench.device)
    if "in" in case.stored:
        sound = bench.here(case.stored["in"])[:, None]
        return case.done([case.near("out", levelled(sound)[:, 0])])
    sound = bench.here(first_called(case.recipe))
    if "db_min" in case.stored:
        count = sound.shape[1] // BLOCK * BLOCK
        if "second half" in case.recipe:
            sound[:, sound.shape[1] // 2 :] = 0
        return case.done([case.near("out", frontend.spectrogram(sound[:, :count]))])
    if cut := _CUT.search(case.recipe):
        sound = sound[: int(cut[1]), : int(cut[2])]
    checks = [case.near("out", frontend.halved(sound))]
    if "kernel" in case.stored:
        checks.append(case.near("kernel", frontend.resampler))
    return case.done(checks)


def conformer_case(bench: AudioBench, case: AudioCase) -> Case:
    """The convolutions before the blocks, or the blocks."""
    shapes = bench.shapes(case.config)
    x = bench.here(first_called(case.recipe))
    if "layers" not in case.config:
        encoder = _encoder(bench, case, shapes, blocks=0, part="encoder.subsampling.")
        return case.done([case.near("out", encoder.subsampling(x))])
    layers = int(case.config["layers"])
    encoder = _encoder(bench, case, shapes, blocks=layers, part="encoder.")
    states = encoder.taps(x, layers)
    return case.done(list(_states(bench, case, states)))


def _encoder(bench: AudioBench, case: AudioCase, shapes: Shapes, *, blocks: int, part: str) -> MusicEncoder:
    def build() -> MixEncoder:
        whole = MixEncoder(shapes.encoder, shapes.quantizer)
        whole.encoder = MusicEncoder(shapes.encoder, blocks)
        return whole

    return bench.by_rule("mix_encoder", build, case, part=part).encoder


def _states(bench: AudioBench, case: AudioCase, states: list[Tensor]) -> Iterator[Check]:
    if "block_out" in case.stored:
        yield case.near("block_out", states[-1])
        return
    weight, bias = (
        bench.here(
            rule_state({f"{_FINAL_NORM}.{leaf}": (states[0].shape[-1],)}, case.salt)[f"{_FINAL_NORM}.{leaf}"]
        )
        for leaf in ("weight", "bias")
    )
    # The reference's list ends with a norm that no tap hears.
    last = F.layer_norm(states[-1], weight.shape, weight, bias)
    yield case.near("hidden_states", torch.stack([*states[:-1], last]))


def quantizer_case(bench: AudioBench, case: AudioCase) -> Case:
    """Features to codes and back."""
    shapes = bench.shapes(case.config)
    whole = bench.by_rule(
        "mix_encoder", lambda: MixEncoder(shapes.encoder, shapes.quantizer), case, part="mix."
    )
    features = bench.here(first_called(case.recipe)).transpose(1, 2)  # [1, T, width]
    codes = whole.mix.encode(features)
    checks = [
        _codes("codes", codes, case.stored["codes"][0], case.stored["margin"], 1e-5),
        case.near("z_e", whole.mix.enter(features).transpose(1, 2)),
        *case.thinned("from_codes", whole.mix.decode(codes).transpose(1, 2)),
    ]
    return case.done(checks)


def encode_case(bench: AudioBench, case: AudioCase) -> Case:
    """Sound to codes: of a mix, or of its stems."""
    shapes = bench.shapes(case.config)
    if "vocal" in case.stored:
        return _stems(bench, case, shapes)
    whole = bench.by_rule("mix_encoder", lambda: MixEncoder(shapes.encoder, shapes.quantizer), case)
    sound = bench.here(first_called(case.recipe))
    tap = shapes.encoder.mix_tap
    codes = encode(whole.encoder, whole.mix, sound, tap=tap, frames=_frames(sound))
    length = ENCODER_FRAMES * SAMPLES_PER_FRAME
    window = sound.repeat(1, -(-length // sound.shape[1]))[:, :length]
    features = whole.encoder(window[None], tap).transpose(1, 2)
    margins = torch.full((codes.shape[0],), 1.0)
    stored = case.stored["margin_first_window"][: len(margins)]
    margins[: len(stored)] = stored
    return case.done(
        [
            _codes("codes", codes, case.stored["codes"][0, 0], margins, 1e-4),
            *case.thinned("emb", features),
            *_slices(case, "emb", features),
        ]
    )


def _stems(bench: AudioBench, case: AudioCase, shapes: Shapes) -> Case:
    whole = bench.by_rule("stem_encoder", lambda: StemEncoder(shapes.encoder, shapes.quantizer), case)
    vocal, backing = (bench.here(sound) for sound in called(case.recipe))
    frames = _frames(vocal)
    taps, books = shapes.encoder, (whole.vocal, whole.backing)
    checks = [
        _close_enough(name, _coded(whole, book, sound, tap, frames), case.stored[name][0, 0])
        for name, book, sound, tap in zip(
            ("vocal", "bgm"), books, (vocal, backing), (taps.vocal_tap, taps.backing_tap), strict=True
        )
    ]
    return case.done(checks)


def _coded(whole: StemEncoder, book: Quantizer, sound: Tensor, tap: int, frames: int) -> Tensor:
    return encode(whole.encoder, book, sound, tap=tap, frames=frames)


def _frames(sound: Tensor) -> int:
    """Codes as the reference counts them: one more than there are latents (levo-audio spec §3.7)."""
    return sound.shape[1] // SAMPLES_PER_FRAME + 1


def _slices(case: AudioCase, name: str, got: Tensor) -> Iterator[Check]:
    for part in case.stored:
        if found := re.fullmatch(rf"{name}_(\d+)_(\d+)", part):
            yield case.near(part, got[..., int(found[1]) : int(found[2])])


def _codes(part: str, got: Tensor, want: Tensor, margins: Tensor, least: float) -> Check:
    """Codes are the same wherever the second best was further off than `least`."""
    left, right = got.cpu().flatten(), want.flatten().long()
    if left.shape != right.shape:
        return close(part, left, right, 0.0)
    return holds(part, (left != right)[margins > least].nonzero())


def _close_enough(part: str, got: Tensor, want: Tensor) -> Check:
    if got.shape != want.shape:
        return close(part, got, want, 0.0)
    return Check(part, float((got.cpu() != want).double().mean()), _MANY, "of the codes differ")
