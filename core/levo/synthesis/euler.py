"""Euler steps: one fixed sequence of operations on tensors that stay where they are, run or replayed."""

from collections.abc import Callable, Container, Generator
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from core.levo.graphs import Work
from core.levo.synthesis.transformer import FlowTransformer, Modulation, Rope

SIGMA_MIN = 1e-4
"""Noise left in a carried frame at time 1 (levo-audio spec §4.2)."""
Record = Callable[[Work, Work], Work]
"""Records what work does, the second undoing it after each trial; gives what does it again."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The Euler steps of one song and what they do to the transformer, worked out once."""

    times: tuple[float, ...]
    """One more than there are steps: 0 … 1."""
    modulation: Modulation
    rope: Rope
    """For windows of any length."""
    replays: "Replays | None" = None
    """Where steps are recorded; None to make each anew."""

    @property
    def steps(self) -> int:
        """Euler steps."""
        return len(self.times) - 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One window of B songs: what is known of it before it is solved."""

    marks: Tensor
    """float32 [B, T, mask_width]: the embedding of "carried" or "new" per frame."""
    carried: Tensor
    """float32 [B, P, latent]: the first P frames, normalised."""
    condition: Tensor
    """float32 [B, T, 2 · condition]: vocal, then backing features of the codes."""
    noise: Tensor
    """float32 [B, T, latent]: the state at time 0."""


def schedule_of(transformer: FlowTransformer, steps: int, replays: "Replays | None" = None) -> Schedule:
    """Even steps from 0 to 1."""
    device = transformer.table.device
    even = torch.linspace(0, 1, steps + 1, device=device)
    return Schedule(
        times=tuple(even.tolist()),
        modulation=transformer.modulation(even[:-1]),
        rope=transformer.rope(transformer.shapes.positions),
        replays=replays,
    )


class Step:
    """One Euler step of windows of one length: which step, and of what window, its tensors tell.

    The rule is levo-audio spec §4.2; what becomes of the carried frames is of no use. Guidance above 1 moves
    from the velocity without codes towards and past the one with them; otherwise the codes are simply
    followed, at half the cost.
    """

    def __init__(
        self, transformer: FlowTransformer, schedule: Schedule, problem: Problem, *, guidance: float
    ) -> None:
        """`problem` is the first to be solved."""
        self._transformer, self._schedule, self._guidance = transformer, schedule, guidance
        noise = problem.noise
        rows = (2 if guidance > 1 else 1) * len(noise)
        self.state = torch.empty_like(noise)
        """float32 [B, T, latent]: where the window is by now."""
        self._noise, self._known = torch.empty_like(noise), torch.empty_like(noise)
        self._is_carried = noise.new_empty(noise.shape[1], 1, dtype=torch.bool)
        widths = [part.shape[2] for part in (problem.marks, problem.carried, problem.condition)]
        # What no step changes: marks, context, condition, [B or 2B, T, width - latent]; without codes first.
        self._still = noise.new_empty(rows, noise.shape[1], sum(widths))
        self._channels = torch.split(self._still, widths, dim=-1)
        # Of each step: the share of noise in a carried frame, that of what is known, and its length.
        parts = [(1 - (1 - SIGMA_MIN) * now, now, then - now) for now, then in pairwise(schedule.times)]
        self._shares = torch.tensor(parts, dtype=noise.dtype, device=noise.device)  # [steps, 3]
        self._index = torch.empty(1, dtype=torch.int64, device=noise.device)
        self.begin(problem)

    def begin(self, problem: Problem) -> None:
        """Go to the first step of a window of the same size."""
        carried, condition = problem.carried, problem.condition
        count, known = carried.shape[:2]
        self._noise.copy_(problem.noise)
        self._known.zero_()[:, :known] = carried
        self._is_carried.zero_()[:known] = True
        marks, context, heard = self._channels
        for rows in range(0, len(self._still), count):
            marks[rows : rows + count], context[rows : rows + count] = problem.marks, self._known
        heard[:-count] = 0
        heard[-count:] = condition
        self.rewind()

    def rewind(self) -> None:
        """Go back to the first step."""
        self.state.copy_(self._noise)
        self._index.zero_()

    def __call__(self) -> None:
        """Make the next step: no value of any tensor is read by the host, and no shape depends on one."""
        tables, state = self._schedule, self.state
        noise_share, known_share, length = self._shares.index_select(0, self._index)[0].unbind(0)
        between = noise_share * self._noise + known_share * self._known
        state = torch.where(self._is_carried, between, state)
        x = torch.cat((self._still, state.repeat(len(self._still) // len(state), 1, 1)), dim=-1)
        velocity = self._transformer(x, tables.modulation.select(self._index), tables.rope)
        if self._guidance > 1:
            blind, seeing = velocity.chunk(2)
            velocity = blind + self._guidance * (seeing - blind)
        torch.add(state, length * velocity, out=self.state)
        self._index.add_(1)


@dataclass(slots=True)
class Replays:
    """Recordings of the steps of one song, one for each length of window that comes often enough.

    A recording is used when its first step is that of the same operations one by one, to the bit.
    """

    record: Record | None
    """None once one was of no use."""
    lengths: Container[int]
    """Frames of windows that a recording is worth its while for."""
    told: Callable[[str], object]
    """Hears in words why one is of no use."""
    _recorded: dict[torch.Size, tuple[Step, Work]] = field(default_factory=dict)

    def ready(self, problem: Problem, make: Callable[[], Step]) -> tuple[Step, Work]:
        """The step of a window, which stands at its beginning, and what makes it; `make` gives a new one."""
        size = problem.noise.shape
        if size in self._recorded:
            step, replay = self._recorded[size]
            step.begin(problem)
            return step, replay
        step = make()
        if self.record is not None and size[1] in self.lengths:
            self._try(step, self.record)
        return self._recorded.get(size, (step, step))

    def _try(self, step: Step, record: Record) -> None:
        seen: list[Tensor] = []

        def put_back() -> None:
            seen.append(step.state.clone())
            step.rewind()

        try:
            replay = record(step, put_back)
            step.rewind()
            replay()
            why = "" if torch.equal(step.state, seen[-1]) else "a replay differs from the step itself"
        except RuntimeError as error:
            why = (str(error).splitlines() or [type(error).__name__])[0]
        step.rewind()
        if why:
            self.record = None
            self.told(f"the flow was computed without replays: {why}")
        else:
            self._recorded[step.state.shape] = step, replay


def solve(
    transformer: FlowTransformer,
    problem: Problem,
    schedule: Schedule,
    *,
    guidance: float,
    tick: Callable[[], object],
) -> Tensor:
    """Follow the velocity from noise to normalised latents [B, T, latent] by Euler steps, without gradients.

    `tick` is called after every step.
    """
    return to_its_end(by_steps(transformer, problem, schedule, guidance=guidance), tick)


def by_steps(
    transformer: FlowTransformer, problem: Problem, schedule: Schedule, *, guidance: float
) -> Generator[None, None, Tensor]:
    """The same with a pause after every step, in which other work may be done."""

    def make() -> Step:
        return Step(transformer, schedule, problem, guidance=guidance)

    with torch.no_grad():
        step, run = schedule.replays.ready(problem, make) if schedule.replays else ((one := make()), one)
    for _ in range(schedule.steps):
        with torch.no_grad():  # not around the pause: others may want gradients there
            run()
        yield
    return step.state.clone()


def to_its_end(work: Generator[None, None, Tensor], tick: Callable[[], object]) -> Tensor:
    """Do work that makes pauses, with `tick` in each of them; gives what it gives."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            made: Tensor = end.value
            return made
        tick()
