"""The project's player in a process of its own, told what to do line by line."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import soundfile

from tests.walk.sound import RATE, Sound

ROOT = Path(__file__).parents[2]
_PROGRAM = """
import json, shutil, sys
from pathlib import Path
from core.audio.player import open_player
def hidden():
    raise OSError("hidden")
only = sys.argv[1]
player = open_player(
    load_sound=hidden if only else None, find=lambda name: shutil.which(name) if name == only else None
)
print(player.backend, flush=True)
player.load(Path(sys.argv[2]))
for line in sys.stdin:
    verb, *words = json.loads(line)
    known = {str: Path, list: tuple}
    if verb != "look":
        getattr(player, verb)(*(known.get(type(word), lambda same: same)(word) for word in words))
    print(player.position, int(player.playing), player.reason, flush=True)
player.close()
"""


class Seen(NamedTuple):
    """How the player stands; the position in seconds."""

    position: float
    playing: bool
    reason: str


class PlayerProcess:
    """`with PlayerProcess(file, environment) as player: player.tell("play")`."""

    def __init__(self, file: Path, environment: dict[str, str], *, only: str = "") -> None:
        """`only` hides PortAudio, and every program but this one."""
        self._child = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, only, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )
        self.backend = self._answer()

    def _answer(self) -> str:
        assert self._child.stdout is not None
        return self._child.stdout.readline().strip()

    def tell(self, order: str = "look", *words: float | str | tuple[float, float] | None) -> Seen:
        """Give an order, such as `seek` and 2, and see how it stands afterwards."""
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps([order, *words]) + "\n")
        self._child.stdin.flush()
        position, playing, reason = self._answer().split(" ", 2)
        return Seen(float(position), playing == "1", reason)

    def until(self, condition: Callable[[Seen], bool], timeout: float = 30.0) -> Seen:
        """Look until it stands so."""
        deadline = time.monotonic() + timeout
        while not condition(seen := self.tell()):
            assert time.monotonic() < deadline, f"not within {timeout:g} s: {seen}"
            time.sleep(0.02)
        return seen

    def until_end(self) -> Seen:
        """Wait until the file has come to its end."""
        return self.until(lambda seen: not seen.playing)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        try:
            self._child.wait(10)
        finally:
            self._child.kill()
            assert self._child.stdout is not None
            self._child.stdout.close()


def make_sound(path: Path, seconds: float, *, seed: int = 7) -> Sound:
    """Write noise under a rising tone, each channel its own: no place of it is like another."""
    random = np.random.default_rng(seed)
    time_ = np.arange(round(seconds * RATE)) / RATE
    tone = 0.2 * np.sin(2 * np.pi * (200 * time_ + 400 * time_**2))
    left = tone + random.normal(0, 0.1, len(time_))
    right = 0.5 * tone[::-1] + random.normal(0, 0.05, len(time_))
    samples = np.stack([left, right], axis=1).clip(-0.9, 0.9).astype(np.float32)
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return samples
