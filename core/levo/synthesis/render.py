"""Phase 3 as one piece of work: the song's codes in, its sound out, window by window and chunk by chunk."""

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from core.engine import Run, Verdict
from core.levo.accidents import NONE, Accidents
from core.levo.artifacts import Conditions, Latents, Start, Tokens
from core.levo.shapes import SAMPLES_PER_FRAME, STEMS, Shapes
from core.levo.synthesis.beginning import known_latents
from core.levo.synthesis.euler import Record, Replays
from core.levo.synthesis.flow import Flow
from core.levo.synthesis.joining import Faded, Joined, Joint
from core.levo.synthesis.precision import Narrow
from core.levo.synthesis.solved import Solved
from core.levo.synthesis.solving import NOISE_STRIDE, Part, Solver, silenced, song_codes, song_windows
from core.levo.synthesis.windows import VAE_CHUNK, units
from core.levo.vae import VaeDecoder
from core.levo.weights import at_once, load_module, module_by_pieces

__all__ = [
    "NOISE_STRIDE", "STEP_BY_STEP", "Means", "Synthesis", "load_flow", "load_synthesis", "render",
    "synthesis_by_pieces",
]  # fmt: skip
_OFTEN = 2
"""Windows of a length that a recording of their step is worth its while for."""


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
    return at_once(synthesis_by_pieces(shapes, flow, vae, device))


def synthesis_by_pieces(
    shapes: Shapes, flow: Path, vae: Path, device: torch.device
) -> Generator[None, None, Synthesis]:
    """The same with pauses, in which other work may be done."""
    solver = yield from module_by_pieces(lambda: Flow(shapes), flow, device)
    yield
    decoder = yield from module_by_pieces(
        lambda: VaeDecoder(shapes.vae), vae, device, dtype=torch.float32, prefix="decoder."
    )
    return Synthesis(shapes, solver, decoder)


def load_flow(shapes: Shapes, path: Path, device: torch.device) -> Flow:
    """The network of the role file `flow`, in fp32; SongdeskError when it does not fit."""
    return load_module(lambda: Flow(shapes), path, device)


def render(
    models: Synthesis, tokens: Tokens, conditions: Conditions, run: Run,
    *, stems: Sequence[str] = ("mix",), chunk: int = VAE_CHUNK, accidents: Accidents = NONE,
    start: Start | None = None, means: Means = STEP_BY_STEP, solved: Solved | None = None,
) -> Latents | None:  # fmt: skip
    """Give `run` the sound [2, n] of each stem in order, exactly 1920 samples per frame of `tokens`.

    Sound is given as soon as its latents are final. A FINISH ends the song with the window being solved, for
    every stem alike, and what is solved is still decoded. The stems of one song start from the same noise.
    What `start` knows of the song's beginning is decoded and not made again: up to `EDGE_SAMPLES` before its
    end the sound is that of the song it comes from, to the bit. Where that cannot be, a note tells why.
    Windows that `solved` knows are not solved again. With half-wide products in its `means` the flow of
    `models` is used up.
    Returns the latents of what was heard; None where an accident asked for makes them of no use to others.
    Raises SongdeskError when the tokens are not codes of this model.
    """
    flow = models.shapes.flow
    codes, prompt = song_codes(models.shapes, tokens.codes, conditions, accidents)
    begun = _beginning(start, tokens, stems, run, accidents, flow.latent)
    known = min((len(latents) for latents in begun.values()), default=0)
    windows = song_windows(codes.shape[1], prompt, known, models.shapes, accidents)
    frames = _frames(tokens, accidents, last=models.shapes.quantizer.codes - 1)
    steps = int(run.live("flow_steps"))
    progress = _Progress(run, len(stems) * units(windows, frames, steps=steps, chunk=chunk))
    often = Counter(window.length for window in windows for _ in stems)
    replays = Replays(means.record, {length for length, n in often.items() if n >= _OFTEN}, run.note)
    schedule = models.flow.schedule(steps, replays)
    guidance, noise = float(run.live("flow_guidance")), run.stream("flow")
    solver = Solver(models.flow, noise, run.device, schedule, guidance, solved)

    def joint() -> Joint:
        if accidents.fade == "none":
            return Joined(models.decoder, chunk=chunk)
        return Faded(models.decoder, fade=accidents.fade, carried=flow.carried, chunk=chunk)

    parts = [
        Part(
            stem,
            silenced(codes, stem, models.shapes).to(run.device),
            conditions.prompt_latents[STEMS.index(stem), :prompt].to(run.device),
            joint(),
            frames * SAMPLES_PER_FRAME,
        )
        for stem in stems
    ]
    for part in parts if known else ():
        _give(run, part, part.begin(begun[part.stem].to(run.device), flow.carried), progress)
    if means.narrow is not None and windows:
        solver.narrow(means.narrow, windows[0], parts[0], tick=progress.listen, tell=run.note)
    for window in windows:
        if progress.finish:
            break
        for part in parts:
            solved_by = progress.done + steps
            latents = solver.solve(window, part, tick=progress.tick)
            progress.reach(solved_by)
            _give(run, part, part.push(window, latents), progress)
    for part in parts:
        _give(run, part, part.joint.finish(), progress)
    progress.close()
    return None if accidents != NONE else Latents({part.stem: part.latents(flow.latent) for part in parts})


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

    def reach(self, done: int) -> None:
        """Count at once what need not be done."""
        if self.done < min(done, self.total):
            self.done = min(done, self.total) - 1
            self.tick()

    def listen(self) -> None:
        """Hear what is said while nothing of the total is done."""
        self.finish |= self.run.step(self.done, self.total) is Verdict.FINISH

    def close(self) -> None:
        if self.done < self.total:
            self.done = self.total
            self.run.step(self.done, self.total)


def _give(run: Run, part: Part, sounds: Iterator[Tensor], progress: _Progress) -> None:
    """Hand sound on, up to the end of the song."""
    for sound in sounds:
        kept = sound[:, : part.left]
        part.left -= kept.shape[1]
        if kept.shape[1]:
            run.audio(kept, part.stem)
        progress.tick()


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


def _frames(tokens: Tokens, accidents: Accidents, *, last: int) -> int:
    """Frames of the song: all, or those before the first vocal code that is the codebook's last one."""
    frames = tokens.codes.shape[1]
    if accidents.early_end:
        ends = (tokens.codes[1, 1:] >= last).nonzero()
        if len(ends):
            return int(ends[0]) + 1
    return frames
