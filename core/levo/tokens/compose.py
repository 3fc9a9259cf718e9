"""Composing: conditions to codes, with both transformers at once or one after the other."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from core.engine import Known, Run, Verdict
from core.errors import SongdeskError
from core.levo.artifacts import Conditions, Tokens
from core.levo.shapes import TokenShapes, frames_in
from core.levo.tokens.decoding import Decoding, MainPass, Room, Streams, SubPass
from core.levo.tokens.loop import steps
from core.levo.tokens.model import Part, TokenModel
from core.levo.tokens.notebook import Notebook
from core.levo.tokens.pattern import EVERY_BOOK, Sheet
from core.settings import Values

_FORMATS = {"int8": "int8.2"}
"""The version of a cache's format, where there has been another."""
Load = Callable[[tuple[Part, ...]], TokenModel]
"""Loads some parts of the model: `text` where it is read, the others on the run's device."""


def compose(
    load: Load, shapes: TokenShapes, conditions: Conditions, values: Values, run: Run,
    *, schedule: str = "lockstep", start: Tokens | None = None, is_exact: bool = True,
) -> Tokens:  # fmt: skip
    """Phase 2: conditions to codes at 25 Hz, going on from what `run` knows, or from the codes `start`.

    `lockstep` keeps both transformers in memory, `two-pass` one at a time; the tokens are the same. With
    guidance 1 at the start only the conditioned row is kept, and guidance stays 1 to the end. What is made is
    handed to `run` about every second of song, and before an error passes through; `is_exact` says whether
    nothing but that tells a song that was broken off from one that was not. Raises SongdeskError when
    the model ends the song before its first frame or `start` leaves no room for more, Cancelled when the
    person gives up.
    """
    frames, known = frames_in(values.real("length")), run.known()
    _fits(start, shapes, frames)
    sheet = Sheet(
        shapes, frames, device=run.device, start=_given(known, start), end=known.frames,
        is_told=known.is_stopped, until=frames_in(run.until) if run.until else None,
    )  # fmt: skip
    notebook = Notebook(run, sheet, [len(codes) for codes in known.books])
    begun = any(known.books)
    rows = known.rows if begun and known.rows else 1 if float(run.live("guidance")) == 1 else 2
    made_on = _made_on(run.device, values)
    run.decided(schedule, rows, made_on)
    if begun and sheet.has_open():
        # In the draft of a turned song of two passes the second began before the first had come to its end.
        is_mixed = any(known.books[1:]) and sheet.made(0) < sheet.frames and known.schedule == "two-pass"
        is_traceless = is_exact and known.made_on in ("", made_on) and not (is_mixed and known.is_turned)
        run.seam(len(known.books[0]), is_exact=is_traceless)
    room = Room(rows, sheet.total, values.text("kv_cache"), values.real("mulaw_mu"))
    prefix = load(("text",)).prefix(conditions, room.rows)
    write = two_pass if schedule == "two-pass" else lockstep
    write(load, prefix, sheet, conditions.prompt_codes[0], run, room, notebook)
    return Tokens(sheet.codes().cpu())


def _made_on(device: torch.device, values: Values) -> str:
    """All that decides which numbers the network computes: by others a song goes on with a trace."""
    cache = values.text("kv_cache")
    weights = ["int8"] if values.text("weights") == "int8" else []
    return "/".join((device.type, *weights, _FORMATS.get(cache, cache), torch.__version__))


def lockstep(
    load: Load, prefix: Streams, sheet: Sheet, prompt: Tensor, run: Run, room: Room, notebook: Notebook
) -> None:
    """Fill the sheet with main and sub together, one column a step; `prefix` is main's and sub's."""
    sheet.skip(EVERY_BOOK)
    if sheet.done == sheet.last:
        return
    song = Decoding(load(("main", "sub")), rows=room.rows, columns=room.columns, cache=room.cache, mu=room.mu)
    ear = _Ear(run, lambda: (sheet.done, sheet.last))
    song.prefill(prefix, sheet.columns(0, sheet.done + 1), pause=ear.listen)
    _write_down(steps(song, sheet, prompt, run, told=ear.told), notebook, EVERY_BOOK)


def two_pass(
    load: Load, prefix: Streams, sheet: Sheet, prompt: Tensor, run: Run, room: Room, notebook: Notebook
) -> None:
    """Fill the sheet with main alone, then with sub alone over main's states.

    Main hears codebook 0 only, so it can run ahead to the end of the song. The columns before sub's first
    frame and behind main's last are known, so they are prefills. A frame counts once in each pass.
    """
    states = _main_pass(load(("main",)), prefix[:1], sheet, prompt, run, room, notebook)
    sheet.rewind()
    notebook.turn_page()
    _sub_pass(load(("sub",)), prefix[1:], sheet, prompt, run, room, notebook, states=states)


def _main_pass(
    model: TokenModel, prefix: Streams, sheet: Sheet, prompt: Tensor, run: Run, room: Room, notebook: Notebook
) -> Tensor:
    """Write codebook 0; gives main's states of every column that sub reads, [B, positions, W]."""
    song, books = MainPass(model, room), (0,)
    sheet.skip(books)

    def progress() -> tuple[int, int]:
        return min(sheet.done, sheet.goal), 2 * sheet.goal

    ear = _Ear(run, progress)
    song.prefill(prefix, sheet.columns(0, min(sheet.done + 1, sheet.last)), pause=ear.listen)
    columns = steps(song, sheet, prompt, run, books=books, progress=progress, told=ear.told)
    _write_down(columns, notebook, books)
    song.feed(sheet.columns(song.taken, sheet.last))
    return song.states


def _sub_pass(
    model: TokenModel, prefix: Streams, sheet: Sheet, prompt: Tensor, run: Run, room: Room,
    notebook: Notebook, *, states: Tensor,
) -> None:  # fmt: skip
    """Write codebooks 1 and 2 of a song whose codebook 0 stands."""
    song, books = SubPass(model, room, states), (1, 2)
    sheet.skip(books)
    if sheet.done == sheet.last:
        return
    late = sheet.last - sheet.goal

    def progress() -> tuple[int, int]:
        return sheet.goal + max(0, sheet.done - late), 2 * sheet.goal

    ear = _Ear(run, progress)
    song.prefill(prefix, sheet.columns(0, sheet.done + 1), pause=ear.listen)
    columns = steps(song, sheet, prompt, run, books=books, progress=progress, told=ear.told)
    _write_down(columns, notebook, books)


@dataclass(slots=True)
class _Ear:
    """Listens while the network takes in what is known."""

    run: Run
    progress: Callable[[], tuple[int, int]]
    told: Verdict = Verdict.GO

    def listen(self) -> None:
        if self.run.step(*self.progress()) is Verdict.FINISH:
            self.told = Verdict.FINISH


def _write_down(columns: Iterable[Tensor], notebook: Notebook, books: tuple[int, ...]) -> None:
    """Take the steps, keeping what they make; the last of it also when one of them fails."""
    try:
        for _ in columns:
            notebook.note(books)
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
