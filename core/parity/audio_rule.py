"""Weights, sounds, noise and codes of the audio vectors by rule (tests/golden/audio/README.md)."""

import ast
import math
import re
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from core.errors import SongdeskError
from core.parity.lm_rule import drawn_by, generator_of

RATE = 48_000
_COMPUTED = (
    "spectrogram.window", "mel_scale.fb", "inv_freq", "rsq48tobestrq.kernel", "num_batches_tracked",
    "stale_counter",
)  # fmt: skip
"""Ends of the keys whose values are worked out, not drawn."""
_LAST_LAYERS = ("linear_out.weight", "output_dense.weight", "pointwise_conv2.weight")
_COUNTS = 100_000.0
_CALL = re.compile(r"(rule_audio|rule_codes|randn)\(((?:[^()]|\([^()]*\))*)\)")
_VOICES, _SEGMENTS = 8, 5.0
"""Of a drawn sound: voices per channel, and jumps to another pitch per second."""


def rule_state(shapes: Mapping[str, tuple[int, ...]], salt: str) -> dict[str, Tensor]:
    """A float32 value for each published key that is drawn."""
    state = {
        key: _value(key, shape, salt)
        for key, shape in shapes.items()
        if not key.endswith((*_COMPUTED, "weight_g"))
    }
    for key in (key for key in shapes if key.endswith("weight_g")):
        direction = state[key.removesuffix("g") + "v"]
        state[key] = _gain(direction, drawn_by(salt + key, shapes[key]))
    return state


def randn(tag: str, *shape: int) -> Tensor:
    """Standard normal numbers, float32."""
    return drawn_by(tag, shape)


def rule_codes(tag: str, frames: int, size: int = 16384) -> Tensor:
    """Codes int64 [1, 1, frames] in [0, size)."""
    return torch.randint(0, size, (1, 1, frames), generator=generator_of(f"codes:{tag}"))


def rule_audio(tag: str, seconds: float, sr: int = RATE, channels: int = 2, peak: float = 0.5) -> Tensor:
    """A sound [channels, n] at `sr` Hz: voices that jump five times a second, clicks and noise."""
    count = round(seconds * sr)
    times = torch.arange(count, dtype=torch.float64) / sr
    segment = (times * _SEGMENTS).floor().long()
    source = generator_of(f"audio:{tag}")
    draws = torch.rand(channels, _VOICES, int(segment[-1]) + 1, 3, generator=source, dtype=torch.float64)
    noise = torch.randn(channels, count, generator=source).double()
    since = times - segment.double() / _SEGMENTS
    sound = torch.zeros(channels, count, dtype=torch.float64)
    for channel in range(channels):
        for voice in range(_VOICES):
            pitch, level, phase = draws[channel, voice, segment].unbind(-1)
            hertz = 55.0 * 2.0 ** (7.0 * pitch)
            sound[channel] += level**3 * torch.sin(2 * math.pi * (hertz * since + phase))
    clicks = torch.exp(-((times * 2.0) % 1.0) * 40.0)
    sound += 0.5 * clicks * noise + 0.01 * noise
    return (sound * (peak / sound.abs().max())).float()


def called(recipe: str) -> Iterator[Tensor]:
    """The results of the calls in a recipe such as `rule_audio('a',12.0,peak=0.5) as (2,n)`, in order."""
    makers: dict[str, Callable[..., Tensor]] = {
        "rule_audio": rule_audio, "rule_codes": rule_codes, "randn": randn,
    }  # fmt: skip
    for match in _CALL.finditer(recipe):
        try:
            call = ast.parse(f"f({match[2]})", mode="eval").body
            assert isinstance(call, ast.Call)
            given = [ast.literal_eval(each) for each in call.args]
            named = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
        except (SyntaxError, ValueError, AssertionError):
            continue  # a call over a name, such as randn('noise:60s:i'), is the case's own to make
        yield makers[match[1]](*given, **named)


def first_called(recipe: str) -> Tensor:
    """The result of a recipe's first call; SongdeskError when it has none."""
    for tensor in called(recipe):
        return tensor
    raise SongdeskError(f"unknown recipe {recipe!r}", hint="this folder needs a newer songdesk")


def fingerprint_differs(tensor: Tensor, stored: Mapping[str, object]) -> bool:
    """Whether a drawn tensor is another than the one a manifest describes by sums and picks."""
    flat = tensor.double().flatten()
    places = torch.linspace(0, flat.numel() - 1, min(5, flat.numel())).long()
    facts = [float(flat.sum()), float(flat.abs().sum()), *flat[places].tolist()]
    picks = stored["picks"]
    assert isinstance(picks, list)
    wanted = [stored["sum"], stored["abs_sum"], *picks]
    scale = 1e-6 * max(1.0, facts[1])
    return any(abs(got - float(str(want))) > scale for got, want in zip(facts, wanted, strict=True))


def _statistics(key: str, shape: tuple[int, ...], salt: str) -> Tensor:
    prefix, _, leaf = key.rpartition(".")
    if leaf == "counts":
        return torch.full(shape, _COUNTS)
    mean: Tensor = 0.2 * drawn_by(f"{salt}{prefix}.mean", shape)
    deviation: Tensor = (0.3 * drawn_by(f"{salt}{prefix}.std", shape)).exp()
    if leaf == "sum_x":
        return _COUNTS * mean
    return _COUNTS * (mean * mean + deviation * deviation)


def _value(key: str, shape: tuple[int, ...], salt: str) -> Tensor:
    if key.startswith("normfeat."):
        return _statistics(key, shape, salt)
    drawn = drawn_by(salt + key, shape)
    simple = _simple(key, key.rpartition(".")[2], shape, drawn)
    return simple if simple is not None else _matrix(key, shape, drawn)


def _gain(direction: Tensor, drawn: Tensor) -> Tensor:
    """A weight norm's gain [C, 1, …]: 0.8 times the direction's length, give or take a tenth."""
    length = direction.square().sum(dim=tuple(range(1, direction.ndim)), keepdim=True).sqrt()
    return length.reshape(drawn.shape) * 0.8 * (1 + 0.1 * drawn)


def _simple(key: str, leaf: str, shape: tuple[int, ...], drawn: Tensor) -> Tensor | None:
    """What is not a matrix: a drawn tensor times a number, or around one."""
    if leaf == "running_var":
        return (0.2 * drawn).exp()
    if leaf == "scale":
        return 0.5 + 0.1 * drawn
    factors = {
        "running_mean": 0.1, "alpha": 0.3, "beta": 0.3, "scale_shift_table": 0.3, "bias": 0.02,
        "in_proj_bias": 0.02, "zero_cond_embedding1": 0.5, "cls_token": 0.5,
    }  # fmt: skip
    if leaf in factors:
        return factors[leaf] * drawn
    if leaf == "weight" and len(shape) == 1:
        return 1 + 0.1 * drawn
    if key.endswith("codebook.weight"):
        return drawn
    if key.endswith(("wpe.weight", "wte.weight", "freq_emb.embedding.weight")):
        return 0.1 * drawn
    return 0.5 * drawn if key.endswith("mask_emb.weight") else None


def _matrix(key: str, shape: tuple[int, ...], drawn: Tensor) -> Tensor:
    if key.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")):  # stored (in, out)
        return (drawn - drawn.mean(0, keepdim=True)) * math.pow(shape[0], -0.5)
    if not key.endswith("weight_v") and len(shape) > 1:
        drawn = drawn - drawn.mean(dim=tuple(range(1, len(shape))), keepdim=True)
    gain = 0.4 if key.endswith(_LAST_LAYERS) else 1.0
    return gain * drawn * math.pow(math.prod(shape[1:]), -0.5)
