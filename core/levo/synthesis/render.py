"""Phase 3 as one piece of work: the song's codes in, its sound out, window by window and chunk by chunk."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from core.engine import Run, Verdict
from core.errors import SongdeskError
from core.levo.artifacts import Conditions, Tokens
from core.levo.shapes import Shapes
from core.levo.synthesis.flow import Flow, Schedule
from core.levo.synthesis.windows import VAE_CHUNK, Window, plan_windows, units
from core.levo.vae import VaeDecoder, decode_stream
from core.levo.weights import load_module

NOISE_STRIDE = 1 << 20
"""Noise of frame f of window w stands at position w · NOISE_STRIDE + f of the stream `flow`."""
_STEMS = slice(1, 3)


class Synthesis(nn.Module):
    """Every network phase 3 holds; its state dict is the role file `synthesis`."""

    def __init__(self, shapes: Shapes) -> None:
        super().__init__()
        self.shapes = shapes
        self.flow = Flow(shapes)
        self.decoder = VaeDecoder(shapes.vae)


def load_synthesis(shapes: Shapes, path: Path, device: torch.device) -> Synthesis:
    """The networks of the role file `synthesis`, in fp32; SongdeskError when it does not fit."""
    return load_module(lambda: Synthesis(shapes), path, device, dtype=torch.float32)


def render(
    models: Synthesis, tokens: Tokens, conditions: Conditions, run: Run, *, chunk: int = VAE_CHUNK
) -> None:
    """Give `run` the song's sound [2, n] in order, exactly 1920 samples per frame of `tokens`.

    Sound is given as soon as its latents are final. A FINISH ends the song with the window being solved, and
    what is solved is still decoded. Raises SongdeskError when the tokens are not codes of this model.
    """
    shape = models.shapes.flow
    frames, prompt = tokens.codes.shape[1], _prompt_length(conditions)
    windows = plan_windows(frames, positions=shape.positions, carried=shape.carried, prompt=prompt)
    steps = int(run.live("flow_steps"))
    progress = _Progress(run, units(windows, frames, steps=steps, chunk=chunk))
    song = _Song(
        codes=_codes(models.shapes, tokens, conditions, prompt).to(run.device),
        prompt=conditions.prompt_latents[:prompt].to(run.device),
        windows=windows,
        schedule=models.flow.schedule(steps),
        guidance=float(run.live("flow_guidance")),
    )
    for sound in decode_stream(models.decoder, _latents(models.flow, song, run, progress), chunk=chunk):
        run.audio(sound)
        progress.tick()
    progress.close()


@dataclass(frozen=True, slots=True)
class _Song:
    codes: Tensor  # int64 [2, P + T]: vocal, backing
    prompt: Tensor  # float32 [P, latent]
    windows: tuple[Window, ...]
    schedule: Schedule
    guidance: float


@dataclass(slots=True)
class _Progress:
    """Counts units against a total known from the start, and remembers a FINISH."""

    run: Run
    total: int
    done: int = 0
    finish: bool = field(default=False)

    def tick(self) -> None:
        self.done += 1
        self.finish |= self.run.step(self.done, self.total) is Verdict.FINISH

    def close(self) -> None:
        if self.done < self.total:
            self.done = self.total
            self.run.step(self.done, self.total)


def _latents(flow: Flow, song: _Song, run: Run, progress: _Progress) -> Iterator[Tensor]:
    """The latents [n, latent] that each window adds to the song."""
    noise = run.stream("flow")
    carried = song.prompt
    for window in song.windows:
        if progress.finish:
            return
        places = torch.arange(window.length, device=run.device) + window.index * NOISE_STRIDE
        start = noise.normal(places, song.prompt.shape[1]).to(run.device)
        problem = flow.problem(song.codes[None, :, window.start : window.end], carried[None], start[None])
        solved = flow.window(problem, song.schedule, guidance=song.guidance, tick=progress.tick)[0]
        yield solved[window.carried :]
        carried = solved[-flow.transformer.shapes.carried :]


def _prompt_length(conditions: Conditions) -> int:
    """Frames for which the reference brought both codes and latents; a surplus of either is left out."""
    return min(conditions.prompt_codes.shape[1], conditions.prompt_latents.shape[0])


def _codes(shapes: Shapes, tokens: Tokens, conditions: Conditions, prompt: int) -> Tensor:
    """Vocal and backing codes [2, prompt + T] of the reference and then the song."""
    codes = torch.cat((conditions.prompt_codes[_STEMS, :prompt], tokens.codes[_STEMS]), dim=1)
    if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < shapes.quantizer.codes:
        raise SongdeskError(
            f"these tokens are not codes of this model, which knows 0 to {shapes.quantizer.codes - 1}",
            hint="render the tokens again with the same model",
        )
    return codes
