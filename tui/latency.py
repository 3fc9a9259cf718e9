"""Measure how long a key takes to be seen while a song is composed: python -m tui.latency [--size 80x24].

The studio runs in a terminal of its own, with the embedded demo model on every core. Letters are typed one by
one at an uneven pace; the time ends when the letter arrives at the terminal.
"""

import argparse
import fcntl
import os
import pty
import random
import re
import select
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Self

from core.errors import SongdeskError
from core.paths import checkpoints, sample_file
from tui.session import SAMPLE

LETTERS = "абвгдежзиклмнопрстуфхцчшщэюя"
"""Letters that stand nowhere else on the screen."""
_ROUNDS = 6
_COMPOSE, _STOP, _RUB_OUT = "\x07", "\x14", "\x7f"
_TO_A_LINE = ("\x1b[B", "\x1b[B", "\x1b[B", "\x1b[F")
"""Three rows down and to the end: where the sample song has its first line."""
_LOST = 5.0
"""Seconds after which a key counts as lost."""
_SETTINGS = "settings: {length: 120}\n"
"""So long that composing goes on all the while."""
_SEQUENCE = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")


class Pty:
    """A program in a terminal of its own; only what it sends is looked at."""

    def __init__(self, command: Sequence[str], size: tuple[int, int]) -> None:
        self._master, slave = pty.openpty()
        width, height = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color"}
        self._process = subprocess.Popen(  # noqa: S603 - what the person asked to measure
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)

    def send(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def read(self, seconds: float) -> bytes:
        """What comes first within a time (s); empty when nothing does."""
        ready = select.select([self._master], [], [], max(0.0, seconds))[0]
        try:
            return os.read(self._master, 1 << 16) if ready else b""
        except OSError as error:
            raise SongdeskError(
                "the studio ended while it was measured", hint="open it to see why"
            ) from error

    def until(self, seen: Callable[[bytes], object], what: str, seconds: float) -> float:
        """Read until what came is enough; gives the time it took (s), SongdeskError when too long."""
        began, came = time.perf_counter(), b""
        while True:
            came += self.read(began + seconds - time.perf_counter())
            now = time.perf_counter()
            if seen(_SEQUENCE.sub(b"", came)):
                return now - began
            if now - began > seconds:
                raise SongdeskError(
                    f"{what} was not seen within {seconds:g} s", hint="try on a calmer machine"
                )

    def settle(self, seconds: float) -> None:
        """Read until nothing has come for a while (s)."""
        while self.read(seconds):
            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        deadline = time.monotonic() + 15
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                self.read(0.1)
            except SongdeskError:
                time.sleep(0.1)
        self._process.kill()
        self._process.wait()
        os.close(self._master)


def measure(command: Sequence[str], size: tuple[int, int]) -> dict[str, list[float]]:
    """Seconds from key to letter, while `composing` and `idle` after it."""
    with Pty(command, size) as studio:
        studio.until(lambda came: b"Compose" in came, "the studio", 120)
        studio.settle(1.0)
        for key in _TO_A_LINE:
            studio.send(key)
            studio.settle(0.3)
        studio.send(_COMPOSE)
        studio.until(lambda came: b"2/3" in came, "composing", 120)
        composing = _type(studio)
        studio.send(_STOP)
        studio.send(_STOP)
        studio.until(lambda came: b"abandoned" in came, "the end of composing", 120)
        return {"composing": composing, "idle": _type(studio)}


def _type(studio: Pty) -> list[float]:
    pace, times = random.Random(1), []
    for _ in range(_ROUNDS):
        for letter in LETTERS:
            _drain(studio, pace.uniform(0.03, 0.13))
            studio.send(letter)
            times.append(studio.until(partial(_holds, letter.encode()), letter, _LOST))
        studio.send(_RUB_OUT * len(LETTERS))
        _drain(studio, 1.0)
    return times


def _holds(sign: bytes, came: bytes) -> bool:
    return sign in came


def _drain(studio: Pty, seconds: float) -> None:
    """Let a while (s) pass, and what comes in it."""
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        studio.read(left)


def studio_command(folder: Path, through: Sequence[str] = ()) -> list[str]:
    """What opens the studio in a home of its own; `through` is a command that runs another, such as ssh."""
    config = folder / "config" / "songdesk"
    config.mkdir(parents=True)
    (config / "songdesk.yaml").write_text(_SETTINGS)
    own = {f"XDG_{kind}_HOME": folder / kind.lower() for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    own |= {"SONGDESK_LIBRARY": folder / "songs", "SONGDESK_CKPT": checkpoints()}
    program = [sys.executable, "-c", "from core.cli import main; raise SystemExit(main())", "studio"]
    # OMP_NUM_THREADS would keep the model to one core.
    command = [
        "env",
        "-u",
        "OMP_NUM_THREADS",
        "-u",
        "NO_COLOR",
        *(f"{name}={path}" for name, path in own.items()),
    ]
    command += [*program, str(sample_file(SAMPLE).absolute())]
    return [*through, shlex.join(command)] if through else command


def told(times: Sequence[float]) -> str:
    """Median, 95th percentile and worst as words."""
    ordered = sorted(1000 * seconds for seconds in times)
    p50, p95 = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.95))
    return f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, worst {ordered[-1]:.1f} ms of {len(ordered)} keys"


def main() -> int:
    """Print a line each; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tui.latency", description=__doc__)
    parser.add_argument("--size", default="80x24", help="columns x rows")
    parser.add_argument("--through", default="", metavar="COMMAND", help="such as `ssh host`, put before it")
    args = parser.parse_args()
    try:
        width, height = (int(part) for part in args.size.split("x"))
        with tempfile.TemporaryDirectory(prefix="songdesk-", ignore_cleanup_errors=True) as folder:
            command = studio_command(Path(folder), shlex.split(args.through))
            found = measure(command, (width, height))
    except (SongdeskError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for name, times in found.items():
        sys.stdout.write(f"{args.size} {name}: {told(times)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
