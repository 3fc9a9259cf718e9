"""The host's part of writing a song by static steps: it sets them off ahead of time and seldom waits."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.engine import Run, Verdict
from core.kernels.page import Page
from core.levo.graphs import Answer
from core.levo.tokens.decoding import Pass
from core.levo.tokens.loop import Progress, has_frames
from core.levo.tokens.pattern import EVERY_BOOK, Sheet
from core.levo.tokens.sample import Knobs
from core.levo.tokens.static.capture import Launch, launch_of
from core.levo.tokens.static.readback import Post, Readback, post_of
from core.levo.tokens.static.state import Dials, hand_over, marks_of, page_of
from core.levo.tokens.static.step import StaticStep, step_of

RUN_AHEAD = 8
"""Steps that are set off at most before the first of them is known to be done."""


@dataclass(frozen=True, slots=True)
class Drive:
    """How steps are set off on a device, and how what they write comes back."""

    start: Callable[[StaticStep], Launch]
    """Chooses how; asked once in a pass, when the step's page stands at its first step."""
    post: Post
    run_ahead: int = RUN_AHEAD
    complaint: str = ""
    """Why it is not the quickest way there could be on such a device; empty where it is."""


def drive_of(device: torch.device, answer: Answer) -> Drive:
    """What is best on a device; `answer` says whether its graphs are to be trusted."""
    if device.type == "cpu":
        return Drive(lambda step: Launch(step, "eager", answer.why), post_of(device), run_ahead=1)
    complaint = "" if answer.is_yes else f"steps were set off kernel by kernel, as {answer.why}"
    return Drive(lambda step: launch_of(step, answer), post_of(device), complaint=complaint)


def static_steps(
    drive: Drive,
    network: Pass,
    sheet: Sheet,
    prompt: Tensor,
    run: Run,
    *,
    books: tuple[int, ...] = EVERY_BOOK,
    progress: Progress | None = None,
    told: Verdict = Verdict.GO,
) -> Iterator[None]:
    """Write the cells of `books` as `loop.steps` does, on a sheet of the host, and stop after each.

    What is done, what knobs say and where the song is told to end count by the steps set off: a knob turned
    now is obeyed by the next of them, and its place in the song is known at once. Cells come after, the end
    of song with them. The network is left with every column but the last that was written.
    """
    count = progress or (lambda: (min(sheet.done, sheet.last), sheet.last))
    fed = sheet.done + 1
    if told is Verdict.FINISH:
        sheet.finish(books)
    sheet.skip(books)
    if sheet.done >= sheet.last:
        return
    song = _Song(drive, network, sheet, page_of(network, sheet, prompt, run.stream("tokens")), books, fed)
    try:
        while sheet.done < sheet.last:
            song.go(Knobs.from_live(run.live))
            has_frames(sheet)
            if run.step(*count()) is Verdict.FINISH and sheet.may_finish(books):
                song.finish()
                has_frames(sheet)
            yield
            song.skip()
            has_frames(sheet)
    finally:
        song.settle()
        song.leave()


class _Song:
    """One pass over a song."""

    def __init__(
        self, drive: Drive, network: Pass, sheet: Sheet, page: Page, books: tuple[int, ...], fed: int
    ) -> None:
        """The network has taken in `fed` columns."""
        self._drive, self._network, self._sheet, self._books = drive, network, sheet, books
        self._page, self._fed = page, fed
        self._step, self._dials = step_of(network, page), Dials(page)
        self._launch: Launch | None = None
        self._most = max(1, min(drive.run_ahead, *network.shapes.delays[1:]))
        """More than the shortest delay, and a late codebook would be past the end before that is known."""
        self._back = Readback(self._page.columns, drive.post, most=self._most)
        self._back.begin(sheet.done)

    def go(self, knobs: Knobs) -> None:
        """Set off the step that writes the next column, and take in what has come of those before."""
        self._dials.turn(knobs)
        if self._fed == self._sheet.done:
            self._launch = self._launch or self._drive.start(self._step)
            self._launch.run()
        else:
            self._open()
        self._sheet.done += 1
        self._sheet.ahead += 1
        self._fed = self._sheet.done
        self._back.written()
        while columns := self._back.next(wait=self._sheet.ahead >= self._most):
            self._receive(columns)

    def skip(self) -> None:
        """Go to the next column that has an open cell, or to the last."""
        if not self._sheet.open(self._books) or self._sheet.done >= self._sheet.last:
            self.settle()
        self._sheet.skip(self._books)

    def finish(self) -> None:
        """End the song with what is written."""
        self.settle()
        sheet, columns = self._sheet, self._page.columns
        sheet.finish(self._books)
        behind = sheet.done + 1
        if behind < sheet.size:
            hand_over(sheet.columns(behind, behind + 1).flatten().tolist(), columns[:, behind])
        self._place()

    def settle(self) -> None:
        """Wait for all that is on its way."""
        self._back.send()
        while self._sheet.ahead:
            self._receive(self._back.next(wait=True))

    def leave(self) -> None:
        """Let the network know what its caches hold."""
        self._network.hold(self._fed)

    def _open(self) -> None:
        """Write a column behind those that are known beforehand, which the network takes in together."""
        network, sheet = self._network, self._sheet
        if self._fed <= sheet.done:
            network.hold(self._fed)
            network.feed(sheet.columns(self._fed, sheet.done + 1).to(self._page.columns.device))
        self._place()
        self._step.logits.copy_(network.logits(self._books))
        self._step.write()

    def _place(self) -> None:
        """Tell the page where the song stands; nothing is on its way."""
        hand_over(marks_of(self._network, self._sheet), self._page.marks)
        self._back.begin(self._sheet.done)

    def _receive(self, columns: Sequence[Sequence[int]]) -> None:
        sheet = self._sheet
        counted = sheet.done
        sheet.receive(columns, self._books)
        if sheet.done < counted:  # the device stood still behind it, and has nothing more to tell
            self._fed = sheet.done
            self._back.begin(sheet.done)
