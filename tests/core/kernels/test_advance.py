"""Going one column on: the twin and the kernel against the sheet that the host keeps."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from core.kernels.advance import advance
from core.kernels.live import using
from core.kernels.page import Knob, Mark, Page, mark_row, open_page
from core.levo.tokens.pattern import Sheet
from core.levo.tokens.sample import Knobs
from tests.core.kernels.pages import CPU, key, row, shapes

CODES = 50
ALL = (0, 1, 2)
SCHEDULES = [(ALL, (0, 3, 3)), (ALL, (0, 2, 5)), ((0,), (0, 3, 3)), ((1, 2), (0, 3, 3))]


@pytest.fixture(params=["torch", "triton"])
def device(request: pytest.FixtureRequest) -> Iterator[torch.device]:
    """Where the page is: with the twin on the processor, and with the kernel where that runs."""
    if request.param == "triton":
        yield request.getfixturevalue("fused")
        return
    with using("torch"):
        yield CPU


def sheet_of(
    delays: tuple[int, int, int], frames: int, given: tuple[int, ...] = (0, 0, 0), **known: Any
) -> Sheet:
    start = [torch.arange(count) % CODES for count in given]
    return Sheet(shapes(CODES, delays), frames, device=CPU, start=start, **known)


def page_like(
    sheet: Sheet, delays: tuple[int, int, int], given: tuple[int, ...], device: torch.device,
    until: int | None = None,
) -> Page:  # fmt: skip
    """A page with columns of its own that goes on where the sheet is."""
    columns = torch.cat([sheet.columns(0, 1), sheet.columns(1, 10_000)], dim=1).to(device)
    marks = mark_row(
        position=20 + sheet.done, done=sheet.done, frames=sheet.frames, given=given, until=until,
        is_ended=sheet.ended,
    )  # fmt: skip
    return open_page(columns, delays=delays, codes=CODES, marks=marks, knobs=row(Knobs()), key=key(1))


def marks(page: Page) -> dict[Mark, int]:
    return {mark: int(page.marks[mark]) for mark in Mark}


def tokens_of(column: int, end: int) -> Tensor:
    """What is drawn for a column: never an end but in codebook 0 at column `end`."""
    drawn = torch.tensor([column * 7, column * 11 + 1, column * 13 + 2]) % CODES
    if column == end:
        drawn[0] = CODES
    return drawn


def step(page: Page, sheet: Sheet, books: tuple[int, ...], end: int) -> None:
    """The same step of both."""
    drawn = tokens_of(sheet.done + 1, end)
    page.tokens.copy_(drawn)
    is_open = sheet.open(books)
    column = sheet.write(is_open, drawn[[*is_open]])
    advance(page, books=books)
    assert torch.equal(page.fed.cpu(), column)


def write_on(page: Page, sheet: Sheet, books: tuple[int, ...], *, end: int = -1) -> int:
    """Go on with both until the page is idle; gives how many steps that took."""
    taken = 0
    while sheet.done < sheet.last and sheet.open(books):
        assert marks(page)[Mark.IDLE] == 0
        step(page, sheet, books, end)
        taken += 1
    return taken


def assert_same(page: Page, sheet: Sheet) -> None:
    found = marks(page)
    assert torch.equal(page.columns.cpu(), sheet.columns(0, 10_000))
    assert (found[Mark.DONE], found[Mark.FRAMES]) == (sheet.done, sheet.frames)
    assert (found[Mark.POSITION], found[Mark.LENGTH]) == (20 + sheet.done, 21 + sheet.done)
    assert bool(found[Mark.ENDED]) == sheet.ended


@pytest.mark.parametrize(("books", "delays"), SCHEDULES)
@pytest.mark.parametrize(("given", "end", "until"), [
    ((0, 0, 0), 4, None), ((3, 2, 2), 6, None), ((0, 0, 0), -1, 4),
    ((0, 0, 0), -1, None), ((5, 0, 0), 6, 7),
])  # fmt: skip
def test_a_page_is_written_as_the_sheet_is(
    device: torch.device, books: tuple[int, ...], delays: tuple[int, int, int], given: tuple[int, ...],
    end: int, until: int | None,
) -> None:  # fmt: skip
    given = (8, *given[1:]) if books[0] else given  # codebook 0 stands before sub goes on alone
    sheet = sheet_of(delays, 8, given, until=until)
    sheet.skip(books)
    page = page_like(sheet, delays, given, device, until)
    taken = write_on(page, sheet, books, end=end)
    assert taken > 0
    assert marks(page)[Mark.IDLE] == 1
    assert_same(page, sheet)
    before = (page.columns.clone(), page.fed.clone(), page.marks.clone())
    page.tokens.fill_(9)
    for _ in range(3):
        advance(page, books=books)
    assert all(map(torch.equal, before, (page.columns, page.fed, page.marks)))


def test_a_gap_is_left_to_the_host(device: torch.device) -> None:
    delays = (0, 6, 6)
    sheet = sheet_of(delays, 3)
    page = page_like(sheet, delays, (0, 0, 0), device)
    assert write_on(page, sheet, ALL) == 3
    assert marks(page)[Mark.IDLE] == 1
    assert_same(page, sheet)
    sheet.skip(ALL)
    assert sheet.done == 6
    again = page_like(sheet, delays, (0, 0, 0), device)
    write_on(again, sheet, ALL)
    assert_same(again, sheet)
    assert sheet.codes().shape == (3, 3)


@pytest.mark.parametrize(("books", "delays"), SCHEDULES)
@pytest.mark.parametrize("at", [2, 5, 8])
def test_told_to_finish_a_page_ends_as_the_sheet_does(
    device: torch.device, books: tuple[int, ...], delays: tuple[int, int, int], at: int
) -> None:
    given = (8, 0, 0) if books[0] else (0, 0, 0)
    sheet = sheet_of(delays, 8, given)
    sheet.skip(books)
    page = page_like(sheet, delays, given, device)
    for _ in range(at - 1):
        step(page, sheet, books, -1)
    page.knobs[Knob.FINISH] = 1
    step(page, sheet, books, -1)
    sheet.finish(books)
    assert_same(page, sheet)
    write_on(page, sheet, books)
    assert_same(page, sheet)
    assert marks(page)[Mark.IDLE] == 1


def test_a_song_that_ends_at_once_has_no_frames(device: torch.device) -> None:
    sheet = sheet_of((0, 3, 3), 8)
    page = page_like(sheet, (0, 3, 3), (0, 0, 0), device)
    step(page, sheet, ALL, 1)
    assert marks(page)[Mark.FRAMES] == 0 == sheet.frames
    assert marks(page)[Mark.IDLE] == 1


def test_the_twin_does_as_the_sheet_whatever_is_known_beforehand() -> None:
    starts = ((0, 0, 0), (2, 0, 0), (4, 3, 3))
    for frames, given, end, until in product((1, 5), starts, (-1, 1, 3), (None, 2)):
        sheet = sheet_of((0, 2, 2), frames, given, until=until)
        while sheet.has_open() and sheet.done < sheet.last and sheet.frames:
            sheet.skip(ALL)
            if sheet.done == sheet.last:
                break
            page = page_like(sheet, (0, 2, 2), given, CPU, until)
            with using("torch"):
                write_on(page, sheet, ALL, end=end)
            assert_same(page, sheet)
