"""Composing and rendering in turns: what of a song stands can be heard while the rest of it is written."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor

from core.device import processor_threads, silicon, tf32_products
from core.engine import Outlet, Run
from core.errors import SongdeskError
from core.levo.artifacts import Conditions, Start
from core.levo.identity import identity
from core.levo.plan import why_not_ahead
from core.levo.settings import AUTO
from core.levo.shapes import REFERENCE_FRAMES, Shapes, frames_in
from core.levo.synthesis.ahead import Ahead, Way
from core.levo.synthesis.render import synthesis_by_pieces
from core.levo.synthesis.solved import Solved
from core.registry import Variant
from core.settings import Values
from core.threads import may_change_bits, rule, threads_for

SHARE = 0.12
"""Of the time that composing takes, what rendering ahead may take beside it where `ahead` is auto.

A turn begins as soon as what was spent is within it, so that the last one may end beyond: turns are short.
"""
_KNOBS = ("flow_steps", "flow_guidance")
_FAILURES = (SongdeskError, RuntimeError, MemoryError, OSError)
"""What rendering ahead may come to, which is no reason to compose no further."""
Room = Callable[[], AbstractContextManager[None]]
"""Makes the surroundings in which sound is rendered."""


class Turns:
    """Renders a song ahead, a small piece of work at a time, between the steps in which it is composed."""

    def __init__(self, ahead: Ahead, out: Outlet, run: Run, room: Room, *, share: float | None) -> None:
        """Take `share` of composing's time at most; with None a turn after every step while there is work."""
        self._ahead: Ahead | None = ahead
        self._out, self._run, self._room, self._share = out, run, room, share
        self._knobs = _knobs(out)
        self._work: Iterator[Tensor | None] | None = None
        self._began: float | None = None
        self._spent = 0.0

    def __call__(self, frames: int, codes: Callable[[int], Tensor]) -> None:
        """Take a turn if there is one to take: so many `frames` stand, and `codes` gives the first n."""
        if self._ahead is None:
            return
        now = time.perf_counter()
        self._began = now if self._began is None else self._began
        wanted = self._ahead.wanted
        if self._work is None and (wanted is None or frames < wanted):
            return
        if self._is_turned():
            return
        if self._work is None:
            self._work = self._ahead.work(codes(frames))
        if self._share is None or self._spent <= self._share * (now - self._began - self._spent):
            self._turn()

    def finish(self, done: int) -> None:
        """Solve the window that is begun, so that none is solved twice; `done` units are composed."""
        while self._ahead is not None and self._ahead.is_solving and not self._is_turned():
            self._run.step(done, done)
            self._turn()

    def _is_turned(self) -> bool:
        """Whether a knob of the sound was turned, after which nothing made with the old ones is of use."""
        if _knobs(self._out) == self._knobs:
            return False
        self._give_up("a knob of the sound was turned, which is heard when the song is rendered")
        return True

    def _turn(self) -> None:
        assert self._work is not None, "there is something to do"
        device = self._run.device
        _settle(device)
        began, trouble = time.perf_counter(), ""
        try:
            with self._room():
                sound = next(self._work)
            if sound is not None:
                self._out.audio(sound)
            _settle(device)
        except StopIteration:
            self._work = None
        except _FAILURES as error:
            trouble = str(error).partition("\n")[0] or type(error).__name__
        if trouble:  # only here is the error gone, and with it the frames that held the networks
            self._give_up(trouble)
        self._spent += time.perf_counter() - began

    def _give_up(self, why: str) -> None:
        """Compose on alone; what the networks took is given back."""
        self._run.note(f"not rendered any further while it was composed: {why}")
        self._ahead = self._work = None
        if self._run.device.type == "cuda":
            torch.cuda.empty_cache()


def turns_of(
    chosen: Variant, shapes: Shapes, conditions: Conditions, start: Start | None, values: Values, run: Run,
    *, schedule: str,
) -> Turns | None:  # fmt: skip
    """What renders a song while it is composed; None where that is not wished for or of no use.

    Where it cannot be, a note tells why.
    """
    out = run.outlet()
    wish = values.get("ahead", AUTO)
    if out is None or wish == "off":
        return None
    length = min(values.real("length"), run.until) if run.until else values.real("length")
    if frames_in(length) + REFERENCE_FRAMES <= shapes.flow.positions:
        return None
    width, stems = shapes.flow.width, values.text("stems").split("+")
    # Its own stage tells where a number of threads may change a bit.
    threads = rule("sound", width) if run.device.type != "cpu" else threads_for("sound", width).count
    solved = solved_before(out, chosen, shapes, values, run.device, threads)
    way = Way(
        stems, int(out.live("flow_steps")), float(out.live("flow_guidance")), values.whole("decode_chunk"),
        run.stream("flow"), run.device,
    )  # fmt: skip
    flow, vae = run.weights("flow"), run.weights("vae")
    ahead = Ahead(
        lambda: synthesis_by_pieces(shapes, flow, vae, run.device),
        shapes, conditions, start, way, solved, frames=frames_in(length),
    )  # fmt: skip
    if ahead.wanted is None:
        return None
    if why := why_not_ahead(values.replace(schedule=schedule)):
        run.note(f"not rendered while it was composed: {why}")
        return None
    tf32 = values.text("flow_precision") == "tf32"
    share = None if wish == "on" else SHARE
    return Turns(ahead, out, run, lambda: _surroundings(threads, tf32=tf32), share=share)


def solved_before(
    out: Outlet, chosen: Variant, shapes: Shapes, values: Values, device: torch.device, threads: int
) -> Solved:
    """The windows of a take that were solved ahead by just what solves them now."""
    count = threads if device.type == "cpu" and may_change_bits(shapes.flow.width) else 1
    made_with = (
        identity(chosen, ("flow",)), values.text("flow_precision"), device.type, silicon(device), count,
        torch.__version__,
    )  # fmt: skip
    return Solved(out.path, " ".join(map(str, made_with)))


@contextmanager
def _surroundings(threads: int, *, tf32: bool) -> Iterator[None]:
    with processor_threads(threads), tf32_products(tf32):
        yield


def _knobs(out: Outlet) -> tuple[object, ...]:
    return tuple(out.live(key) for key in _KNOBS)


def _settle(device: torch.device) -> None:
    """Wait for a device that works ahead of its host, so that each kind of work is counted as its own."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
