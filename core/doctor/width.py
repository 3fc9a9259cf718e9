"""How wide the terminal draws a letter: it is drawn, the terminal asked where its cursor is, and wiped."""

import contextlib
import os
import re
import select
import termios
import time
import tty
from collections.abc import Iterator

_PATIENCE = 1.0
"""Seconds a terminal has to answer; over a very slow link the width is unknown."""
_ANSWER = re.compile(rb"\x1b\[\d+;(\d+)R")


def cells_drawn(letter: str, device: str = "/dev/tty") -> int | None:
    """Cells that the terminal moves on for a letter; None where there is none or it does not tell."""
    try:
        terminal = os.open(device, os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return None
    try:
        # A process in the background would be stopped for touching its terminal.
        if os.tcgetpgrp(terminal) != os.getpgrp():
            return None
        with _unbuffered(terminal):
            os.write(terminal, b"\r" + letter.encode() + b"\x1b[6n")
            column = _column(terminal)
            os.write(terminal, b"\r\x1b[K")
            if column is None:  # an answer that comes late would be typed into the shell
                termios.tcflush(terminal, termios.TCIFLUSH)
    except (OSError, termios.error):
        return None
    finally:
        os.close(terminal)
    return None if column is None else column - 1


@contextlib.contextmanager
def _unbuffered(terminal: int) -> Iterator[None]:
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal, termios.TCSANOW)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)


def _column(terminal: int) -> int | None:
    said, until = b"", time.monotonic() + _PATIENCE
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select([terminal], [], [], left)
        if not ready:
            return None
        said += os.read(terminal, 64)
        if found := _ANSWER.search(said):
            return int(found[1])
    return None
