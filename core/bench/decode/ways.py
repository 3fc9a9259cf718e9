"""The ways a step can be taken: each begins in the middle of a song and takes steps when told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from core.bench.decode.midway import Midway, fill
from core.bench.decode.plain import PlainSong, draw
from core.bench.decode.quality import STEPS, Lesson, follow, plain_begun
from core.bench.decode.subject import Subject, bytes_of
from core.bench.decode.traffic import Form
from core.bench.measure import finish
from core.kernels.page import Mark
from core.levo.shapes import CODEBOOKS, TokenShapes
from core.levo.tokens.loop import steps
from core.levo.tokens.pattern import EVERY_BOOK, Sheet
from core.levo.tokens.sample import Knobs
from core.levo.tokens.static.drive import RUN_AHEAD, Drive, static_steps
from core.levo.tokens.static.state import page_of
from core.levo.tokens.static.step import step_of
from core.parity.quiet import QuietRun
from core.random import Stream
from core.settings import Values

Steps = Callable[[int], None]
"""Takes so many steps, all of which are done when it returns."""
SPARE = 320
"""Positions behind the last that a song reaches, for the steps of a lap that begins there."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to take steps."""

    name: str
    form: Form
    """What it reads: the baseline has no packed weights."""
    weights: int
    """Bytes of its weights."""
    ready: Callable[[int], Steps]
    """Makes its cache with so many positions held; what that takes counts as memory and not as time."""
    listen: Callable[[Lesson], Tensor]
    """The logits, fp32 [steps, B, 3, V], that a lesson's columns lead to."""


def straightforward(subject: Subject, form: Form, values: Values, positions: int) -> Way:
    """The baseline, on weights as they are stored."""
    knobs = Knobs.from_live(values.__getitem__)

    def ready(held: int) -> Steps:
        song = PlainSong(subject.model, positions=positions, cache=form.cache)
        for cache in song.caches:
            fill(cache)
        song.put(held)
        heard = _codes(subject.shapes, knobs.repetition_window, subject.device)
        column = heard[:, -1].tolist()

        def take(count: int) -> None:
            nonlocal column
            for _ in range(count):
                song.feed(torch.tensor(column, device=subject.device)[:, None])
                column = draw(song.logits(EVERY_BOOK), heard, knobs)
            finish(subject.device)

        return take

    def listen(taught: Lesson) -> Tensor:
        return follow(plain_begun(subject, form, taught), taught)

    return Way("straightforward", Form("full", form.cache), bytes_of(subject.model), ready, listen)


def ours(subject: Subject, form: Form, values: Values, positions: int, *, drive: Drive | None) -> Way:
    """The product's way: with a drive by static steps, without one step by step in plain torch."""
    model, device = subject.in_form(form.weights), subject.device
    host = torch.device("cpu") if drive else device
    nothing = torch.empty(0, dtype=torch.int64)

    def ready(held: int) -> Steps:
        song = Midway(model, positions=positions, cache=form.cache, delays=_late(subject))
        for cache in song.caches:
            fill(cache)
        sheet = begun_sheet(song.shapes, held, positions, host)
        song.put(held - 1)
        song.feed(sheet.columns(sheet.done, sheet.done + 1).to(device))
        run = QuietRun(device, values)
        walk = partial(static_steps, drive) if drive else steps
        columns: Iterator[object] = walk(song, sheet, nothing, run)
        next(columns)

        def take(count: int) -> None:
            for _ in range(count):
                next(columns)
            finish(device)

        return take

    def listen(taught: Lesson) -> Tensor:
        song = taught.begin(model, form)
        return follow(Stepped(song) if drive else song, taught)

    return Way("ours, static" if drive else "ours, plain", form, bytes_of(model), ready, listen)


class Stepped:
    """A song whose static step is fed by hand; it begins where the network stands."""

    def __init__(self, song: Midway) -> None:
        sheet = Sheet(song.shapes, STEPS, device=torch.device("cpu"))
        nothing = torch.empty(0, dtype=torch.int64)
        page = page_of(song, sheet, nothing, Stream(0, "tokens"))
        self._step, self._page, self._position = step_of(song, page), page, song.shapes.prefix + song.taken
        self._step.logits.copy_(song.logits(EVERY_BOOK))

    def feed(self, columns: Tensor) -> None:
        """Take in the next column, int64 [3, 1]."""
        self._page.fed.copy_(columns)
        self._page.marks[Mark.POSITION] = self._position
        self._position += 1
        self._page.marks[Mark.LENGTH] = self._position
        self._step.feed()

    def logits(self, books: tuple[int, ...]) -> Tensor:
        """Logits of the next column: fp32 [B, len(books), codes + 1]."""
        return self._step.logits[:, list(books)]


def begun_sheet(shapes: TokenShapes, held: int, positions: int, device: torch.device) -> Sheet:
    """A sheet whose last column done is the last of `held` positions, with the next one open."""
    done = held - shapes.prefix - 1
    codes = _codes(shapes, done, torch.device("cpu"))
    start = [row[: max(0, done - delay)] for row, delay in zip(codes, shapes.delays, strict=True)]
    frames = positions - shapes.prefix - 1 - max(shapes.delays)
    sheet = Sheet(shapes, frames, device=device, start=start)
    sheet.skip(EVERY_BOOK)
    return sheet


def _late(subject: Subject) -> tuple[int, int, int]:
    """Delays under which all codebooks are open in all steps but the first few, as in most of a song.

    No step is slower or quicker for them; where the device works ahead it may do so by as many steps.
    """
    late = 1 if subject.device.type == "cpu" else RUN_AHEAD
    first, *others = subject.shapes.delays
    vocal, backing = (min(delay, late) for delay in others)
    return first, vocal, backing


def _codes(shapes: TokenShapes, count: int, device: torch.device) -> Tensor:
    drawn = torch.Generator().manual_seed(0)
    return torch.randint(0, shapes.codes, (CODEBOOKS, max(1, count)), generator=drawn).to(device)
