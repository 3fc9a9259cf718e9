"""Keeps on disk what is composed: a run that is cut off loses a second of codes at most."""

import time
from collections.abc import Sequence

from core.engine import Run
from core.levo.shapes import CODEBOOKS, FRAME_RATE
from core.levo.tokens.pattern import Sheet

_PATIENCE = 0.5
"""Seconds after which columns are written down although they are few."""


class Notebook:
    """Hands the columns of a sheet to a run, a second of song at a time: more often would wait for a GPU."""

    def __init__(self, run: Run, sheet: Sheet, kept: Sequence[int]) -> None:
        """`kept` frames of each codebook are on disk already."""
        self._run, self._sheet = run, sheet
        self._kept = list(kept) or [0] * CODEBOOKS
        self._told = run.known().frames
        self._done, self._at = sheet.done, time.monotonic()

    def note(self, books: tuple[int, ...], *, now: bool = False) -> None:
        """Write down what is new of these codebooks, once it is a second of song, some time old, or `now`."""
        sheet = self._sheet
        columns, passed = sheet.done - self._done, time.monotonic() - self._at
        if not now and columns < FRAME_RATE and (passed < _PATIENCE or columns <= 0):
            return
        self._done, self._at = sheet.done, time.monotonic()
        sheet.listen()
        new: list[list[int]] = [[] for _ in range(CODEBOOKS)]
        for book in books:
            made = sheet.made(book)
            new[book] = sheet.cells(book, self._kept[book], made).tolist()
            self._kept[book] = max(made, self._kept[book])
        frames = sheet.frames if sheet.ended and sheet.frames != self._told else None
        if any(new) or frames is not None:
            self._run.keep(new, frames=frames)
            self._told = self._told if frames is None else frames

    def turn_page(self) -> None:
        """The sheet is gone through again from its beginning."""
        self._done = self._sheet.done
