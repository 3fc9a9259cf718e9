"""The real studio in a process of its own on a pseudo-terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyte

QUERIES = re.compile(rb"\x1b\[(?:[<>]\d*u|\?\d+\$p)")
"""The kitty protocol and mode queries: pyte knows neither."""
ROOT = Path(__file__).parents[2]
PROGRAM = """
import fcntl, os, signal, sys, termios
from pathlib import Path
import core.library.background
from core.config import Config, StudioConfig
from core.errors import SongdeskError
from tests.tui import rehearsal
from tui.terminal import run_studio
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
if os.environ.get("OUTLIVED") and (child := os.fork()):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
try:
    engine = getattr(rehearsal, sys.argv[2])
    settings = {"length": float(os.environ.get("LENGTH", "30"))}
    config = Config(settings=settings, studio=StudioConfig(on_hangup=os.environ.get("ON_HANGUP", "pause")))
    if behind := os.environ.get("BEHIND"):
        core.library.background.run_queue_later = lambda log: Path(behind).touch()
    code = run_studio(Path(sys.argv[1]), config, make_engine=lambda: engine(rate=45.0))
except SongdeskError as error:
    sys.stderr.write(f"songdesk: {error}\\n")
    code = 2
sys.exit(code)
"""


class Terminal:
    """A terminal with a program in it: what it drew, and how many bytes came."""

    def __init__(self, size: tuple[int, int], *arguments: str, **environment: str) -> None:
        self.width, self.height = size
        self.screen = pyte.Screen(self.width, self.height)
        self._stream = pyte.ByteStream(self.screen)
        self.log = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", self.height, self.width, 0, 0))
        self.before = termios.tcgetattr(slave)
        self._slave = slave
        plain = {
            k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "SSH_CONNECTION", "TEXTUAL_THEME"}
        }
        known = {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**plain, **known, **environment},
            cwd=ROOT,
            start_new_session=True,
        )
        self._is_up = True
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):
            while self._is_up:
                if select.select([self._master], [], [], 0.05)[0]:
                    data = os.read(self._master, 65536)
                    self.log += data
                    self._stream.feed(QUERIES.sub(b"", data))

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def text(self) -> str:
        return "\n".join(self.screen.display)

    def until(self, condition: Callable[[], object], timeout: float = 15.0) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, f"not within {timeout} s:\n{self.text()}"
            time.sleep(0.02)

    def quiet(self, pause: float = 0.5) -> None:
        """Wait until nothing has come for a while (s)."""
        while True:
            before = len(self.log)
            time.sleep(pause)
            if len(self.log) == before:
                return

    def ended(self, timeout: float = 30.0) -> int:
        code = self.process.wait(timeout)
        time.sleep(0.1)
        return code

    @property
    def is_restored(self) -> bool:
        """Whether the line discipline, the screen and the cursor are as they were."""
        shown = self.log.rfind(b"\x1b[?25h") > self.log.rfind(b"\x1b[?25l")
        left = self.log.rfind(b"\x1b[?1049l") > self.log.rfind(b"\x1b[?1049h")
        return termios.tcgetattr(self._slave) == self.before and shown and left

    def hang_up(self) -> None:
        """Take the terminal away, as a lost link or a closed window does."""
        if self._is_up:
            self._is_up = False
            self._reader.join(10)
            os.close(self._master)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        self.hang_up()
        os.close(self._slave)
