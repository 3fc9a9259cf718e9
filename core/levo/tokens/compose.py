"""Composing: conditions to codes, with both transformers at once or one after the other."""

from collections.abc import Callable

from torch import Tensor

from core.engine import Run
from core.errors import SongdeskError
from core.levo.artifacts import Conditions, Tokens
from core.levo.shapes import TokenShapes, frames_in
from core.levo.tokens.decoding import Decoding, MainPass, Room, Streams, SubPass
from core.levo.tokens.loop import steps
from core.levo.tokens.model import Part, TokenModel
from core.levo.tokens.pattern import EVERY_BOOK, Sheet
from core.settings import Values

Load = Callable[[tuple[Part, ...]], TokenModel]
"""Loads some parts of the model: `text` where it is read, the others on the run's device."""


def compose(
    load: Load, shapes: TokenShapes, conditions: Conditions, values: Values, run: Run,
    *, schedule: str = "lockstep", start: Tokens | None = None,
) -> Tokens:  # fmt: skip
    """Phase 2: conditions to codes at 25 Hz, going on from the codes `start` if there are any.

    `lockstep` keeps both transformers in memory, `two-pass` one at a time; the tokens are the same. With
    guidance 1 at the start only the conditioned row is kept, and guidance stays 1 to the end. Raises
    SongdeskError when the model ends the song before its first frame or `start` leaves no room for more,
    Cancelled when the person gives up.
    """
    frames = frames_in(values.real("length"))
    _fits(start, shapes, frames)
    sheet = Sheet(shapes, frames, device=run.device, start=None if start is None else start.codes)
    rows = 1 if float(run.live("guidance")) == 1 else 2
    room = Room(rows, sheet.total, values.text("kv_cache"), values.real("mulaw_mu"))
    prefix = load(("text",)).prefix(conditions, room.rows)
    streams = tuple(stream.to(run.device) for stream in prefix)
    write = two_pass if schedule == "two-pass" else lockstep
    write(load, streams, sheet, conditions.prompt_codes[0], run, room)
    return Tokens(sheet.codes().cpu())


def lockstep(load: Load, prefix: Streams, sheet: Sheet, prompt: Tensor, run: Run, room: Room) -> None:
    """Fill the sheet with main and sub together, one column a step; `prefix` is main's and sub's."""
    song = Decoding(load(("main", "sub")), rows=room.rows, columns=room.columns, cache=room.cache, mu=room.mu)
    sheet.skip(EVERY_BOOK)
    song.prefill(prefix, sheet.columns(0, sheet.done + 1), pause=lambda: run.step(sheet.done, sheet.total))
    for _ in steps(song, sheet, prompt, run):
        pass


def two_pass(load: Load, prefix: Streams, sheet: Sheet, prompt: Tensor, run: Run, room: Room) -> None:
    """Fill the sheet with main alone, then with sub alone over main's states.

    Main hears codebook 0 only, so it can run ahead to the end of the song. The columns before sub's first
    frame and behind main's last are known, so they are prefills. A frame counts once in each pass.
    """
    states = _main_pass(load(("main",)), prefix[:1], sheet, prompt, run, room)
    sheet.rewind()
    _sub_pass(load(("sub",)), prefix[1:], sheet, prompt, run, room, states=states)


def _main_pass(
    model: TokenModel, prefix: Streams, sheet: Sheet, prompt: Tensor, run: Run, room: Room
) -> Tensor:
    """Write codebook 0; gives main's states of every column that sub reads, [B, positions, W]."""
    song, books = MainPass(model, room), (0,)
    sheet.skip(books)

    def progress() -> tuple[int, int]:
        return min(sheet.done, sheet.frames), 2 * sheet.frames

    song.prefill(prefix, sheet.columns(0, sheet.done + 1), pause=lambda: run.step(*progress()))
    for _ in steps(song, sheet, prompt, run, books=books, progress=progress):
        pass
    song.feed(sheet.columns(song.taken, sheet.total))
    return song.states


def _sub_pass(
    model: TokenModel, prefix: Streams, sheet: Sheet, prompt: Tensor, run: Run, room: Room, *, states: Tensor
) -> None:
    """Write codebooks 1 and 2 of a song whose codebook 0 stands."""
    song, books = SubPass(model, room, states), (1, 2)
    sheet.skip(books)
    late = sheet.total - sheet.frames

    def progress() -> tuple[int, int]:
        return sheet.frames + max(0, sheet.done - late), 2 * sheet.frames

    song.prefill(prefix, sheet.columns(0, sheet.done + 1), pause=lambda: run.step(*progress()))
    for _ in steps(song, sheet, prompt, run, books=books, progress=progress):
        pass


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
