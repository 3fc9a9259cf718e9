"""Composing: conditions to codes, with both transformers at once or one after the other."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

import torch
from torch import Tensor

from core.device import silicon
from core.engine import Known, Run, Verdict
from core.errors import SongdeskError
from core.levo.artifacts import Conditions, Tokens
from core.levo.shapes import TokenShapes, frames_in
from core.levo.tokens.decoding import Decoding, MainPass, Pass, Room, Streams, SubPass
from core.levo.tokens.loop import Progress
from core.levo.tokens.loop import steps as plain_steps
from core.levo.tokens.model import Part, TokenModel
from core.levo.tokens.notebook import Notebook
from core.levo.tokens.pattern import EVERY_BOOK, Sheet
from core.levo.tokens.static.choice import Steps, arithmetic, best_drive, complaint, is_static
from core.levo.tokens.static.drive import static_steps
from core.settings import Values

_FORMATS = {"int8": "int8.3"}
"""The version of a cache's format, where there has been another."""
_WEIGHTS = {"int8": "int8.2", "int4": "int4.1"}
"""The versions of rounded weights; the first of int8 had a scale a row."""
Load = Callable[[tuple[Part, ...]], TokenModel]
"""Loads some parts of the model: `text` where it is read, the others on the run's device."""
Walk = Callable[..., Iterator[object]]
"""Writes a song's columns one by one: `loop.steps`, or static ones in the same way."""
Beside = Callable[[], object]
"""What else is done after every step."""
Heard = Callable[[int, Callable[[int], Tensor]], object]
"""Takes how many frames of the song stand, and what gives the codes int64 [3, n] of the first n."""


@dataclass(frozen=True, slots=True)
class Task:
    """A song to be written, and by what."""

    sheet: Sheet
    prompt: Tensor
    """The prompt's codes of codebook 0, int64 [n]."""
    run: Run
    room: Room
    notebook: Notebook
    walk: Walk
    beside: Beside = int

    def columns(self, start: int, end: int) -> Tensor:
        """Columns of the sheet where the network is, int64 [3, end - start]."""
        return self.sheet.columns(start, end).to(self.run.device)

    def write(
        self, song: Pass, prefix: Streams, *, books: tuple[int, ...] = EVERY_BOOK, until: int,
        progress: Progress,
    ) -> None:  # fmt: skip
        """Have a network take in the prefix and what is known before column `until`, and write the rest."""
        ear = _Ear(self.run, progress)
        song.prefill(prefix, self.columns(0, until), pause=ear.listen)
        written = self.walk(
            song, self.sheet, self.prompt, self.run, books=books, progress=progress, told=ear.told
        )
        _write_down(written, self.notebook, books, self.beside)


def compose(
    load: Load, shapes: TokenShapes, conditions: Conditions, values: Values, run: Run,
    *, schedule: str = "lockstep", start: Tokens | None = None, is_exact: bool = True, steps: Steps = "auto",
    heard: Heard | None = None,
) -> Tokens:  # fmt: skip
    """Phase 2: conditions to codes at 25 Hz, going on from what `run` knows, or from the codes `start`.

    `lockstep` keeps both transformers in memory, `two-pass` one at a time; the tokens are the same. With
    guidance 1 at the start only the conditioned row is kept, and guidance stays 1 to the end. What is made is
    handed to `run` about every second of song, and before an error passes through; `is_exact` says whether
    nothing but that tells a song that was broken off from one that was not. In lockstep `heard` is called
    after every step, and may take some time to do something with what stands. Raises SongdeskError when
    the model ends the song before its first frame or `start` leaves no room for more, Cancelled when the
    person gives up.
    """
    frames, known = frames_in(values.real("length")), run.known()
    _fits(start, shapes, frames)
    blank = partial(
        Sheet, shapes, frames, start=_given(known, start), end=known.frames, is_told=known.is_stopped,
        until=frames_in(run.until) if run.until else None,
    )  # fmt: skip
    ear = _Ear(run, partial(_begins, blank(device=torch.device("cpu")), schedule))
    static = is_static(run.device, steps, pause=ear.listen)
    sheet = blank(device=torch.device("cpu") if static else run.device)
    notebook = Notebook(run, sheet, [len(codes) for codes in known.books])
    begun = any(known.books)
    rows = known.rows if begun and known.rows else 1 if float(run.live("guidance")) == 1 else 2
    made_on = _made_on(run.device, values, static=static)
    run.decided(schedule, rows, made_on)
    if begun and sheet.has_open():
        # In the draft of a turned song of two passes the second began before the first had come to its end.
        is_mixed = any(known.books[1:]) and sheet.made(0) < sheet.frames and known.schedule == "two-pass"
        is_traceless = is_exact and known.made_on in ("", made_on) and not (is_mixed and known.is_turned)
        run.seam(len(known.books[0]), is_exact=is_traceless)
    room = Room(rows, sheet.total, values.text("kv_cache"), values.real("mulaw_mu"))
    walk = _walk(ear, steps, static=static) if sheet.has_open() else plain_steps
    beside: Beside = int
    if heard is not None and schedule != "two-pass":
        beside = partial(_let_hear, sheet, heard)
    task = Task(sheet, conditions.prompt_codes[0], run, room, notebook, walk, beside)
    write = two_pass if schedule == "two-pass" else lockstep
    write(load, load(("text",)).prefix(conditions, rows), task)
    return Tokens(sheet.codes().cpu())


def _let_hear(sheet: Sheet, heard: Heard) -> None:
    heard(sheet.standing, sheet.beginning)


def _begins(sheet: Sheet, schedule: str) -> tuple[int, int]:
    """What is done of a song and of how much, before anything of it is written on this sheet."""
    if schedule == "two-pass":
        sheet.skip((0,))
        return min(sheet.done, sheet.goal), 2 * sheet.goal
    sheet.skip(EVERY_BOOK)
    return min(sheet.done, sheet.last), sheet.last


def _walk(ear: "_Ear", asked: Steps, *, static: bool) -> Walk:
    """How columns are written; what makes that slower than it could be is told."""
    device, pause = ear.run.device, ear.listen
    drive = best_drive(device, pause=pause) if static else None
    slowed = drive.complaint if drive else complaint(device, asked, pause=pause)
    if slowed:
        ear.run.note(slowed)
    return partial(static_steps, drive) if drive else plain_steps


def _made_on(device: torch.device, values: Values, *, static: bool) -> str:
    """All that decides which numbers the network computes: by others a song goes on with a trace."""
    cache = values.text("kv_cache")
    steps = [arithmetic(device)] if static else []
    weights = [_WEIGHTS[kind] for kind in (values.text("weights"),) if kind in _WEIGHTS]
    # Threads share some sums of wide products, whose last bits then depend on how many there are.
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    place = f"{device.type}:{threads}" if threads > 1 else device.type
    chip = sha256(silicon(device).encode()).hexdigest()[:8]
    return "/".join((place, *steps, *weights, _FORMATS.get(cache, cache), chip, torch.__version__))


def lockstep(load: Load, prefix: Streams, task: Task) -> None:
    """Fill the sheet with main and sub together, one column a step; `prefix` is main's and sub's."""
    sheet, room = task.sheet, task.room
    sheet.skip(EVERY_BOOK)
    if sheet.done == sheet.last:
        return
    song = Decoding(load(("main", "sub")), rows=room.rows, columns=room.columns, cache=room.cache, mu=room.mu)
    task.write(song, prefix, until=sheet.done + 1, progress=lambda: (min(sheet.done, sheet.last), sheet.last))


def two_pass(load: Load, prefix: Streams, task: Task) -> None:
    """Fill the sheet with main alone, then with sub alone over main's states.

    Main hears codebook 0 only, so it can run ahead to the end of the song. The columns before sub's first
    frame and behind main's last are known, so they are prefills. A frame counts once in each pass.
    """
    states = _main_pass(load(("main",)), prefix[:1], task)
    task.sheet.rewind()
    task.notebook.turn_page()
    _sub_pass(load(("sub",)), prefix[1:], task, states=states)


def _main_pass(model: TokenModel, prefix: Streams, task: Task) -> Tensor:
    """Write codebook 0; gives main's states of every column that sub reads, [B, positions, W]."""
    song, sheet, books = MainPass(model, task.room), task.sheet, (0,)
    sheet.skip(books)

    def progress() -> tuple[int, int]:
        return min(sheet.done, sheet.goal), 2 * sheet.goal

    task.write(song, prefix, books=books, until=min(sheet.done + 1, sheet.last), progress=progress)
    song.feed(task.columns(song.taken, sheet.last))
    return song.states


def _sub_pass(model: TokenModel, prefix: Streams, task: Task, *, states: Tensor) -> None:
    """Write codebooks 1 and 2 of a song whose codebook 0 stands."""
    song, sheet, books = SubPass(model, task.room, states), task.sheet, (1, 2)
    sheet.skip(books)
    if sheet.done == sheet.last:
        return
    late = sheet.last - sheet.goal

    def progress() -> tuple[int, int]:
        return sheet.goal + max(0, sheet.done - late), 2 * sheet.goal

    task.write(song, prefix, books=books, until=sheet.done + 1, progress=progress)


@dataclass(slots=True)
class _Ear:
    """Listens while a device is tried, and while the network takes in what is known."""

    run: Run
    progress: Progress
    told: Verdict = Verdict.GO

    def listen(self) -> None:
        if self.run.step(*self.progress()) is Verdict.FINISH:
            self.told = Verdict.FINISH


def _write_down(
    columns: Iterable[object], notebook: Notebook, books: tuple[int, ...], beside: Beside
) -> None:
    """Take the steps, keeping what they make; the last of it also when one of them fails."""
    try:
        for _ in columns:
            notebook.note(books)
            beside()
    finally:
        notebook.note(books, now=True)


def _given(known: Known, start: Tokens | None) -> list[Tensor]:
    """The codes each codebook begins with: what is known of it, where that is not less than the start."""
    books = [torch.tensor(codes, dtype=torch.int64) for codes in known.books]
    if start is None:
        return books
    begun = [*start.codes]
    return [max(pair, key=len) for pair in zip(books, begun, strict=True)] if books else begun


def _fits(start: Tokens | None, shapes: TokenShapes, frames: int) -> None:
    if start is None:
        return
    given = start.codes.shape[1]
    if given >= frames:
        raise SongdeskError(
            f"the start has {given} frames and the song is to have {frames}", hint="raise length"
        )
    if given and not 0 <= int(start.codes.min()) <= int(start.codes.max()) < shapes.codes:
        raise SongdeskError(
            "the start has codes that this model does not have", hint="take a start made with the same model"
        )
