"""The plain-torch twin of going one column on: no step of it asks an accelerator for a value."""

import torch
from torch import Tensor

from core.kernels.page import Knob, Mark, Page, late_of, span


def advance(page: Page, *, books: tuple[int, ...]) -> None:
    """Write the next column of `books` from `page.tokens` and go on to it, if there is anything to write."""
    columns, marks, late = page.columns, page.marks, late_of(page, books)
    done, frames, ended, told = (marks[slot] for slot in (Mark.DONE, Mark.FRAMES, Mark.ENDED, Mark.TOLD))
    is_open = _open(page, done, frames, books)
    goes = _goes(page, is_open, done, frames)
    at = _behind(page, done)
    cells = columns.index_select(1, at)
    cells = torch.where((is_open & goes)[:, None], page.tokens[:, None], cells)
    columns.index_copy_(1, at, cells)
    page.fed.copy_(torch.where(goes, cells, page.fed))
    if books[0] == 0:
        ends = is_open[0] & goes & (cells[0, 0] == page.codes)
        frames, ended = torch.where(ends, done, frames), ended | ends
    done = done + goes
    stops = goes & (page.knobs[Knob.FINISH] > 0) & (told == 0) & (done > late) & (done - late <= frames)
    if books[0] == 0:
        stops = stops & (ended == 0)
        _write_end(page, done, stops & (done < frames))
    frames = torch.where(stops, done - late, frames)
    idle = ~_goes(page, _open(page, done, frames, books), done, frames)
    marks[Mark.POSITION : Mark.LENGTH + 1] += goes
    marks[Mark.DONE : Mark.FRAMES + 1] = torch.stack((done, frames))
    marks[Mark.ENDED : Mark.IDLE + 1] = torch.stack((ended | stops, told | stops, idle.int()))


def _open(page: Page, done: Tensor, frames: Tensor, books: tuple[int, ...]) -> Tensor:
    """Whose cell in the next column is a frame of the song and not known beforehand, bool [3]."""
    count, marks = len(page.delays), page.marks
    frame = done - marks[Mark.DELAY : Mark.DELAY + count]
    is_open = (marks[Mark.GIVEN : Mark.GIVEN + count] <= frame) & (frame < frames)
    is_open[: books[0]] = False
    is_open[span(books).stop :] = False
    return is_open


def _goes(page: Page, is_open: Tensor, done: Tensor, frames: Tensor) -> Tensor:
    """Whether there is something to write up to the last column."""
    last = torch.minimum(frames, page.marks[Mark.UNTIL]) + max(page.delays)
    return is_open.any() & (done < last)


def _behind(page: Page, done: Tensor) -> Tensor:
    """The column after those done, int64 [1]; the last stands for itself, as nothing is written behind it."""
    return (done + 1).clamp(max=page.columns.shape[1] - 1).long().view(1)


def _write_end(page: Page, done: Tensor, condition: Tensor) -> None:
    """Let the end of song stand in the next column of codebook 0, on a condition."""
    at, row = _behind(page, done), page.columns[:1]
    row.index_copy_(1, at, torch.where(condition, page.codes, row.index_select(1, at)))
