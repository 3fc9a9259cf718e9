"""Phase 3 as one piece of work: the song's codes in, its sound out, window by window and chunk by chunk."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from core.engine import Run, Verdict
from core.errors import SongdeskError
from core.levo.accidents import NONE, Accidents
from core.levo.artifacts import Conditions, Latents, Start, Tokens
from core.levo.shapes import SAMPLES_PER_FRAME, STEMS, Shapes
from core.levo.synthesis.beginning import known_latents
from core.levo.synthesis.euler import Problem, Record, Replays, Schedule
from core.levo.synthesis.flow import Flow
from core.levo.synthesis.joining import Faded, Joined, Joint
from core.levo.synthesis.precision import Narrow, narrowed
from core.levo.synthesis.windows import (
    VAE_CHUNK,
    Window,
    plan_windows,
    tiled_windows,
    units,
    windows_behind,
)
from core.levo.vae import VaeDecoder
from core.levo.weights import load_module

NOISE_STRIDE = 1 << 20
"""Noise of frame f of window w stands at position w · NOISE_STRIDE + f of the stream `flow`."""
_OFTEN = 2
"""Windows of a length that a recording of their step is worth its while for."""
_SUNG = slice(1, 3)
"""The codebooks that are heard: vocal, backing."""
_SILENCED = {"mix": (), "vocal": (1,), "backing": (0,)}
"""For each stem the heard codebooks that fall silent."""


@dataclass(frozen=True, slots=True)
class Synthesis:
    """Every network phase 3 holds."""

    shapes: Shapes
    flow: Flow
    decoder: VaeDecoder


@dataclass(frozen=True, slots=True)
class Means:
    """How the flow is computed, where that is not in fp32 and step by step."""

    narrow: Narrow | None = None
    """Of half-wide products, if the song allows."""
    record: Record | None = None
    """Of steps that are recorded once and replayed."""


STEP_BY_STEP = Means()


def load_synthesis(shapes: Shapes, flow: Path, vae: Path, device: torch.device) -> Synthesis:
    """The networks of the role files `flow` and `vae`, in fp32; SongdeskError when a file does not fit."""
    return Synthesis(
        shapes,
        load_flow(shapes, flow, device),
        load_module(lambda: VaeDecoder(shapes.vae), vae, device, dtype=torch.float32, prefix="decoder."),
    )


def load_flow(shapes: Shapes, path: Path, device: torch.device) -> Flow:
    """The network of the role file `flow`, in fp32; SongdeskError when it does not fit."""
    return load_module(lambda: Flow(shapes), path, device)


def render(
    models: Synthesis, tokens: Tokens, conditions: Conditions, run: Run,
    *, stems: Sequence[str] = ("mix",), chunk: int = VAE_CHUNK, accidents: Accidents = NONE,
    start: Start | None = None, means: Means = STEP_BY_STEP,
) -> Latents | None:  # fmt: skip
    """Give `run` the sound [2, n] of each stem in order, exactly 1920 samples per frame of `tokens`.

    Sound is given as soon as its latents are final. A FINISH ends the song with the window being solved, for
    every stem alike, and what is solved is still decoded. The stems of one song start from the same noise.
    What `start` knows of the song's beginning is decoded and not made again: up to `EDGE_SAMPLES` before its
    end the sound is that of the song it comes from, to the bit. Where that cannot be, a note tells why.
    With half-wide products in its `means` the flow of `models` is used up.
    Returns the latents of what was heard; None where an accident asked for makes them of no use to others.
    Raises SongdeskError when the tokens are not codes of this model.
    """
    flow = models.shapes.flow
    codes, prompt = _codes(models.shapes, tokens, conditions, accidents)
    begun = _beginning(start, tokens, stems, run, accidents, flow.latent)
    known = min((len(latents) for latents in begun.values()), default=0)
    windows = _windows(codes.shape[1], prompt, known, models.shapes, accidents)
    frames = _frames(tokens, accidents, last=models.shapes.quantizer.codes - 1)
    steps = int(run.live("flow_steps"))
    progress = _Progress(run, len(stems) * units(windows, frames, steps=steps, chunk=chunk))
    often = Counter(window.length for window in windows for _ in stems)
    replays = Replays(means.record, {length for length, n in often.items() if n >= _OFTEN}, run.note)
    schedule = models.flow.schedule(steps, replays)
    solver = _Solver(models.flow, run, schedule, float(run.live("flow_guidance")), progress)

    def joint() -> Joint:
        if accidents.fade == "none":
            return Joined(models.decoder, chunk=chunk)
        return Faded(models.decoder, fade=accidents.fade, carried=flow.carried, chunk=chunk)

    parts = [
        _Part(
            stem,
            _silenced(codes, stem, models.shapes).to(run.device),
            conditions.prompt_latents[STEMS.index(stem), :prompt].to(run.device),
            joint(),
            frames * SAMPLES_PER_FRAME,
        )
        for stem in stems
    ]
    for part in parts if known else ():
        _give(run, part, part.begin(begun[part.stem].to(run.device), flow.carried), progress)
    if means.narrow is not None and windows:
        solver.narrow(means.narrow, windows[0], parts[0])
    for window in windows:
        if progress.finish:
            break
        for part in parts:
            _give(run, part, part.push(window, solver.solve(window, part)), progress)
    for part in parts:
        _give(run, part, part.joint.finish(), progress)
    progress.close()
    return None if accidents != NONE else Latents({part.stem: part.latents(flow.latent) for part in parts})


@dataclass(slots=True)
class _Part:
    """One stem while it is rendered."""

    stem: str
    codes: Tensor  # int64 [2, P + T]: vocal, backing
    carried: Tensor  # float32 [P, latent]: what the next window begins with
    joint: Joint
    left: int  # samples that are still to be heard
    made: list[Tensor] = field(default_factory=list)  # the song's latents so far, on the host

    def begin(self, latents: Tensor, carried: int) -> Iterator[Tensor]:
        """Take the latents [n, latent] the song begins with as they are; gives sound.

        The next window carries the last of them, and of a prompt only what they leave room for.
        """
        self.carried = torch.cat((self.carried, latents))[-carried:]
        return self.push(Window(0, 0, len(latents), 0), latents)

    def push(self, window: Window, latents: Tensor) -> Iterator[Tensor]:
        """Take the latents [T, latent] of a window; gives sound."""
        self.made.append(latents[window.carried :].cpu())
        return self.joint.push(window, latents)

    def latents(self, width: int) -> Tensor:
        """The song's latents so far, each frame once."""
        return torch.cat((torch.empty(0, width), *self.made))


@dataclass(slots=True)
class _Progress:
    """Counts units against a total known from the start, and remembers a FINISH."""

    run: Run
    total: int
    done: int = 0
    finish: bool = field(default=False)

    def tick(self) -> None:
        self.done = min(self.done + 1, self.total)
        self.finish |= self.run.step(self.done, self.total) is Verdict.FINISH

    def listen(self) -> None:
        """Hear what is said while nothing of the total is done."""
        self.finish |= self.run.step(self.done, self.total) is Verdict.FINISH

    def close(self) -> None:
        if self.done < self.total:
            self.done = self.total
            self.run.step(self.done, self.total)


@dataclass(slots=True)
class _Solver:
    flow: Flow
    run: Run
    schedule: Schedule
    guidance: float
    progress: _Progress

    def solve(self, window: Window, part: _Part) -> Tensor:
        """The latents [T, latent] of a window; the next one of this part carries its last."""
        problem, tick = self.problem(window, part), self.progress.tick
        solved = self.flow.window(problem, self.schedule, guidance=self.guidance, tick=tick)[0]
        part.carried = solved[-self.flow.transformer.shapes.carried :]
        return solved

    def narrow(self, wish: Narrow, window: Window, part: _Part) -> None:
        """Go on with half-wide products if they are close enough on this window."""
        self.flow = narrowed(
            self.flow, self.problem(window, part), wish,
            guidance=self.guidance, tick=self.progress.listen, tell=self.run.note,
        )  # fmt: skip

    def problem(self, window: Window, part: _Part) -> Problem:
        """What is known of a window before it is solved."""
        device = self.run.device
        places = torch.arange(window.length, device=device)
        near = part.codes[:, (places + window.start) % part.codes.shape[1]]
        noise = self.run.stream("flow").normal(places + window.index * NOISE_STRIDE, part.carried.shape[1])
        return self.flow.problem(near[None], part.carried[None], noise[None].to(device))


def _give(run: Run, part: _Part, sounds: Iterator[Tensor], progress: _Progress) -> None:
    """Hand sound on, up to the end of the song."""
    for sound in sounds:
        kept = sound[:, : part.left]
        part.left -= kept.shape[1]
        if kept.shape[1]:
            run.audio(kept, part.stem)
        progress.tick()


def _codes(
    shapes: Shapes, tokens: Tokens, conditions: Conditions, accidents: Accidents
) -> tuple[Tensor, int]:
    """Vocal and backing codes [2, prompt + T] of reference and song, and how many latents of it are known.

    Where the reference brought more codes than latents, or fewer, the surplus is left out.
    """
    given, known = conditions.prompt_codes.shape[1], conditions.prompt_latents.shape[1]
    if not accidents.skew or not known:
        given = known = min(given, known)
    codes = torch.cat((conditions.prompt_codes[_SUNG, :given], tokens.codes[_SUNG]), dim=1)
    if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < shapes.quantizer.codes:
        raise SongdeskError(
            f"these tokens are not codes of this model, which knows 0 to {shapes.quantizer.codes - 1}",
            hint="render the tokens again with the same model",
        )
    return codes, known


def _beginning(
    start: Start | None, tokens: Tokens, stems: Sequence[str], run: Run, accidents: Accidents, width: int
) -> Mapping[str, Tensor]:
    """By stem the latents [n, latent] that the song begins with and that need not be made."""
    if start is None:
        return {}
    known = known_latents(start, tokens, stems, width=width, accidents=accidents)
    if isinstance(known, str):
        run.note(f"the audio before the start was made anew: {known}")
        return {}
    return known


def _windows(
    frames: int, prompt: int, known: int, shapes: Shapes, accidents: Accidents
) -> tuple[Window, ...]:
    """The windows of a song whose codes, those of its prompt included, are `frames`.

    Behind the prompt so many of its latents are known.
    """
    positions, carried = shapes.flow.positions, shapes.flow.carried
    if accidents.tiled:
        return tiled_windows(frames, positions=positions, carried=carried, prompt=prompt)
    if known:
        behind = prompt + known
        return windows_behind(behind, frames - behind, positions=positions, carried=carried)
    return plan_windows(frames - prompt, positions=positions, carried=carried, prompt=prompt)


def _frames(tokens: Tokens, accidents: Accidents, *, last: int) -> int:
    """Frames of the song: all, or those before the first vocal code that is the codebook's last one."""
    frames = tokens.codes.shape[1]
    if accidents.early_end:
        ends = (tokens.codes[1, 1:] >= last).nonzero()
        if len(ends):
            return int(ends[0]) + 1
    return frames


def _silenced(codes: Tensor, stem: str, shapes: Shapes) -> Tensor:
    """The codes [2, n] with those of what is not to be heard replaced by the neutral one."""
    heard = codes.clone()
    for book in _SILENCED[stem]:
        heard[book] = shapes.quantizer.neutral[book]
    return heard
