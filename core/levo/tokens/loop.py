"""Writing the song column by column, listening all the while."""

from collections.abc import Callable, Iterator
from typing import Protocol

from torch import Tensor

from core.engine import Run, Verdict
from core.errors import SongdeskError
from core.levo.shapes import TokenShapes
from core.levo.tokens.pattern import EVERY_BOOK, Sheet
from core.levo.tokens.sample import Knobs, Sampler

Progress = Callable[[], tuple[int, int]]
"""Tells what is done, and of how much."""


class Network(Protocol):
    """What writing a song asks of a network that has taken in all that is known of it beforehand."""

    @property
    def shapes(self) -> TokenShapes:
        """Sizes of the codebooks and the delays between them."""

    def feed(self, columns: Tensor) -> None:
        """Take in the next columns, int64 [3, S]; more than one when they are known beforehand."""

    def logits(self, books: tuple[int, ...]) -> Tensor:
        """Logits of the next column: fp32 [B, len(books), codes + 1]."""


def write(network: Network, sheet: Sheet, prompt: Tensor, run: Run) -> None:
    """Fill the sheet to its end; `prompt` is the prompt's codes of codebook 0, int64 [n]."""
    for _ in steps(network, sheet, prompt, run):
        pass


def steps(
    network: Network,
    sheet: Sheet,
    prompt: Tensor,
    run: Run,
    *,
    books: tuple[int, ...] = EVERY_BOOK,
    progress: Progress | None = None,
    told: Verdict = Verdict.GO,
) -> Iterator[Tensor]:
    """Write the cells of `books` to the last column of the sheet, giving each, [3, 1], after its step.

    The network has taken in every column the sheet has done. Knobs are read anew for each step. Columns that
    are known beforehand are skipped and fed in one go. Told to finish, the song ends after the frames that
    are complete, or whose first codebook is, and the delayed codebooks are written out; `told` is what was
    said before the first step. The network is left with every column but those after the last step.
    """
    sampler = Sampler(network.shapes, prompt, run.stream("tokens"), device=sheet.first.device)
    count = progress or (lambda: (min(sheet.done, sheet.last), sheet.last))
    fed = sheet.done + 1
    if told is Verdict.FINISH:
        sheet.finish(books)
    sheet.skip(books)
    while sheet.done < sheet.last:
        if fed <= sheet.done:
            network.feed(sheet.columns(fed, sheet.done + 1))
            fed = sheet.done + 1
        column = _next_column(network, sheet, sampler, books, Knobs.from_live(run.live))
        has_frames(sheet)
        if run.step(*count()) is Verdict.FINISH:
            sheet.finish(books)
            has_frames(sheet)
        yield column
        sheet.skip(books)  # whoever took the column may have found the end


def _next_column(
    network: Network, sheet: Sheet, sampler: Sampler, books: tuple[int, ...], knobs: Knobs
) -> Tensor:
    drawn = sheet.open(books)
    history = sheet.history(drawn, knobs.repetition_window)
    tokens = sampler.draw(network.logits(drawn), drawn, knobs, step=sheet.done + 1, history=history)
    return sheet.write(drawn, tokens)


def has_frames(sheet: Sheet) -> None:
    """Raise SongdeskError where the model has ended the song before it began."""
    if sheet.frames == 0:
        raise SongdeskError(
            "the model ended the song before its first frame", hint="set a minimum_length, or another seed"
        )
