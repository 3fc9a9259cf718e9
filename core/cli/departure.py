"""Leaving in good order: signals are noted, and heeded where nothing is half done."""

import os
import signal
import sys
from types import FrameType, TracebackType
from typing import Self

_SHOW_CURSOR = b"\x1b[?25h\n"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Departure:
    """While entered, notes a Ctrl-C, SIGTERM or lost terminal; a second one leaves at once.

    Nothing is raised from the handler: an exception there can be swallowed by whatever it interrupts.
    A signal that whoever started us ignores (nohup, a script's background job) stays ignored.
    """

    def __init__(self) -> None:
        self.code = 0
        """The exit code to leave with, 128 + the signal's number; 0 while nobody has asked."""

    def __enter__(self) -> Self:
        heeded = (number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN)
        self._before = {number: signal.signal(number, self._note) for number in heeded}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.code:
            if sys.stderr.isatty():
                os.write(2, _SHOW_CURSOR)
            os._exit(self.code)
        self.code = 128 + number
