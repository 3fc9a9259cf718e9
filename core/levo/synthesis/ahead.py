"""The beginning of a song rendered while the rest of it is still composed."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.levo.accidents import NONE
from core.levo.artifacts import Conditions, Start, Tokens
from core.levo.shapes import STEMS, Shapes
from core.levo.synthesis.beginning import known_latents
from core.levo.synthesis.joining import Joined
from core.levo.synthesis.render import Synthesis
from core.levo.synthesis.solved import Solved
from core.levo.synthesis.solving import Part, Solver, silenced, song_codes, song_windows
from core.random import Stream

Load = Callable[[], Generator[None, None, Synthesis]]
"""Loads the networks, with pauses."""


@dataclass(frozen=True, slots=True)
class Way:
    """How sound is made."""

    stems: Sequence[str]
    """All that will be written; the first is what is heard ahead."""
    steps: int
    guidance: float
    chunk: int
    noise: Stream
    device: torch.device


class Ahead:
    """Renders every full window of a song once its codes stand, as phase 3 will.

    Windows are planned from the front, so a full one is the same however long the song becomes; the last one
    is never rendered ahead. What is solved goes to `solved`, where phase 3 finds it.
    """

    def __init__(
        self, load: Load, shapes: Shapes, conditions: Conditions, start: Start | None, way: Way,
        solved: Solved, *, frames: int,
    ) -> None:  # fmt: skip
        """The song may have `frames` at most; networks are loaded with the first window, piece by piece.

        Raises SongdeskError when the prompt's codes are none of this model.
        """
        self._load, self._shapes, self._conditions = load, shapes, conditions
        self._way, self._solved = way, solved
        nothing = torch.empty(3, 0, dtype=torch.int64)
        _, self._prompt = song_codes(shapes, nothing, conditions, NONE)
        self._begun = _beginning(start, way.stems, shapes)
        known = 0 if self._begun is None else len(self._begun)
        last, full = self._prompt + frames, shapes.flow.positions
        windows = song_windows(last, self._prompt, known, shapes, NONE) if frames > known else ()
        self._windows = [window for window in windows if window.length == full]
        self._at: tuple[Solver, Part] | None = None
        self.is_solving = False
        """Whether a window is begun whose latents are not known yet."""

    @property
    def wanted(self) -> int | None:
        """How many frames of the song must stand for the next work; None when there is none left."""
        if not self._windows:
            return None
        if self._at is None and self._begun is not None:
            return len(self._begun)
        return self._windows[0].end - self._prompt

    def work(self, codes: Tensor) -> Iterator[Tensor | None]:
        """Render what is next of a song whose first codes are `codes`, int64 [3, n].

        It pauses within loading, after every Euler step, and with every piece of sound [2, m] that is ready.
        """
        way, shapes = self._way, self._shapes
        both, _ = song_codes(shapes, codes, self._conditions, NONE)
        if self._at is None:
            yield from self._open()
        assert self._at is not None, "it was just opened"
        solver, part = self._at
        part.codes = silenced(both, part.stem, shapes).to(way.device)
        if not self._windows or self._windows[0].end - self._prompt > codes.shape[1]:
            return
        window = self._windows.pop(0)
        self.is_solving = True
        latents = yield from solver.by_steps(window, part)
        self.is_solving = False
        yield from part.push(window, latents)

    def _open(self) -> Iterator[Tensor | None]:
        """Load the networks, and give the sound of what the song begins with."""
        way, stem = self._way, self._way.stems[0]
        models = yield from self._load()
        yield None
        prompt = self._conditions.prompt_latents[STEMS.index(stem), : self._prompt].to(way.device)
        nothing = torch.empty(2, 0, dtype=torch.int64, device=way.device)
        part = Part(stem, nothing, prompt, Joined(models.decoder, chunk=way.chunk), left=0)
        schedule = models.flow.schedule(way.steps)
        self._at = (
            Solver(models.flow, way.noise, way.device, schedule, way.guidance, self._solved), part
        )  # fmt: skip
        if self._begun is not None:
            yield from part.begin(self._begun.to(way.device), self._shapes.flow.carried)


def _beginning(start: Start | None, stems: Sequence[str], shapes: Shapes) -> Tensor | None:
    """The latents [n, latent] of the first stem that the song begins with; None where it has none."""
    if start is None:
        return None
    known = known_latents(start, Tokens(start.codes), stems, width=shapes.vae.latent)
    return None if isinstance(known, str) else known[stems[0]]
