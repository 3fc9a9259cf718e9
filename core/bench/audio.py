"""Phase 3 measured: the product beside the straightforward way, on the same weights, song and steps."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from core.bench.measure import Lap, Way, Work, memory_is, take_turns
from core.bench.models import subject
from core.bench.straightforward import CHUNK, Straightforward, decode_overlapping
from core.device import processor_threads, tf32_products
from core.errors import SongdeskError
from core.levo.artifacts import Conditions, Tokens
from core.levo.plan_sound import audio_plan
from core.levo.settings import settings_of
from core.levo.shapes import CODEBOOKS, FRAME_RATE, Shapes, frames_in, shapes_of
from core.levo.synthesis.render import Means, Synthesis, render
from core.levo.synthesis.trial import recorder
from core.levo.synthesis.windows import VAE_CHUNK, plan_windows, tiled_windows
from core.levo.vae import decode_whole
from core.random import Stream
from core.registry import Variant
from core.settings import Override, Values, resolve
from core.threads import rule, threads_for

TOLERANCE = 1e-4
"""How far the two ways may be apart: the largest difference by the largest value."""
_SONG, _STEPS = 60.0, 10
"""Seconds and Euler steps where the device is up to them."""
_SHORT_SONG, _FEW_STEPS = 10.0, 1
"""Where it is not: a processor takes minutes for these at the published width."""
_NARROW = 1000
"""Channels of a flow that a processor is up to."""
_COMPARED = 160
"""Latents that both ways make and decode to be compared; the straightforward way takes two chunks."""


@dataclass(frozen=True, slots=True)
class Task:
    """What both ways do."""

    frames: int
    """Of song, 25 a second."""
    steps: int
    guidance: float
    precision: str
    """Number format of the flow's large products."""
    cut_down: bool
    """Whether nobody asked for so little: the device would take too long for more."""

    @property
    def song(self) -> float:
        """Seconds of sound."""
        return self.frames / FRAME_RATE


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far apart the two ways are on equal inputs: the largest difference by the largest value."""

    frames: int
    latents: float
    sound: float

    @property
    def holds(self) -> bool:
        """Whether both are within the tolerance; not a number never is."""
        return self.latents <= TOLERANCE and self.sound <= TOLERANCE


@dataclass(frozen=True, slots=True)
class Measured:
    """One way: its laps, and what follows from them."""

    laps: tuple[Lap, ...]
    song: float
    """Seconds of sound."""
    frames: int
    """What its windows hold together: all that is solved."""
    chunk: int
    """Latents it decodes at once."""
    weights: int
    """Bytes of both ways' weights as far as a lap's memory does not include them."""

    @property
    def seconds(self) -> float:
        """Of the faster lap: what else ran on the machine only ever adds to it."""
        return min(lap.seconds for lap in self.laps)

    @property
    def factor(self) -> float:
        """Real-time factor: seconds of computation for a second of sound."""
        return self.seconds / self.song

    @property
    def first(self) -> float:
        """Seconds to the first sound, of the faster lap."""
        return min(lap.first for lap in self.laps)

    @property
    def processor(self) -> float:
        """Seconds of processor cores, of the lap that took fewer."""
        return min(lap.processor for lap in self.laps)

    @property
    def spread(self) -> float:
        """How much longer the slowest lap took, as a share of the fastest."""
        return max(lap.seconds for lap in self.laps) / self.seconds - 1

    @property
    def memory(self) -> int:
        """Bytes at the fullest moment of all laps."""
        return self.weights + max(lap.memory for lap in self.laps)


@dataclass(frozen=True, slots=True)
class Report:
    """One model on one device."""

    model: str
    weights: str
    """Where they are from, in words."""
    shapes: Shapes
    device: str
    torch: str
    threads: int
    launch: str
    """How our flow's steps are set off, and why so."""
    memory_is: str
    task: Task
    agreement: Agreement
    baseline: Measured
    ours: Measured
    planned: int
    """Bytes that the plan foresees for ours."""

    @property
    def ratios(self) -> tuple[float, float, float]:
        """Baseline by ours: time, first sound, memory; above 1 ours is ahead."""
        other, ours = self.baseline, self.ours
        return other.seconds / ours.seconds, other.first / ours.first, other.memory / ours.memory

    @property
    def plan_error(self) -> float:
        """How far the plan is above what ours took, as a share of it; below 0 it promised too little."""
        return self.planned / self.ours.memory - 1


def bench_audio(
    chosen: Variant,
    device: torch.device,
    device_name: str,
    *,
    seconds: float | None = None,
    steps: int | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Measure a model; without `seconds` or `steps` as much as the device is up to.

    Raises SongdeskError when one of them is out of range, when weights do not fit, and when the two ways
    disagree: how fast a wrong result comes is nothing to know.
    """
    values, cut_down = sizes(chosen, device, seconds=seconds, steps=steps)
    frames = frames_in(values.real("length"))
    shapes = shapes_of(chosen.shapes)
    width = shapes.flow.width
    threads = threads_for("sound", width).count if device.type == "cpu" else rule("sound", width)
    record, why = recorder(device)
    with torch.inference_mode(), processor_threads(threads), tf32_products(False):
        tell("weights")
        found = subject(chosen, device)
        tell("comparing the two ways")
        agreement = agree(found.models, values, device)
        if not agreement.holds:
            raise SongdeskError(
                f"the two ways differ: latents by {agreement.latents:.3g}, sound by {agreement.sound:.3g}",
                hint="no speed is given: see what `songdesk parity` says of this machine",
            )
        laps = take_turns(_ways(found.models, frames, device), device, values, tell=tell)
    baseline, ours = (
        Measured(some, frames / FRAME_RATE, held, chunk, _weights(found.models, device))
        for some, held, chunk in zip(laps, _held(shapes, frames), (CHUNK, VAE_CHUNK), strict=True)
    )
    return Report(
        model=chosen.id,
        weights=found.weights,
        shapes=shapes,
        device=device_name,
        torch=torch.__version__,
        threads=threads,
        launch=f"{'one by one' if record is None else 'replayed'}: {why}",
        memory_is=memory_is(device),
        task=Task(
            frames=frames,
            steps=values.whole("flow_steps"),
            guidance=values.real("flow_guidance"),
            precision=values.text("flow_precision"),
            cut_down=cut_down,
        ),
        agreement=agreement,
        baseline=baseline,
        ours=ours,
        planned=audio_plan(shapes, values, frames=frames, prompt=0, replayed=device.type != "cpu").peak,
    )


def agree(models: Synthesis, values: Values, device: torch.device) -> Agreement:
    """Solve one window and decode the same latents both ways."""
    flow, plain = models.flow, Straightforward(models)
    frames = min(_COMPARED, models.shapes.flow.positions)
    codes = _tokens(models.shapes, frames).codes[1:].to(device)
    noise = Stream(0, "flow").normal(torch.arange(frames, device=device), models.shapes.flow.latent)
    problem = flow.problem(codes[None], noise.new_zeros(1, 0, noise.shape[1]), noise[None])
    steps, guidance = values.whole("flow_steps"), values.real("flow_guidance")
    ours = flow.window(problem, flow.schedule(steps), guidance=guidance, tick=lambda: None)
    latents = _apart(ours, plain.window(problem, steps=steps, guidance=guidance))
    sound = decode_whole(models.decoder, ours[0], chunk=VAE_CHUNK)
    return Agreement(frames, latents, _apart(sound, decode_overlapping(models.decoder, ours[0])))


def sizes(
    chosen: Variant, device: torch.device, *, seconds: float | None, steps: int | None
) -> tuple[Values, bool]:
    """The model's settings with the length and the steps of the task, and whether these were cut down."""
    is_slow = device.type == "cpu" and shapes_of(chosen.shapes).flow.width > _NARROW
    song = (_SHORT_SONG if is_slow else _SONG) if seconds is None else seconds
    count = (_FEW_STEPS if is_slow else _STEPS) if steps is None else steps
    values = resolve(
        settings_of(chosen),
        Override({"length": min(song, chosen.limits.seconds) if seconds is None else song}, "--seconds"),
        Override({"flow_steps": count}, "--steps"),
    )
    return values, is_slow and None in (seconds, steps)


def _ways(models: Synthesis, frames: int, device: torch.device) -> tuple[Way, Way]:
    """The baseline and ours, ready for a song of so many frames without a reference."""
    tokens, conditions = _tokens(models.shapes, frames), _no_reference(models.shapes.flow.latent)

    def ours() -> Work:
        # Each song has a recorder of its own, as in the product: their memory goes with the last recording.
        return partial(render, models, tokens, conditions, means=Means(record=recorder(device)[0]))

    return (
        Way("straightforward", lambda: partial(Straightforward(models).render, tokens)),
        Way("ours", ours),
    )


def _held(shapes: Shapes, frames: int) -> tuple[int, int]:
    """Frames in the windows of the baseline and in ours."""
    flow = shapes.flow
    return (
        sum(w.length for w in tiled_windows(frames, positions=flow.positions, carried=flow.carried)),
        sum(w.length for w in plan_windows(frames, positions=flow.positions, carried=flow.carried)),
    )


def _tokens(shapes: Shapes, frames: int) -> Tokens:
    draw = torch.Generator().manual_seed(0)
    return Tokens(torch.randint(0, shapes.quantizer.codes, (CODEBOOKS, frames), generator=draw))


def _no_reference(latent: int) -> Conditions:
    nothing = torch.zeros(2, 0, dtype=torch.int64)
    return Conditions(
        lyric_ids=nothing,
        structure=nothing,
        style_ids=nothing,
        prompt_codes=torch.zeros(CODEBOOKS, 0, dtype=torch.int64),
        prompt_latents=torch.zeros(CODEBOOKS, 0, latent),
    )


def _weights(models: Synthesis, device: torch.device) -> int:
    """Bytes that a lap's memory leaves out: on an accelerator its allocator counts weights too."""
    if device.type == "cuda":
        return 0
    return sum(x.nbytes for network in (models.flow, models.decoder) for x in network.parameters())


def _apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max())
