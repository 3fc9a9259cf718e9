"""The stems of a song while their windows are solved, each window from the end of the one before it."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from core.errors import SongdeskError
from core.levo.accidents import Accidents
from core.levo.artifacts import Conditions
from core.levo.shapes import Shapes
from core.levo.synthesis.euler import Schedule
from core.levo.synthesis.flow import Flow, Problem
from core.levo.synthesis.joining import Joint
from core.levo.synthesis.precision import Narrow, narrowed
from core.levo.synthesis.solved import Solved
from core.levo.synthesis.windows import Window, plan_windows, tiled_windows, windows_behind
from core.random import Stream

NOISE_STRIDE = 1 << 20
"""Noise of frame f of window w stands at position w · NOISE_STRIDE + f of the stream `flow`."""
_SUNG = slice(1, 3)
"""The codebooks that are heard: vocal, backing."""
_SILENCED = {"mix": (), "vocal": (1,), "backing": (0,)}
"""For each stem the heard codebooks that fall silent."""


@dataclass(slots=True)
class Part:
    """One stem while it is rendered."""

    stem: str
    codes: Tensor
    """int64 [2, P + T]: vocal, backing."""
    carried: Tensor
    """float32 [P, latent]: what the next window begins with."""
    joint: Joint
    left: int
    """Samples that are still to be heard."""
    made: list[Tensor] = field(default_factory=list)
    """The song's latents so far, on the host."""

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
class Solver:
    """Solves windows, or finds them solved."""

    flow: Flow
    noise: Stream
    device: torch.device
    schedule: Schedule
    guidance: float
    solved: Solved | None = None
    """Where windows may be found that were solved before."""

    def solve(self, window: Window, part: Part, *, tick: Callable[[], None]) -> Tensor:
        """The latents [T, latent] of a window; the next one of this part carries its last.

        `tick` is called after every step; never where the window is found.
        """
        posed = self._posed(window, part)
        latents = self._found(window, posed)
        if latents is None:
            problem = self._problem(posed)
            latents = self.flow.window(problem, self.schedule, guidance=self.guidance, tick=tick)[0]
        return self._carry(latents, part)

    def by_steps(self, window: Window, part: Part) -> Generator[None, None, Tensor]:
        """The same with a pause after every step; what is solved will be found."""
        posed = self._posed(window, part)
        latents = self._found(window, posed)
        if latents is None:
            made = yield from self.flow.by_steps(self._problem(posed), self.schedule, guidance=self.guidance)
            latents = made[0]
            if self.solved is not None:
                self.solved.keep(self._key(self.solved, window, posed), latents)
        return self._carry(latents, part)

    def narrow(
        self, wish: Narrow, window: Window, part: Part, *,
        tick: Callable[[], object], tell: Callable[[str], object],
    ) -> None:  # fmt: skip
        """Go on with half-wide products if they are close enough on this window."""
        problem = self._problem(self._posed(window, part))
        self.flow = narrowed(self.flow, problem, wish, guidance=self.guidance, tick=tick, tell=tell)

    def _posed(self, window: Window, part: Part) -> tuple[Tensor, Tensor, Tensor]:
        """What is known of a window before it is solved: codes, latents that it begins with, noise."""
        places = torch.arange(window.length, device=self.device)
        near = part.codes[:, (places + window.start) % part.codes.shape[1]]
        noise = self.noise.normal(places + window.index * NOISE_STRIDE, part.carried.shape[1])
        return near[None], part.carried[None], noise[None].to(self.device)

    def _problem(self, posed: tuple[Tensor, Tensor, Tensor]) -> Problem:
        return self.flow.problem(*posed)

    def _found(self, window: Window, posed: tuple[Tensor, Tensor, Tensor]) -> Tensor | None:
        if self.solved is None:
            return None
        key, width = self._key(self.solved, window, posed), posed[1].shape[2]
        found = self.solved.find(key, window.length, width)
        return None if found is None else found.to(self.device)

    def _key(self, solved: Solved, window: Window, posed: tuple[Tensor, Tensor, Tensor]) -> str:
        return solved.key(window, *posed, way=f"{self.schedule.steps} steps, guidance {self.guidance}")

    def _carry(self, latents: Tensor, part: Part) -> Tensor:
        part.carried = latents[-self.flow.transformer.shapes.carried :]
        return latents


def song_codes(
    shapes: Shapes, codes: Tensor, conditions: Conditions, accidents: Accidents
) -> tuple[Tensor, int]:
    """Vocal and backing codes [2, prompt + T] of reference and song, and how many latents of it are known.

    `codes` are those of the song, [3, T]. Where the reference brought more codes than latents, or fewer, the
    surplus is left out. Raises SongdeskError when they are not codes of this model.
    """
    given, known = conditions.prompt_codes.shape[1], conditions.prompt_latents.shape[1]
    if not accidents.skew or not known:
        given = known = min(given, known)
    both = torch.cat((conditions.prompt_codes[_SUNG, :given], codes[_SUNG]), dim=1)
    if both.numel() and not 0 <= int(both.min()) <= int(both.max()) < shapes.quantizer.codes:
        raise SongdeskError(
            f"these tokens are not codes of this model, which knows 0 to {shapes.quantizer.codes - 1}",
            hint="render the tokens again with the same model",
        )
    return both, known


def song_windows(
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


def silenced(codes: Tensor, stem: str, shapes: Shapes) -> Tensor:
    """The codes [2, n] with those of what is not to be heard replaced by the neutral one."""
    heard = codes.clone()
    for book in _SILENCED[stem]:
        heard[book] = shapes.quantizer.neutral[book]
    return heard
