"""Brings a file from a hub to a part of it on the disk, going on from whatever is there."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

from core.atomic import sync, unwritable
from core.errors import SongdeskError
from core.models.hub import Body, Passing, Remote, Unranged, host, look_at_endpoint, opened
from core.models.rate import Rate
from core.models.suspect import suspect
from core.models.told import Note, Progress, Pulse, Tell
from core.sizes import gigabytes

_WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each attempt after a failed one; after the last it is given up."""
_ENOUGH = 1 << 20
"""Bytes that an attempt must bring for the next failure to count as the first."""
_NAP = 0.1
"""Seconds of waiting after which whoever may give up is asked."""

_T = TypeVar("_T")


def download(remote: Remote, part: Path, tell: Tell) -> None:
    """Fill `part` up to the size of the file, from the bytes on that it has; nothing in it is verified.

    What came so far stays when it raises: SongdeskError when the hub refuses, sends something else, or fails
    too often in a row, and when the disk is full.
    """
    farthest, by_range = _size(part), True

    def attempt() -> None:
        nonlocal by_range
        try:
            _go_on(remote, part, tell, by_range=by_range)
        except Unranged:
            by_range = False
            raise

    def has_moved() -> bool:
        nonlocal farthest
        before, farthest = farthest, max(farthest, _size(part))
        return farthest - before >= _ENOUGH

    def at() -> str:
        return f" at {gigabytes(_size(part))} of {gigabytes(remote.size)}"

    persist(attempt, remote.file.path, tell, has_moved=has_moved, at=at)
    sync(part)


def persist(
    attempt: Callable[[], _T],
    what: str,
    tell: Tell,
    *,
    has_moved: Callable[[], bool] = lambda: False,
    at: Callable[[], str] = lambda: "",
) -> _T:
    """Try until it succeeds, or fails too often in a row without moving; each failure is told."""
    failures = 0
    while True:
        try:
            return attempt()
        except Passing as failure:
            failures = 1 if has_moved() else failures + 1
            reason = f"{failure}{at()}"
            if failures > len(_WAITS):
                raise SongdeskError(
                    f"given up after {failures} attempts: {reason}",
                    where=f"{what} at {host()}",
                    hint=f"the same command goes on from here{look_at_endpoint()}",
                ) from failure
            wait = max(_WAITS[failures - 1], failure.wait)
            tell(Note(f"{what}: {reason}; again in {wait:.0f} s ({failures} of {len(_WAITS)})"))
            _rest(wait, tell)


def _rest(seconds: float, tell: Tell) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        tell(Pulse())
        time.sleep(min(_NAP, left))


def _go_on(remote: Remote, part: Path, tell: Tell, *, by_range: bool) -> None:
    """One attempt: whatever came is in the part when it ends, however it does."""
    start = _size(part)
    if start > remote.size:
        part.unlink()
        start = 0
    if start == remote.size:
        return
    try:
        with opened(remote, start if by_range else 0) as body, part.open("ab") as file:
            if "text/html" in body.kind:
                raise _other(remote, "a web page")
            _take(remote, body, file, start, tell)
    except OSError as error:
        raise unwritable(part, error) from error
    if (end := _size(part)) < remote.size:
        raise _short(remote, part, end, is_all=not start)


def _take(remote: Remote, body: Body, file: BinaryIO, start: int, tell: Tell) -> None:
    """Write what comes behind the bytes that are there, and no more than the file has."""
    if body.start > start:
        raise Unranged("the answer begins behind what is wanted")
    at, end, rate = body.start, start, Rate(start)
    for piece in body.pieces:
        wanted = piece[max(0, end - at) : max(0, remote.size - at)]
        file.write(wanted)
        file.flush()  # a killed process leaves all that came
        at += len(piece)
        end += len(wanted)
        if rate.is_due(end):
            tell(Progress("downloading", remote.file.path, end, remote.size, rate.value))
        if end == remote.size:
            return


def _short(remote: Remote, part: Path, end: int, *, is_all: bool) -> Exception:
    """What to raise of an answer that ends before the file does; if it is all there is, it can be known."""
    what = suspect(part) if is_all and end else ""
    if not what:
        return Passing("the answer ends early")
    part.unlink()
    return _other(remote, what)


def _other(remote: Remote, what: str) -> SongdeskError:
    return SongdeskError(
        f"what comes is {what}, not {remote.file.name}",
        where=remote.file.repo,
        hint="look at HF_ENDPOINT, and whether the network asks you to log in first",
    )


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
