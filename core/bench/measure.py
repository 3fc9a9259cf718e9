"""Two ways to do the same work: the seconds and the memory of each, turn and turn about."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.autograd.profiler import profile

from core.engine import Run
from core.parity.quiet import QuietRun
from core.settings import Values

Work = Callable[[Run], object]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to do the work."""

    name: str
    ready: Callable[[], Work]
    """Makes what this way needs beside the weights that both share: its memory counts, its time does not."""


@dataclass(frozen=True, slots=True)
class Lap:
    """The work done once."""

    seconds: float
    first: float
    """Until the first sound was there for whoever listens (s)."""
    processor: float
    """Seconds that processor cores were at work on it, which hardly depend on what else they do."""
    memory: int
    """Bytes at the fullest moment, without weights that were there before on a processor; see `memory_is`."""


@dataclass(frozen=True, slots=True)
class Stopwatch(QuietRun):
    """A run that takes the sound to the host, as a sound file would, and notes when it came."""

    came: list[float] = field(default_factory=list)

    def audio(self, samples: Tensor, stem: str = "mix") -> None:  # noqa: ARG002
        """Note the time."""
        samples.cpu()
        self.came.append(time.perf_counter())


def take_turns(
    ways: tuple[Way, Way], device: torch.device, values: Values, *, tell: Callable[[str], None]
) -> tuple[tuple[Lap, ...], tuple[Lap, ...]]:
    """Two laps of each way in the order A-B-B-A, so that neither gains by a machine that slows down."""
    laps: tuple[list[Lap], list[Lap]] = ([], [])
    for turn, index in enumerate((0, 1, 1, 0), start=1):
        tell(f"lap {turn} of 4, {ways[index].name}")
        laps[index].append(_lap(ways[index], device, values))
    return tuple(laps[0]), tuple(laps[1])


def memory_is(device: torch.device) -> str:
    """What the memory of a lap is, in words."""
    if device.type == "cuda":
        return "torch.cuda.max_memory_allocated"
    return "weights and live tensors (torch's profiler), without scratch of the convolution library"


def _lap(way: Way, device: torch.device, values: Values) -> Lap:
    run = Stopwatch(device, values)
    with followed(device) as peak:
        work = way.ready()
        finish(device)
        began, worked = time.perf_counter(), time.process_time()
        work(run)
        finish(device)
        seconds, processor = time.perf_counter() - began, time.process_time() - worked
    return Lap(seconds, run.came[0] - began, processor, peak())


@contextmanager
def followed(device: torch.device) -> Iterator[Callable[[], int]]:
    """Follow the memory inside; afterwards the peak can be asked for."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        yield lambda: torch.cuda.max_memory_allocated(device)
        return
    with memory_changes() as changes:
        yield lambda: peak_of(changes())


def taken_up(device: torch.device) -> int:
    """Bytes that `followed` counts although they were there before: on an accelerator all that is."""
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0


@contextmanager
def memory_changes() -> Iterator[Callable[[], list[int]]]:
    """Follow tensors on the processor; afterwards gives the bytes asked for (above 0) and given back.

    The profiler costs microseconds an operation, of which a lap has thousands and a second of it hundreds.
    """
    with profile(profile_memory=True) as seen:

        def changes() -> list[int]:
            assert seen.kineto_results is not None
            events = [event for event in seen.kineto_results.events() if event.name() == "[memory]"]
            return [event.nbytes() for event in sorted(events, key=lambda event: int(event.start_ns()))]

        yield changes


def peak_of(changes: Sequence[int]) -> int:
    """The most that was held at once, of bytes asked for (above 0) and given back (below) in order."""
    held = most = 0
    for change in changes:
        held += change
        most = max(most, held)
    return most


def finish(device: torch.device) -> None:
    """Wait until all that an accelerator was given is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
