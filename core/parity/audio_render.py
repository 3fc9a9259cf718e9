"""Golden songs: codes to sound in sliding windows, as the published programs join them and as we do."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from core.levo.accidents import Accidents, Fade
from core.levo.artifacts import Conditions, Tokens
from core.levo.conditions.codes import StemEncoder, encode
from core.levo.shapes import CODEBOOKS, REFERENCE_FRAMES, SAMPLES_PER_FRAME, STEMS, Shapes, VaeShapes
from core.levo.synthesis.flow import Flow, Problem, Schedule
from core.levo.synthesis.joining import ramps
from core.levo.synthesis.render import NOISE_STRIDE, Synthesis, render
from core.levo.vae import Vae, VaeDecoder
from core.parity.audio_bench import AudioBench, AudioCase
from core.parity.audio_rule import randn, rule_audio, rule_codes
from core.parity.compare import Case, Check, checksum, close, same
from core.parity.quiet import QuietRun, greedy
from core.random import Stream
from core.settings import Value

_BLOCK = 4800
"""Samples whose loudness is stored as one number."""
_MIDFADE = re.compile(r"midfade slices start at sample (\d+)")
_NAMES = re.compile(r"'([^']+)'")
_SKIP = 2 * SAMPLES_PER_FRAME * 9
"""Samples around a window's edges, where a fade hides what our joining does not have."""


def render_case(bench: AudioBench, case: AudioCase) -> Case:
    """A song or the ramps that fade its windows."""
    if "index" in case.stored:
        return case.done(list(_ramps(case)))
    return case.done(list(_song(bench, case)))


def _ramps(case: AudioCase) -> Iterator[Check]:
    places, samples = case.stored["index"].long(), REFERENCE_FRAMES * SAMPLES_PER_FRAME
    out, into = ramps("power", samples, torch.device("cpu"))
    yield case.near("sin", into[places])
    yield case.near("cos", out[places])
    yield case.near("linear", ramps("linear", samples, torch.device("cpu"))[1][places])


class _NotedFlow(Flow):
    """A flow that keeps the latents of each window, and solves none twice."""

    def __init__(self, shapes: Shapes) -> None:
        super().__init__(shapes)
        self.made: list[Tensor] = []
        """In the order in which they were last asked for."""
        self._known: dict[tuple[int, ...], Tensor] = {}

    def window(
        self, problem: Problem, schedule: Schedule, *, guidance: float, tick: Callable[[], None]
    ) -> Tensor:
        """Solve a window and keep it."""
        key = tuple(map(checksum, (problem.noise, problem.carried, problem.condition)))
        if key not in self._known:
            self._known[key] = super().window(problem, schedule, guidance=guidance, tick=tick)
        self.made.append(self._known[key])
        return self._known[key]


class _NotedDecoder(VaeDecoder):
    """A decoder that decodes no latents twice."""

    def __init__(self, shapes: VaeShapes) -> None:
        super().__init__(shapes)
        self._known: dict[tuple[int, int | None], Tensor] = {}

    def forward(self, latents: Tensor, end: int | None = None) -> Tensor:
        """Their sound, decoded or remembered."""
        key = checksum(latents), end
        if key not in self._known:
            self._known[key] = super().forward(latents, end)
        return self._known[key].clone()


class _NotedVae(Vae):
    """The autoencoder with such a decoder."""

    def __init__(self, shapes: VaeShapes) -> None:
        super().__init__(shapes)
        self.decoder = _NotedDecoder(shapes)


@dataclass(frozen=True, slots=True)
class _NamedNoise(Stream):
    """Noise of window w by the name `noise:<song>:w`."""

    def normal(self, positions: Tensor, width: int, *, lane: int = 0) -> Tensor:  # noqa: ARG002
        """Of the window that the positions lie in."""
        window = int(positions[0]) // NOISE_STRIDE
        return randn(f"{self.name}:{window}", 1, len(positions), width)[0]


@dataclass(frozen=True, slots=True)
class _GoldenRun(QuietRun):
    """Starts from named noise and keeps the sound."""

    song: str = ""
    config: Mapping[str, Value] = field(default_factory=dict)
    sounds: list[Tensor] = field(default_factory=list)

    def live(self, key: str) -> Value:
        """Steps and guidance as the case has them."""
        return self.config[key.removeprefix("flow_")]

    def stream(self, name: str) -> Stream:  # noqa: ARG002
        """The song's noise."""
        return _NamedNoise(0, f"noise:{self.song}")

    def audio(self, samples: Tensor, stem: str = "mix") -> None:  # noqa: ARG002
        """Keep it."""
        self.sounds.append(samples.cpu())


def _song(bench: AudioBench, case: AudioCase) -> Iterator[Check]:
    shapes = bench.shapes({"encoder_dim": 64, **case.config})
    flow = bench.by_rule("flow", lambda: _NotedFlow(shapes), case, width=shapes.flow.width)
    vae = bench.by_rule("vae", lambda: _NotedVae(shapes.vae), case)
    models = Synthesis(shapes, flow, vae.decoder)
    codes = _codes(case)
    name = _song_name(case)
    conditions = _led(bench, case, shapes, vae, name)
    if "prompt_codes_vocal" in case.stored:
        yield same("prompt_codes_vocal", conditions.prompt_codes[1], case.stored["prompt_codes_vocal"][0, 0])
        yield same("prompt_codes_bgm", conditions.prompt_codes[2], case.stored["prompt_codes_bgm"][0, 0])
        yield from case.thinned("prompt_latents", conditions.prompt_latents[:1], dim=1)

    def sung(fade: Fade) -> Tensor:
        flow.made.clear()
        run = _GoldenRun(bench.device, greedy("fp32"), name, case.config)
        accidents = Accidents(fade=fade, skew=fade != "none", tiled=fade != "none")
        render(models, codes, conditions, run, accidents=accidents)
        return torch.cat(run.sounds, dim=1)

    fork = sung("power")
    windows = list(flow.made)
    yield close("n_windows", torch.tensor(len(windows)), case.stored["n_windows"], 0.0)
    for index, latents in enumerate(windows):
        yield from case.thinned(f"latents_w{index}", latents, dim=1)
    yield close("n_samples", torch.tensor(fork.shape[1]), case.stored["n_samples"], 0.0)
    linear = sung("linear") if len(windows) > 1 else fork  # there is nothing to fade
    yield from _heard(case, fork, linear)
    if not conditions.prompt_latents.shape[1] and len(windows) > 1:
        yield from _joined(sung("none"), linear, shapes)


def _heard(case: AudioCase, fork: Tensor, linear: Tensor) -> Iterator[Check]:
    for name, sound in (("fork", fork), ("linear", linear)):
        yield case.near(f"rms_{name}", sound.unfold(1, _BLOCK, _BLOCK).square().mean(dim=-1).sqrt())
        if f"audio_{name}_midfade" in case.stored:
            found = _MIDFADE.search(str(case.about["note"]))
            assert found is not None
            stored = case.stored[f"audio_{name}_midfade"]
            start = int(found[1])
            yield case.near(f"audio_{name}_midfade", sound[:, start : start + stored.shape[1]])
    yield case.near("audio_first2400", fork[:, :2400])


def _joined(ours: Tensor, linear: Tensor, shapes: Shapes) -> Iterator[Check]:
    """Our way sounds as the linear fade does, away from the windows' edges."""
    hop = (shapes.flow.positions - shapes.flow.carried) * SAMPLES_PER_FRAME
    overlap = shapes.flow.carried * SAMPLES_PER_FRAME
    length = min(ours.shape[1], linear.shape[1])
    quiet = torch.ones(length, dtype=torch.bool)
    for start in range(hop, length, hop):
        for edge in (start, start + overlap):
            quiet[max(0, edge - _SKIP) : edge + _SKIP] = False
    # The last window of ours is as short as the song; theirs hears a filler that ours does not.
    quiet[hop + overlap :] = False
    apart = (ours[:, :length] - linear[:, :length])[:, quiet].abs().max()
    yield Check("joined as faded", float(apart), 2e-3)


def _codes(case: AudioCase) -> Tokens:
    calls = re.findall(r"rule_codes\('([^']+)',(\d+),(\d+)\)", case.recipe)
    vocal, backing = (rule_codes(tag, int(frames), int(size))[0, 0] for tag, frames, size in calls)
    return Tokens(torch.stack((torch.zeros_like(vocal), vocal, backing)))


def _song_name(case: AudioCase) -> str:
    found = re.search(r"randn\('noise:([^':]+):i'", case.recipe)
    assert found is not None
    return found[1]


def _led(bench: AudioBench, case: AudioCase, shapes: Shapes, vae: Vae, name: str) -> Conditions:
    """The prompt of a case, its latents drawn as the reference draws them; none where none is named."""
    nothing = torch.zeros(2, 0, dtype=torch.int64)
    codes = torch.zeros(CODEBOOKS, 0, dtype=torch.int64)
    latents = torch.zeros(len(STEMS), 0, shapes.vae.latent)
    calls = re.findall(r"rule_audio\('([^']+)',([\d.]+),peak=([\d.]+)\)", case.recipe)
    if calls:
        length = REFERENCE_FRAMES * SAMPLES_PER_FRAME
        vocal, backing = (
            bench.here(rule_audio(tag, float(seconds), peak=float(peak)))[:, :length]
            for tag, seconds, peak in calls
        )
        whole = bench.by_rule("stem_encoder", lambda: StemEncoder(shapes.encoder, shapes.quantizer), case)
        frames, taps = REFERENCE_FRAMES + 1, shapes.encoder
        found = [
            encode(whole.encoder, whole.vocal, vocal, tap=taps.vocal_tap, frames=frames),
            encode(whole.encoder, whole.backing, backing, tap=taps.backing_tap, frames=frames),
        ]
        codes = torch.stack((torch.zeros_like(found[0]), *found)).cpu()
        mean, spread = vae.encoder((vocal + backing)[None])
        drawn = mean + spread * bench.here(randn(f"vae_noise:{name}", *mean.shape))
        latents = drawn.transpose(1, 2).cpu()  # the mix alone is heard
    return Conditions(nothing, nothing, nothing, codes, latents)
