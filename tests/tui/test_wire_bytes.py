"""The real studio on a pseudo-terminal: how much it sends, and how it leaves the terminal."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pyte
import pytest

STUDIO = """
import sys
from pathlib import Path
from core.config import Config
from core.errors import SongdeskError
from tests.tui.rehearsal import Rehearsal
from tui.terminal import run_studio
try:
    code = run_studio(Path(sys.argv[1]), Config(), make_engine=lambda: Rehearsal(rate=45.0))
except SongdeskError as error:
    sys.stderr.write(f"songdesk: {error}\\n")
    code = 2
sys.exit(code)
"""
QUERIES = re.compile(rb"\x1b\[(?:[<>]\d*u|\?\d+\$p)")
"""The kitty protocol and mode queries: pyte knows neither."""
ROOT = Path(__file__).parents[2]
SIZES = [(80, 24), (200, 60)]


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
            [sys.executable, "-c", STUDIO, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**plain, **known, **environment},
            cwd=ROOT,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with suppress(OSError):
            while data := os.read(self._master, 65536):
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
        """Tell the program that its terminal is gone."""
        self.process.send_signal(signal.SIGHUP)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        for descriptor in (self._slave, self._master):
            os.close(descriptor)


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.jsonl"
    lines = ". ".join(f"A line of song number {n}" for n in range(12))
    path.write_text(
        f'{{"idx": "Paper boats", "gt_lyric": "[verse] {lines}.", "descriptions": "pop, female"}}\n'
    )
    return path


@pytest.fixture
def open_studio(tmp_path: Path, song: Path) -> Iterator[Callable[..., Terminal]]:
    terminals: list[Terminal] = []

    def start(size: tuple[int, int] = (80, 24), **environment: str) -> Terminal:
        homes = {"SONGDESK_LIBRARY": str(tmp_path / "songs"), "XDG_STATE_HOME": str(tmp_path / "state")}
        terminal = Terminal(size, str(song), **homes, **environment)
        terminals.append(terminal)
        terminal.until(lambda: "Compose" in terminal.text())
        terminal.quiet()
        return terminal

    yield start
    for terminal in terminals:
        terminal.close()


@pytest.mark.parametrize("size", SIZES)
def test_a_typed_key_costs_less_than_a_kilobyte(
    open_studio: Callable[..., Terminal], size: tuple[int, int]
) -> None:
    terminal = open_studio(size)
    before = len(terminal.log)
    words = b"a few words of song "
    for key in words:
        terminal.type(bytes([key]))
        time.sleep(0.03)
    terminal.quiet()
    assert "a few words of song" in terminal.text()
    assert (len(terminal.log) - before) / len(words) < 1000


@pytest.mark.parametrize("size", SIZES)
def test_composing_costs_less_than_eight_kilobytes_a_second(
    open_studio: Callable[..., Terminal], size: tuple[int, int]
) -> None:
    terminal = open_studio(size)
    terminal.type(b"\x07")
    terminal.until(lambda: "2/3 composing" in terminal.text())
    time.sleep(0.5)
    before, began = len(terminal.log), time.monotonic()
    time.sleep(4)
    sent = (len(terminal.log) - before) / (time.monotonic() - began)
    assert 100 < sent < 8000


def test_an_idle_studio_sends_nothing(open_studio: Callable[..., Terminal]) -> None:
    terminal = open_studio()
    before = len(terminal.log)
    time.sleep(2)
    assert len(terminal.log) == before


def test_quitting_restores_the_terminal(open_studio: Callable[..., Terminal]) -> None:
    terminal = open_studio()
    terminal.type(b"\x11")
    assert terminal.ended() == 0
    assert terminal.is_restored


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
@pytest.mark.parametrize("composes", [False, True])
def test_a_signal_restores_the_terminal_and_saves_the_draft(
    open_studio: Callable[..., Terminal], tmp_path: Path, number: int, code: int, composes: bool
) -> None:
    terminal = open_studio()
    terminal.type(b"\x1b[B")
    terminal.quiet(0.2)
    terminal.type(b"just typed ")
    if composes:
        terminal.type(b"\x07")
        terminal.until(lambda: "2/3 composing" in terminal.text())
    terminal.until(lambda: "just typed" in terminal.text())
    terminal.process.send_signal(number)
    assert terminal.ended() == code
    assert terminal.is_restored
    assert "just typed" in (tmp_path / "songs" / "Paper boats" / "draft.json").read_text()


def test_few_colours_are_the_terminals_own(open_studio: Callable[..., Terminal]) -> None:
    terminal = open_studio(TERM="xterm", COLORTERM="")
    assert b"38;2;" not in terminal.log
    assert b"38;5;" not in terminal.log


def test_no_color_sends_no_colour(open_studio: Callable[..., Terminal]) -> None:
    terminal = open_studio(NO_COLOR="1")
    assert b"38;2;" not in terminal.log
    assert b"[31m" not in terminal.log
